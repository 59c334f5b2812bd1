package sinktest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// exchange is one request, and how to answer it.
type exchange struct {
	h         Harness
	w         http.ResponseWriter
	r         *http.Request
	body      []byte
	elsewhere string             // a server that must not be asked
	cancel    context.CancelFunc // ends the context of Send
}

// testCase is one answer and what every sink makes of it.
type testCase struct {
	name   string
	answer func(*exchange)
	want   Outcome
	after  [2]time.Duration // of Busy: the least and the most to wait
}

var cases = join(
	[]testCase{
		{name: "the receiver takes it", answer: func(x *exchange) { x.h.Accept(x.w, x.r) }, want: Taken},
	},
	statuses(Taken, 200, 201, 202, 204),
	statuses(Refused, 300, 301, 302, 303, 304, 307, 308),
	statuses(Refused, 400, 401, 403, 404, 405, 409, 410, 413, 422, 451, 499),
	statuses(Retried, 408, 425, 429, 500, 501, 502, 503, 504, 507, 529, 599),
	waits,
	[]testCase{
		{name: "an answer that never comes ends with the context", answer: hang, want: Retried},
		{name: "a refusal that hangs midway ends with the context", answer: hangMidway(404), want: either},
		{name: "an acceptance that hangs midway ends with the context", answer: hangMidway(200), want: either},
		{name: "the connection is reset", answer: reset, want: Retried},
		{name: "the connection is closed without an answer", answer: raw(""), want: Retried},
		{name: "half a status line", answer: raw("HTTP/1.1 200"), want: Retried},
		{name: "an answer that is not HTTP", answer: raw("SSH-2.0-OpenSSH_9.6\r\n"), want: Retried},
		{name: "a redirect to no address", answer: nowhere, want: Refused},
		{name: "a header without end", answer: endlessHeader, want: Retried},
		{name: "a port that sends back what it gets", answer: mirror, want: Retried},
		{name: "an acceptance cut off in its body", answer: cut(200), want: Taken},
		{name: "a refusal cut off in its body", answer: cut(404), want: Refused},
		{name: "a failure cut off in its body", answer: cut(500), want: Retried},
		{name: "a failure without end", answer: endless(500), want: Retried},
		{name: "a refusal without end", answer: endless(400), want: Refused},
		{name: "a web page that says 200", answer: page(200), want: Taken},
		{name: "a web page that says 502", answer: page(502), want: Retried},
		{name: "a failure that tells all it was sent", answer: echo(500), want: Retried},
		{name: "a refusal that tells all it was sent", answer: echo(400), want: Refused},
		{name: "a failure that writes control characters", answer: control, want: Retried},
	},
)

