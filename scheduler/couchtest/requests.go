package couchtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Request is one request that was answered, or given up.
type Request struct {
	At       time.Time
	Method   string
	Path     string // as it was sent, with the query
	Endpoint string // as "GET /_scheduler/docs/{db}/{id}"
	Status   int    // 0 if the connection ended before
	Bytes    int64  // of the body
	Took     time.Duration
}

// Traffic is what one endpoint has answered so far.
type Traffic struct {
	Requests int
	Bytes    int64
	Failed   int // status 400 and above, or none
}

// remembered is how many requests the log holds; the traffic counts all.
const remembered = 10000

// Requests are the last requests in the order in which they ended, at most 10,000.
func (s *Server) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return slices.Clone(s.log.requests)
}

// Traffic is what was asked and sent since the beginning, or since ForgetRequests, by endpoint.
func (s *Server) Traffic() map[string]Traffic {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return maps.Clone(s.log.traffic)
}

// ForgetRequests empties the log and the traffic.
func (s *Server) ForgetRequests() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.requests, s.log.traffic = nil, nil
}

type log struct {
	mu       sync.Mutex // guards the rest
	requests []Request
	traffic  map[string]Traffic
}

// recorder counts what is written.
type recorder struct {
	http.ResponseWriter
	request Request
}

func (l *log) begin(w http.ResponseWriter, r *http.Request, now time.Time) *recorder {
	return &recorder{w, Request{
		At: now, Method: r.Method, Path: r.RequestURI, Endpoint: endpoint(r),
	}}
}

func (l *log) end(rec *recorder, now time.Time) {
	q := rec.request
	q.Took = now.Sub(q.At)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.requests) == remembered {
		l.requests = slices.Clone(l.requests[remembered/10:])
	}
	l.requests = append(l.requests, q)
	if l.traffic == nil {
		l.traffic = map[string]Traffic{}
	}
	t := l.traffic[q.Endpoint]
	t.Requests++
	t.Bytes += q.Bytes
	if q.Status == 0 || q.Status >= 400 {
		t.Failed++
	}
	l.traffic[q.Endpoint] = t
}

func (rec *recorder) WriteHeader(status int) {
	rec.request.Status = status
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(b []byte) (int, error) {
	if rec.request.Status == 0 {
		rec.request.Status = http.StatusOK
	}
	n, err := rec.ResponseWriter.Write(b)
	rec.request.Bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// endpoint names what a request asks, without the names of databases and documents.
func endpoint(r *http.Request) string {
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	names := []string{"{db}", "{id}"}
	switch path[0] {
	case "_scheduler":
		if len(path) > 1 && path[1] == "jobs" {
			names[0] = "{id}"
		}
		if len(path) > 3 && path[len(path)-1] == "_replicator" {
			path = path[:3] // a database with its slash bare
		} else if len(path) > 4 {
			path = path[:4]
		}
		for i := 2; i < len(path); i++ {
			path[i] = names[min(i-2, 1)]
		}
	case "_node":
		if len(path) > 1 {
			path[1] = "{node}"
		}
	case "", "_up", "_session", "_active_tasks", "_membership", "_all_dbs":
	default:
		path[0] = names[0]
		if len(path) > 1 && path[1] != "_changes" && path[1] != "_all_docs" {
			path = []string{names[0], names[1]}
		}
	}
	return r.Method + " /" + strings.Join(path, "/")
}
