package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"

	"watchdog/diag"
)

// policy keeps scripts, styles and connections to what this program serves itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// withHeaders adds what a browser must know of everything that is served.
func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// problem is an error as RFC 9457 writes it.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Errors are the mistakes in what was sent, where it is they.
	Errors []fieldError `json:"errors,omitempty"`
	// Diagnostics are the mistakes in the config's files.
	Diagnostics []diag.Diagnostic `json:"diagnostics,omitempty"`
}

// fieldError is a mistake in one field of what was sent.
type fieldError struct {
	Field   string `json:"field"`   // its path, as match.doc_id; empty for the whole
	Message string `json:"message"` // what is wrong
	Hint    string `json:"hint"`    // what would be right; may be empty
}

// failure is an error that the one who asked can do something about.
type failure struct {
	status int
	detail string
}

func (f *failure) Error() string { return f.detail }

// mistakes are errors in the fields of what was sent.
type mistakes []diag.Problem

func (m mistakes) Error() string {
	lines := make([]string, len(m))
	for i, p := range m {
		lines[i] = strings.TrimPrefix(p.Field+": "+p.Message, ": ")
	}
	return strings.Join(lines, "; ")
}

// refuse answers with a problem.
func refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	writeProblem(w, r, problem{Title: http.StatusText(status), Status: status, Detail: why})
}

func writeProblem(w http.ResponseWriter, r *http.Request, p problem) {
	writeJSON(w, r, p.Status, "application/problem+json", p)
}

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is there to hear it
	}
	writeProblem(w, r, s.problem(r, err))
}

// problem is what the one who asked is told of an error. What is not theirs to know is logged
// and not told.
func (s *Server) problem(r *http.Request, err error) problem {
	status, p := http.StatusInternalServerError, problem{Detail: "the daemon could not answer; its log says why"}
	if f, ok := errors.AsType[*failure](err); ok {
		status, p.Detail = f.status, f.detail
	} else if all, ok := errors.AsType[mistakes](err); ok {
		status, p.Detail = http.StatusUnprocessableEntity, all.Error()
		for _, one := range all {
			p.Errors = append(p.Errors, fieldError{one.Field, one.Message, one.Hint})
		}
	} else if list, ok := errors.AsType[diag.List](err); ok {
		status, p.Detail, p.Diagnostics = http.StatusUnprocessableEntity, "the config is bad, and the one before is still in use", list
	} else {
		s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	p.Title, p.Status = http.StatusText(status), status
	return p
}

func writeJSON(w http.ResponseWriter, r *http.Request, status int, kind string, value any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil { // a bug: our own types marshal
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	write(w, r, status, kind, b.Bytes())
}

// compressFrom is from which size on compressing is worth it.
const compressFrom = 1 << 10

var zippers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// write sends a whole body, compressed where that is asked for.
func write(w http.ResponseWriter, r *http.Request, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Add("Vary", "Accept-Encoding")
	if len(body) < compressFrom || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.WriteHeader(status)
		w.Write(body)
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	z.Reset(w)
	if _, err := z.Write(body); err == nil {
		z.Close() //nolint:errcheck // the reader has gone, and there is nobody to tell
	}
}
