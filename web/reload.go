package web

import (
	"net/http"
	"time"
)

// Reloaded is what a reload of the config brought.
type Reloaded struct {
	// Changes are what differs from the config before, as "rules +1"; none: nothing does.
	Changes []string `json:"changes"`
	// RestartNeeded are the keys whose new value counts from the next start on only.
	RestartNeeded []string `json:"restart_needed"`
}

// configState is how loading the config went.
type configState struct {
	at   time.Time // of the last one that was good
	err  error     // of the last one; nil where that was good
	last Reloaded
}

// ConfigLoaded tells readers that a good config is in use, and what it brought.
func (s *Server) ConfigLoaded(at time.Time, brought Reloaded) {
	s.config.Store(&configState{at: at, last: brought})
	s.feed.send("config", Reloaded{orNone(brought.Changes), orNone(brought.RestartNeeded)})
}

// ConfigRefused tells readers that the last config was bad, and the one before is still in use.
func (s *Server) ConfigRefused(err error) {
	next := configState{}
	if before := s.config.Load(); before != nil {
		next = *before
	}
	next.err = err
	s.config.Store(&next)
	s.feed.send("config", struct {
		Error string `json:"error"`
	}{err.Error()})
}

func (s *Server) reload(r *request) (any, error) {
	if s.Reload == nil {
		return nil, &failure{http.StatusConflict, "the config of this daemon is built in"}
	}
	brought, err := s.Reload(r.Context())
	if err != nil {
		return nil, err
	}
	return Reloaded{orNone(brought.Changes), orNone(brought.RestartNeeded)}, nil
}

// orNone is a list that JSON writes as one though it is empty.
func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
