package web

import (
	"net/http"
	"time"
)

// health is what /healthz and /readyz answer.
type health struct {
	Status string `json:"status"` // ok or not ready
	// Parts that are not ready, and why.
	NotReady []notReady `json:"not_ready,omitempty"`
}

type notReady struct {
	Part   string `json:"part"` // store, config or check
	Server string `json:"server,omitempty"`
	Check  string `json:"check,omitempty"`
	Why    string `json:"why"`
}

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
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
	for _, v := range s.Board.Views() {
		for i := range v.Checks {
			c := &v.Checks[i]
			why := ""
			switch {
			case c.Runs == 0:
				why = "it has not run yet"
			case now.After(c.Overdue):
				why = "it has not run for two intervals"
			case c.Undecided:
				why = "its last run decided nothing"
			default:
				continue
			}
			parts = append(parts, notReady{Part: "check", Server: v.Server, Check: c.Name, Why: why})
		}
	}
	return parts
}
