//go:build linux

package chaos

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"watchdog/alert"
)

// Telling is one message as a receiver took it.
type Telling struct {
	At     time.Time
	ID     string
	Alerts []alert.Transition
}

// mood is what a receiver makes of a message.
type mood string

const (
	well   mood = "takes messages"
	unable mood = "answers 503"
	busy   mood = "answers 429"
	deaf   mood = "reads nothing and answers nothing"
	silent mood = "takes messages and never says so"
	abrupt mood = "takes messages and resets the connection"
	half   mood = "takes messages and says half of an answer"
	slow   mood = "takes messages late"
)

// receiver is a webhook's receiver that keeps all it was told, in order, repeats included.
type receiver struct {
	*httptest.Server
	proxy   *proxy
	closing chan struct{}

	mu      sync.Mutex // guards the rest
	mood    mood
	told    []Telling
	changed chan struct{} // closed and replaced at each message
}

func newReceiver(host string) (*receiver, error) {
	r := &receiver{mood: well, changed: make(chan struct{}), closing: make(chan struct{})}
	r.Server = httptest.NewServer(r)
	var err error
	if r.proxy, err = newProxy(host, r.Listener.Addr().String()); err != nil {
		r.Server.Close()
		return nil, err
	}
	return r, nil
}

// close returns when nothing runs any more.
func (r *receiver) close() {
	close(r.closing)
	r.CloseClientConnections()
	r.proxy.close()
	r.Server.Close()
}

// url is where the daemon finds it: behind its proxy.
func (r *receiver) url() string { return "http://" + r.proxy.addr + "/" }

func (r *receiver) set(m mood) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mood = m
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	now := r.mood
	r.mu.Unlock()
	switch now {
	case unable:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case busy:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case deaf:
		_, _ = req.Body.Read(make([]byte, 100))
		select { // what is not read hides that the sender has gone
		case <-r.closing:
		case <-time.After(3 * time.Second):
		}
		panic(http.ErrAbortHandler)
	case slow:
		select {
		case <-time.After(500 * time.Millisecond):
		case <-req.Context().Done():
			return
		}
	}
	var m Telling
	if err := json.NewDecoder(req.Body).Decode(&m); err != nil || m.ID != req.Header.Get("webhook-id") {
		w.WriteHeader(http.StatusBadRequest) // half a message, of a process that was killed
		return
	}
	r.hear(m)
	switch now {
	case silent:
		<-req.Context().Done()
	case abrupt:
		panic(http.ErrAbortHandler)
	case half:
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte("half"))
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (r *receiver) hear(m Telling) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.At = time.Now()
	r.told = append(r.told, m)
	close(r.changed)
	r.changed = make(chan struct{})
}

// heard is all it was told until now, and a channel that closes when there is more.
func (r *receiver) heard() ([]Telling, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told), r.changed
}

// await waits until it was told something that fits.
func (r *receiver) await(ctx context.Context, fits func(*alert.Transition) bool) bool {
	for seen := 0; ; {
		told, more := r.heard()
		for ; seen < len(told); seen++ {
			for i := range told[seen].Alerts {
				if fits(&told[seen].Alerts[i]) {
					return true
				}
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return false
		}
	}
}
