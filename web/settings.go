package web

import (
	"net/http"
	"reflect"

	"watchdog/notify"
	"watchdog/web/gate"
)

// Settings are what may change while a Server runs.
type Settings struct {
	Gate        gate.Spec
	ExternalURL string   // that people open, or ""
	Sinks       []string // names, so that a sink with nothing to send shows too
	// Vocabulary is which labels alerts can have; nil: any.
	Vocabulary notify.Vocabulary
}

// face is what the settings of the moment have made.
type face struct {
	Settings
	handler http.Handler
}

// Change makes other settings count for every request that comes after it; requests in hand and
// open streams go on. Where the page listens does not change by it. One goroutine at a time may
// call it.
func (s *Server) Change(to Settings) {
	next := &face{Settings: to}
	before := s.now.Load()
	if before != nil && before.ExternalURL == to.ExternalURL && reflect.DeepEqual(before.Gate, to.Gate) {
		next.handler = before.handler // it remembers who fitted a hash
	} else {
		next.handler = s.withinGate(gate.New(to.Gate, to.ExternalURL, refuse))
	}
	s.metrics.expect(to.Sinks)
	s.now.Store(next)
}

func (s *Server) withinGate(g *gate.Gate) http.Handler {
	open := func(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }
	return http.MaxBytesHandler(withHeaders(g.Wrap(s.mux, open)), maxBody)
}
