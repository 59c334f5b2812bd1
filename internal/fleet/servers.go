//go:build linux

package fleet

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"watchdog/scheduler/couchtest"
)

// servers are simulated ones, each with one replication. They note who asks.
type servers struct {
	all  []*couchtest.Server
	urls []string
	at   map[string]int // by port

	mu    sync.Mutex // guards the rest
	looks []Look
	last  []time.Time // of the looks at each
}

func serverName(i int) string { return fmt.Sprintf("server%03d", i) }

func docName(i int) string { return fmt.Sprintf("doc%03d", i) }

// newServers starts n of them, each on a port of its own.
func newServers(t testing.TB, n int) *servers {
	s := &servers{at: map[string]int{}, last: make([]time.Time, n)}
	ctx, end := context.WithCancel(context.Background()) // of long polls too
	server := &http.Server{Handler: s, BaseContext: func(net.Listener) context.Context { return ctx }}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		end()
		_ = server.Close()
		serving.Wait()
	})
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it waits for nothing
		if err != nil {
			t.Fatal(err)
		}
		s.all = append(s.all, couchtest.New(couchtest.Options{}))
		s.urls = append(s.urls, "http://"+l.Addr().String())
		s.at[l.Addr().String()] = i
		serving.Go(func() { _ = server.Serve(l) })
	}
	return s
}

// ServeHTTP answers as the server at whose port somebody asks. Each check asks for the jobs once,
// by the name of its process.
func (s *servers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i := s.at[r.Context().Value(http.LocalAddrContextKey).(net.Addr).String()]
	if process, _, _ := r.BasicAuth(); r.URL.Path == "/_scheduler/jobs" {
		s.look(i, process)
	}
	s.all[i].ServeHTTP(w, r)
}

func (s *servers) look(i int, process string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.looks = append(s.looks, Look{now, serverName(i), process})
	s.last[i] = now
}

// checkedSince is how many servers were.
func (s *servers) checkedSince(since time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, last := range s.last {
		if last.After(since) {
			n++
		}
	}
	return n
}