// waits are the forms of Retry-After.
var waits = []testCase{
	busy("a 429 that asks for seconds", 429, "7", exactly(7*time.Second)),
	busy("a 503 that asks for seconds", 503, "7", exactly(7*time.Second)),
	busy("a 408 that asks for seconds", 408, "7", exactly(7*time.Second)),
	{
		name: "a 429 that asks for a date",
		answer: func(x *exchange) {
			refuse(x, 429, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		},
		want:  Busy,
		after: [2]time.Duration{59 * time.Minute, time.Hour},
	},
	busy("a 429 that asks for ages", 429, "31536000", exactly(365*24*time.Hour)),
	busy("a 429 that asks for more than can be counted", 429, "99999999999999999999", [2]time.Duration{1e6 * time.Hour, 1<<63 - 1}),
	notBusy("a 429 that asks for no time", 429, "0", Retried),
	notBusy("a 429 that asks for less than no time", 429, "-5", Retried),
	notBusy("a 429 that asks for half a second", 429, "0.5", Retried),
	notBusy("a 429 that asks for rubbish", 429, "in a while", Retried),
	notBusy("a 503 that asks for a date gone by", 503, "Fri, 02 Jan 2015 03:04:05 GMT", Retried),
	notBusy("a 404 that asks for seconds", 404, "7", Refused),
}

func join(lists ...[]testCase) []testCase {
	var all []testCase
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func statuses(want Outcome, codes ...int) []testCase {
	var list []testCase
	for _, code := range codes {
		list = append(list, testCase{
			name: "a bare " + strconv.Itoa(code), answer: func(x *exchange) { refuse(x, code, "") }, want: want,
		})
	}
	return list
}

func exactly(d time.Duration) [2]time.Duration { return [2]time.Duration{d, d} }

func busy(name string, code int, retryAfter string, after [2]time.Duration) testCase {
	return testCase{name: name, answer: func(x *exchange) { refuse(x, code, retryAfter) }, want: Busy, after: after}
}

func notBusy(name string, code int, retryAfter string, want Outcome) testCase {
	return testCase{name: name, answer: func(x *exchange) { refuse(x, code, retryAfter) }, want: want}
}

// refuse answers with a status; a redirect leads elsewhere.
func refuse(x *exchange, code int, retryAfter string) {
	if code >= 300 && code < 400 {
		x.w.Header().Set("Location", x.elsewhere+"/hook?from="+x.r.URL.RawQuery)
	}
	if retryAfter != "" {
		x.w.Header().Set("Retry-After", retryAfter)
	}
	x.w.WriteHeader(code)
}

// nowhere redirects to what cannot be read as an address, and holds all that was sent.
func nowhere(x *exchange) {
	x.w.Header().Set("Location", "http://["+strings.Repeat("x", 2000)+x.r.RequestURI+x.r.Header.Get("Authorization"))
	x.w.WriteHeader(http.StatusFound)
}

// mirror answers with the request's first line and a token of its headers, which is not HTTP.
func mirror(x *exchange) {
	conn := hijack(x)
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s %s %s\r\n\r\n", x.r.Method, x.r.RequestURI, x.r.Proto, x.r.Header.Get("X-Api-Key"))
}

func endlessHeader(x *exchange) {
	conn := hijack(x)
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Long: ")
	for chunk := bytes.Repeat([]byte("x"), 100_000); ; {
		if _, err := conn.Write(chunk); err != nil {
			return
		}
	}
}

func hang(x *exchange) {
	x.cancel()
	<-x.r.Context().Done()
}

func hangMidway(code int) func(*exchange) {
	return func(x *exchange) {
		x.w.WriteHeader(code)
		io.WriteString(x.w, `{"ok":`)
		http.NewResponseController(x.w).Flush()
		hang(x)
	}
}

// raw answers with these bytes, which need not be HTTP, and closes the connection.
func raw(answer string) func(*exchange) {
	return func(x *exchange) {
		conn := hijack(x)
		io.WriteString(conn, answer)
		conn.Close()
	}
}

func cut(code int) func(*exchange) {
	return raw(fmt.Sprintf("HTTP/1.1 %d x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"ok\":", code))
}

func reset(x *exchange) {
	conn := hijack(x)
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

func hijack(x *exchange) net.Conn {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(err)
	}
	return conn
}

func endless(code int) func(*exchange) {
	return func(x *exchange) {
		x.w.WriteHeader(code)
		for chunk := bytes.Repeat([]byte("no "), 10_000); ; {
			if _, err := x.w.Write(chunk); err != nil {
				return
			}
		}
	}
}

func page(code int) func(*exchange) {
	return func(x *exchange) {
		x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
		x.w.WriteHeader(code)
		io.WriteString(x.w, "<!DOCTYPE html>\n<html><head><title>Sorry</title></head><body>"+strings.Repeat("<p>Something is wrong.</p>\n", 200)+"</body></html>")
	}
}

// echo answers with all that the request held, as helpful receivers and debugging proxies do.
func echo(code int) func(*exchange) {
	return func(x *exchange) {
		x.w.WriteHeader(code)
		fmt.Fprintf(x.w, "%s %s %s %s ", x.r.Method, x.r.RequestURI, x.r.URL.Path, path.Base(x.r.URL.Path))
		for _, name := range []string{"Authorization", "X-Api-Key"} { // first: texts are cut
			fmt.Fprintf(x.w, "%s: %q ", name, strings.Fields(x.r.Header.Get(name)))
		}
		fmt.Fprintf(x.w, "%v %s", x.r.URL.Query(), x.body)
	}
}

func control(x *exchange) {
	x.w.WriteHeader(500)
	io.WriteString(x.w, "bad\x1b[2J\x07 news\r\n2026-01-02 all is well\n\u009b31m")
}
