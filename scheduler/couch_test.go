package scheduler_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"watchdog/scheduler"
)

// couch serves answers by method and request, as "GET /_scheduler/jobs/x?limit=1", and keeps
// what it was asked. An answer is a recording's name, or a handler. What has no answer gets a
// 404 that is not CouchDB's.
type couch struct {
	mu      sync.Mutex // guards asked and answers
	asked   []string
	answers map[string]any
}

func newCouch(answers map[string]any) *couch {
	all := map[string]any{
		"GET /":                            "root",
		"GET /_scheduler/docs/_replicator": "docs-all",
		allJobs:                            "jobs-all",
		"GET /_active_tasks":               "active-tasks",
		"POST /_session":                   "session-post",
		members:                            "membership",
	}
	for request, answer := range answers {
		all[request] = answer
	}
	return &couch{answers: all}
}

// members is asked at the first look, and once an hour of a server with one node.
const members = "GET /_membership"

// aside reports whether a request is one that the requests of a test leave out, but for those
// that are about it: of the members, and of what a database could be followed from.
func aside(request string) bool {
	path := strings.TrimPrefix(request, "GET ")
	return strings.HasSuffix(request, members[len("GET "):]) ||
		strings.HasSuffix(path, "_replicator") && !strings.HasPrefix(path, "/_scheduler")
}

const allJobs = "GET /_scheduler/jobs?limit=2147483647"

func (c *couch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request := r.Method + " " + r.URL.RequestURI()
	c.mu.Lock()
	c.asked = append(c.asked, request)
	answer := c.answers[request]
	c.mu.Unlock()
	switch answer := answer.(type) {
	case string:
		play(w, answer)
	case http.HandlerFunc:
		answer(w, r)
	default:
		http.Error(w, "<html>no such page", http.StatusNotFound)
	}
}

// answer changes one answer.
func (c *couch) answer(request string, with any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[request] = with
}

// requests are those since the last call.
func (c *couch) requests() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := slices.DeleteFunc(c.asked, aside)
	c.asked = nil
	return asked
}

// count is how often one request is among requests.
func count(requests []string, request string) int {
	n := 0
	for _, r := range requests {
		if r == request {
			n++
		}
	}
	return n
}

// play answers with a recording.
func play(w http.ResponseWriter, recording string) {
	status, header, body := load(recording)
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	w.Write(body)
}

// load is a recording taken apart, less the headers that the server of the test makes itself.
func load(recording string) (status int, header http.Header, body []byte) {
	raw, err := os.ReadFile("testdata/" + recording + ".http")
	if err != nil {
		panic(err)
	}
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	first, lines, _ := strings.Cut(string(head), "\r\n")
	status, err = strconv.Atoi(strings.Fields(first)[1])
	if err != nil {
		panic(err)
	}
	header = http.Header{}
	for line := range strings.SplitSeq(lines, "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		if !slices.Contains([]string{"Content-Length", "Transfer-Encoding"}, name) {
			header.Add(name, value)
		}
	}
	return status, header, body
}

// text answers with a body of one's own.
func text(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// inOrder answers with one after the other, the last one for ever.
func inOrder(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now := handlers[0]
		if len(handlers) > 1 {
			handlers = handlers[1:]
		}
		mu.Unlock()
		now(w, r)
	}
}

// playing is a recording as a handler.
func playing(recording string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { play(w, recording) }
}

// serveURL starts a real server.
func serveURL(t testing.TB, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// serve is a client of a real server. The URL of spec is the path within it.
func serve(t testing.TB, h http.Handler, spec scheduler.Spec) *scheduler.Client {
	t.Helper()
	spec.URL = serveURL(t, h) + spec.URL
	return dial(t, spec, nil)
}

// bubble is a client whose server is called as a function: no socket, so that it can live in a
// bubble of synctest.
func bubble(t testing.TB, h http.Handler, spec scheduler.Spec) *scheduler.Client {
	t.Helper()
	spec.URL = "http://couch.example:5984"
	return dial(t, spec, call{h})
}

func dial(t testing.TB, spec scheduler.Spec, transport http.RoundTripper) *scheduler.Client {
	t.Helper()
	if spec.Name == "" {
		spec.Name = "prod"
	}
	c, err := scheduler.New(scheduler.Options{Spec: spec, Transport: transport})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// call is a RoundTripper that calls a handler. The body comes as the handler writes it.
type call struct{ http.Handler }

func (c call) RoundTrip(req *http.Request) (*http.Response, error) {
	body, w := io.Pipe()
	ready := make(chan *http.Response, 1)
	rec := &recorder{header: http.Header{}, w: w, ready: ready, body: body, req: req}
	if req.Body == nil { // a handler has always one
		req = req.WithContext(req.Context())
		req.Body = http.NoBody
	}
	hungUp := make(chan struct{})
	go func() {
		defer func() {
			if p := recover(); p != nil {
				if !rec.wrote {
					close(hungUp)
				}
				w.CloseWithError(io.ErrUnexpectedEOF)
				return
			}
			rec.WriteHeader(http.StatusOK)
			w.CloseWithError(req.Context().Err()) // nil is the end of the body
		}()
		c.ServeHTTP(rec, req)
	}()
	context.AfterFunc(req.Context(), func() { w.CloseWithError(req.Context().Err()) })
	select {
	case resp := <-ready:
		return resp, nil
	case <-hungUp:
		return nil, io.EOF
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

type recorder struct {
	header http.Header
	w      *io.PipeWriter
	body   io.ReadCloser
	ready  chan *http.Response
	req    *http.Request
	wrote  bool
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(p []byte) (int, error) { r.WriteHeader(http.StatusOK); return r.w.Write(p) }

func (r *recorder) WriteHeader(status int) {
	if r.wrote {
		return
	}
	r.wrote = true
	r.ready <- &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Header: r.header.Clone(),
		Body: r.body, Request: r.req, ProtoMajor: 1, ProtoMinor: 1,
	}
}

// signedIn is a spec with credentials.
func signedIn() scheduler.Spec {
	return scheduler.Spec{Auth: scheduler.Auth{Username: "admin", Password: password}}
}

// password has characters that each way of sending it writes differently.
const password = "s3cret/+?&:@ "
