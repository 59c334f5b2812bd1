package couchtest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.agenda.run(s.Now)
	rec := s.log.begin(w, r, s.Now())
	defer func() { s.log.end(rec, s.Now()) }()
	h := rec.Header()
	h.Set("Cache-Control", "must-revalidate")
	h.Set("Content-Type", "application/json")
	h.Set("Server", fmt.Sprintf("CouchDB/%s (Erlang OTP/25)", s.opts.Version))
	h["X-Couch-Request-ID"] = []string{fmt.Sprintf("%010x", rand.Uint64N(1<<40))}
	h["X-CouchDB-Body-Time"] = []string{"0"}
	if behave := s.faults.match(r, s.Now()); behave != nil {
		behave(rec, r, http.HandlerFunc(s.route))
		return
	}
	s.route(rec, r)
}

// request is one that is being answered.
type request struct {
	s *Server
	w http.ResponseWriter
	*http.Request
	who  identity
	path []string // decoded segments
}

func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	q := &request{s: s, w: w, Request: r}
	for raw := range strings.SplitSeq(strings.Trim(r.URL.EscapedPath(), "/"), "/") {
		segment, err := url.PathUnescape(strings.ReplaceAll(raw, "+", " "))
		if err != nil {
			q.fail(http.StatusBadRequest, "bad_request", "Invalid path")
			return
		}
		q.path = append(q.path, segment)
	}
	if q.path[0] == "_session" {
		q.session()
		return
	}
	var ok bool
	if q.who, ok = q.authenticate(); !ok {
		return
	}
	switch q.path[0] {
	case "":
		q.allow(q.welcome, "GET", "HEAD")
	case "_up":
		q.allow(func() { q.json(http.StatusOK, `{"status":"ok","seeds":{}}`) }, "GET", "HEAD")
	case "_scheduler", "_active_tasks", "_membership", "_all_dbs", "_node":
		if !q.who.admin {
			q.fail(http.StatusUnauthorized, "unauthorized", "You are not a server admin.")
			return
		}
		q.allow(q.server, "GET", "HEAD")
	default:
		q.databases()
	}
}

// server answers what only a server admin may ask.
func (q *request) server() {
	switch q.path[0] {
	case "_scheduler":
		q.scheduler()
	case "_active_tasks":
		q.activeTasks()
	case "_membership":
		q.membership()
	case "_all_dbs":
		q.allDatabases()
	case "_node":
		q.node()
	}
}

func (q *request) welcome() {
	q.json(http.StatusOK, fmt.Sprintf(`{"couchdb":"Welcome","version":%q,"git_sha":"11f0d36",`+
		`"uuid":"90493366805ce5aa75d9f66c3380110e","features":["quickjs","access-ready","partitioned",`+
		`"pluggable-storage-engines","reshard","scheduler"],"vendor":{"name":"The Apache Software Foundation"}}`,
		q.s.opts.Version))
}

// allow answers 405 to all methods but these.
func (q *request) allow(answer func(), methods ...string) {
	for _, m := range methods {
		if q.Method == m {
			answer()
			return
		}
	}
	list := strings.Join(methods, ",")
	q.w.Header().Set("Allow", list)
	q.fail(http.StatusMethodNotAllowed, "method_not_allowed", "Only "+list+" allowed")
}

// json answers with a body in one piece, and a new line after it as CouchDB does.
func (q *request) json(status int, body string) {
	q.bytes(status, append([]byte(body), '\n'))
}

func (q *request) bytes(status int, body []byte) {
	q.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	q.w.WriteHeader(status)
	if q.Method != http.MethodHead {
		q.w.Write(body)
	}
}

func (q *request) fail(status int, kind, reason string) {
	b := appendString([]byte(`{"error":`), kind)
	b = appendString(append(b, `,"reason":`...), reason)
	q.bytes(status, append(b, "}\n"...))
}

func (q *request) missing(reason string) { q.fail(http.StatusNotFound, "not_found", reason) }

// plain takes back the headers that some handlers of CouchDB do not send.
func (q *request) plain() {
	delete(q.w.Header(), "X-Couch-Request-ID")
	delete(q.w.Header(), "X-CouchDB-Body-Time")
}

// stream begins an answer whose length is not known: chunked, with its headers sent at once.
func (q *request) stream() {
	q.w.WriteHeader(http.StatusOK)
	http.NewResponseController(q.w).Flush()
}
