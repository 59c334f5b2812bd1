package web

import (
	"fmt"
	"net/http"
	"time"
)

type serverList struct {
	Servers []server `json:"servers"`
}

type server struct {
	Name string `json:"name"`
	// Up: the last look was whole. Null before the first.
	Up *bool `json:"up"`
	// Elsewhere: another replica watches it. What is said is as that one last wrote it down.
	Elsewhere bool `json:"elsewhere"`
	// WatchedBy is the replica that says so; "" where there is one process only, or where the other
	// one has written nothing yet.
	WatchedBy    string         `json:"watched_by"`
	Error        string         `json:"error"`
	FailingSince *time.Time     `json:"failing_since"`
	LookedAt     *time.Time     `json:"looked_at"`
	Version      string         `json:"version"`
	Replications map[string]int `json:"replications"` // by state
	Checks       []check        `json:"checks"`
}

type check struct {
	Name     string     `json:"name"`
	LastRun  *time.Time `json:"last_run"`
	NextRun  *time.Time `json:"next_run"`
	LastGood *time.Time `json:"last_good"`
	// Duration is of the last run, in seconds.
	Duration float64 `json:"duration"`
	// Requests and Bytes are what the last run asked and got.
	Requests int    `json:"requests"`
	Bytes    int64  `json:"bytes"`
	Runs     int    `json:"runs"`
	Failures int    `json:"failures"`
	Error    string `json:"error"`
}

func (s *Server) listChecks(r *request) (any, error) {
	s.Replicas.Show(r.Context(), false)
	list := serverList{Servers: []server{}}
	for _, v := range s.Board.Views() {
		one := server{Name: v.Server, Elsewhere: v.Elsewhere, WatchedBy: s.watcher(v), FailingSince: when(v.FailingSince), Replications: map[string]int{}, Checks: []check{}}
		if v.Looked != nil {
			up := !v.Looked.Failed()
			one.Up, one.LookedAt, one.Version, one.Error = &up, &v.Looked.At, v.Looked.Version, message(v.Looked.Err())
		}
		if v.Seen != nil {
			one.Replications = countStates(v.States)
		}
		for i := range v.Checks {
			c := &v.Checks[i]
			one.Checks = append(one.Checks, check{
				Name: c.Name, LastRun: when(c.Began), NextRun: when(c.Next), LastGood: when(c.LastGood),
				Duration: c.Elapsed.Seconds(), Requests: c.Usage.Requests, Bytes: c.Usage.Bytes, Runs: c.Runs, Failures: c.Failures, Error: message(c.Err),
			})
		}
		list.Servers = append(list.Servers, one)
	}
	return list, nil
}

// when is a time, nil where there is none.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// accepted is the answer to what is done a little later.
type accepted struct {
	Status string `json:"status"`
}

func (s *Server) runCheck(r *request) (any, error) {
	server, name := r.get("server"), r.get("check")
	if !s.ComeDue(server, name) {
		return nil, &failure{http.StatusNotFound, fmt.Sprintf("there is no check %q of a server %q", name, server)}
	}
	return accepted{"due"}, nil
}

// message is what an error says, "" for none.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
