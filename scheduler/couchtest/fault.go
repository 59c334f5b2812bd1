package couchtest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is trouble with some requests.
type Fault struct {
	Path  string        // of the requests, as they are sent: a prefix. "" is all
	Skip  int           // how many go well first
	Times int           // how many it hits, 0 is all
	For   time.Duration // how long from now, 0 is for ever
	Do    Behaviour
}

// Behaviour is what happens to a request instead of, or around, the true answer that next gives.
// Those below are ready made; a test may bring its own.
type Behaviour func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Inject lets a fault happen from now on, until it is used up, or removed by what is returned.
// Of several that hit the same request the first injected wins.
func (s *Server) Inject(f Fault) (remove func()) {
	s.catchUp()
	armed := &armed{Fault: f}
	if f.For > 0 {
		armed.until = s.Now().Add(f.For)
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.all = append(s.faults.all, armed)
	return func() {
		s.faults.mu.Lock()
		defer s.faults.mu.Unlock()
		s.faults.drop(armed)
	}
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.all = nil
}

type armed struct {
	Fault
	until time.Time
}

type faults struct {
	mu  sync.Mutex // guards all
	all []*armed
}

func (f *faults) drop(a *armed) {
	f.all = slices.DeleteFunc(f.all, func(other *armed) bool { return other == a })
}

// match is what is to happen to a request, nil if nothing.
func (f *faults) match(r *http.Request, now time.Time) Behaviour {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = slices.DeleteFunc(f.all, func(a *armed) bool { return !a.until.IsZero() && !now.Before(a.until) })
	for _, a := range f.all {
		if !strings.HasPrefix(r.URL.EscapedPath(), a.Path) {
			continue
		}
		if a.Skip > 0 {
			a.Skip--
			continue
		}
		if a.Times > 0 {
			if a.Times--; a.Times == 0 {
				f.drop(a)
			}
		}
		return a.Do
	}
	return nil
}

// Status answers with an error of this status, in CouchDB's words.
func Status(status int) Behaviour {
	kinds := map[int][2]string{
		http.StatusUnauthorized:        {"unauthorized", "You are not authorized to access this db."},
		http.StatusForbidden:           {"forbidden", "You are not allowed to access this db."},
		http.StatusNotFound:            {"not_found", "missing"},
		http.StatusTooManyRequests:     {"too_many_requests", "You have exceeded your limit of requests."},
		http.StatusInternalServerError: {"unknown_error", "function_clause"},
		http.StatusServiceUnavailable:  {"service_unavailable", "Service unavailable"},
	}
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		kind, known := kinds[status]
		if !known {
			kind = [2]string{"error", http.StatusText(status)}
		}
		(&request{w: w, Request: r}).fail(status, kind[0], kind[1])
	}
}

// RetryAfter answers with an error of this status that says when to come back.
func RetryAfter(status int, after time.Duration) Behaviour {
	answer := Status(status)
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
		answer(w, r, next)
	}
}

// Delay answers truly, but late.
func Delay(d time.Duration) Behaviour {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if pause(r.Context(), d) {
			next.ServeHTTP(w, r)
		}
	}
}

// Hang never answers: it waits until the client gives up.
func Hang() Behaviour {
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
}

// HangAfter sends n bytes of the body and then nothing, until the client gives up.
func HangAfter(n int) Behaviour {
	return cutting(n, func(r *http.Request) { <-r.Context().Done() })
}

// Truncate ends the connection after n bytes of the body, without the end that HTTP demands, as
// CouchDB does when it fails in the middle of a list.
func Truncate(n int) Behaviour { return cutting(n, func(*http.Request) {}) }

func cutting(n int, then func(*http.Request)) Behaviour {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&cutter{ResponseWriter: w, left: n, then: func() {
			http.NewResponseController(w).Flush()
			then(r)
			panic(http.ErrAbortHandler)
		}}, r)
	}
}

// cutter lets so many bytes pass.
type cutter struct {
	http.ResponseWriter
	left int
	then func()
}

func (c *cutter) Write(b []byte) (int, error) {
	if len(b) < c.left {
		c.left -= len(b)
		return c.ResponseWriter.Write(b)
	}
	c.ResponseWriter.Write(b[:c.left])
	c.then()
	return 0, nil
}

// Unwrap lets http.ResponseController reach the connection.
func (c *cutter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Trickle sends the true answer in small pieces with a pause between them.
func Trickle(piece int, every time.Duration) Behaviour {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&trickler{ResponseWriter: w, ctx: r.Context(), piece: piece, every: every}, r)
	}
}

type trickler struct {
	http.ResponseWriter
	ctx   context.Context
	piece int
	every time.Duration
	begun bool
}

func (t *trickler) Write(b []byte) (int, error) {
	for part := range slices.Chunk(b, t.piece) {
		if t.begun && !pause(t.ctx, t.every) {
			panic(http.ErrAbortHandler)
		}
		t.begun = true
		if _, err := t.ResponseWriter.Write(part); err != nil {
			return 0, err
		}
		http.NewResponseController(t.ResponseWriter).Flush()
	}
	return len(b), nil
}

// Unwrap lets http.ResponseController reach the connection.
func (t *trickler) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// HTML answers with a page, as a proxy in front of the server does.
func HTML(status int) Behaviour {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		clear(w.Header())
		w.Header().Set("Server", "nginx")
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html>\r\n<head><title>%d %[2]s</title></head>\r\n<body>\r\n<center><h1>%[1]d %[2]s</h1></center>\r\n"+
			"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", status, http.StatusText(status))
	}
}

// Garbage answers 200 with what is no JSON.
func Garbage() Behaviour {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		fmt.Fprint(w, `{"total_rows":3,"offset":0,"docs":[{"database":"_replicator",,]}}`)
	}
}

// oddKey is where OddRow leaves its row for the lists.
type oddKey struct{}

// OddRow puts one more row behind the first of a list. The text must be JSON for the list to
// stay readable; "" is a row in which everything has another type than usual.
func OddRow(row string) Behaviour {
	if row == "" {
		row = `{"database":17,"doc_id":["odd"],"id":{},"state":true,"info":3,"error_count":"many","history":"none","last_updated":false}`
	}
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), oddKey{}, row)))
	}
}

func oddRow(r *http.Request) string {
	row, _ := r.Context().Value(oddKey{}).(string)
	return row
}

// pause waits, and reports whether the client is still there.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
