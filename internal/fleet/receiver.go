//go:build linux

package fleet

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"watchdog/alert"
	"watchdog/internal/chaos"
)

// refused is the share of messages that the receiver refuses, and as many that it takes and never
// says so.
const refused = 0.005

// receiver is a webhook's receiver that keeps all it was told, in order, repeats included.
type receiver struct {
	*httptest.Server

	mu    sync.Mutex // guards the rest
	told  []chaos.Telling
	last  map[string]alert.Transition // by document
	heard map[string]chan struct{}    // by document: closed and replaced at each message about it
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{last: map[string]alert.Transition{}, heard: map[string]chan struct{}{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var m chaos.Telling
	if err := json.NewDecoder(req.Body).Decode(&m); err != nil || m.ID != req.Header.Get("webhook-id") {
		w.WriteHeader(http.StatusBadRequest) // half a message, of a process that was killed
		return
	}
	if rand.Float64() < refused {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.hear(m)
	if rand.Float64() < refused {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) hear(m chaos.Telling) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.At = time.Now()
	r.told = append(r.told, m)
	for i := range m.Alerts {
		doc := m.Alerts[i].DocID
		r.last[doc] = m.Alerts[i]
		if heard := r.heard[doc]; heard != nil {
			close(heard)
			delete(r.heard, doc)
		}
	}
}

// await waits until what was last told of a document fits.
func (r *receiver) await(ctx context.Context, doc string, fits func(*alert.Transition) bool) bool {
	for {
		r.mu.Lock()
		last, known := r.last[doc]
		if known && fits(&last) {
			r.mu.Unlock()
			return true
		}
		heard := r.heard[doc]
		if heard == nil {
			heard = make(chan struct{})
			r.heard[doc] = heard
		}
		r.mu.Unlock()
		select {
		case <-heard:
		case <-ctx.Done():
			return false
		}
	}
}

func (r *receiver) all() []chaos.Telling {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}
