package web

import (
	"net/http"
	"time"
)

// health is what /healthz and /readyz answer.
type health struct {
	Status string `json:"status"` // ok, not ready or hung
	// Parts that are not ready, and why.
	NotReady []notReady `json:"not_ready,omitempty"`
}

type notReady struct {
	Part   string `json:"part"` // store, config, check or loop
	Server string `json:"server,omitempty"`
	Check  string `json:"check,omitempty"`
	Why    string `json:"why"`
}

// healthz says that the process answers, and that nothing in it hangs. As readyz it names parts and
// tells no more.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	if s.Alive != nil {
		if err := s.Alive(); err != nil {
			parts := []notReady{{Part: "loop", Why: err.Error()}}
			writeJSON(w, r, http.StatusServiceUnavailable, "application/json", health{Status: "hung", NotReady: parts})
			return
		}
	}
	writeJSON(w, r, http.StatusOK, "application/json", health{Status: "ok"})
}

// readyz says whether everything works that alerts depend on. It needs no credentials, so it
// names parts and tells no more.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	parts := s.notReady(r, time.Now())
	if len(parts) == 0 {
		writeJSON(w, r, http.StatusOK, "application/json", health{Status: "ok"})
		return
	}
	writeJSON(w, r, http.StatusServiceUnavailable, "application/json", health{Status: "not ready", NotReady: parts})
}

func (s *Server) notReady(r *http.Request, now time.Time) []notReady {
	var parts []notReady
	if _, err := s.Archive.Backlogs(r.Context()); err != nil {
		parts = append(parts, notReady{Part: "store", Why: "it cannot be read"})
	}
	if c := s.config.Load(); c == nil {
		parts = append(parts, notReady{Part: "config", Why: "it is not loaded"})
	}
	for _, late := range s.Board.Late(now) {
		parts = append(parts, notReady{Part: "check", Server: late.Server, Check: late.Check, Why: late.Why})
	}
	return parts
}
