// Package sinktest is the contract of every sink: what receivers answer, well and badly, and what
// a sink makes of it. Each sink's tests run it, so sinks cannot drift. Where a kind of receiver
// differs by its nature, its harness says so by case.
//
// Run is the contract in the words of HTTP, status by status. RunStage is the same contract for
// what speaks otherwise: its adapter acts the parts that a receiver can play.
package sinktest

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"watchdog/notify"
)

// Outcome is what a sink makes of one attempt.
type Outcome string

// The outcomes.
const (
	Taken   Outcome = "taken"   // no error: it is not sent again
	Retried Outcome = "retried" // sent again when the outbox likes
	Busy    Outcome = "busy"    // sent again, after the receiver's own wait
	Refused Outcome = "refused" // never sent again

	// either is the outcome of a race that the sink cannot decide.
	either Outcome = "either"
)

// Harness is one kind of sink under the contract.
type Harness struct {
	// New makes the sink, which sends to the server at base ("http://127.0.0.1:1234") by client.
	// It is configured with all the Secrets that it can have.
	New func(t *testing.T, base string, client *http.Client) notify.Sink
	// Accept answers as the receiver does when it has the message.
	Accept http.HandlerFunc
	// MessageID finds the message's id in a request; a message may take several.
	MessageID func(t *testing.T, r *http.Request, body []byte) string
	// Secrets must be in no error, in no form in which they travel.
	Secrets []string
	// Except are the cases whose outcome differs for this kind of receiver, by their names.
	Except map[string]Outcome
}

// prompt is within what "at once" must happen, on a busy machine.
const prompt = 5 * time.Second

// Run proves that the sink of the harness keeps the contract.
func Run(t *testing.T, h Harness) {
	excepted := 0
	for _, c := range cases {
		want := c.want
		if own, differs := h.Except[c.name]; differs {
			if own == want {
				t.Errorf("the harness excepts %q with the same outcome: %s", c.name, want)
			}
			want = own
			excepted++
		}
		t.Run(c.name, func(t *testing.T) { h.check(t, c, want) })
	}
	if excepted != len(h.Except) {
		t.Errorf("the harness has %d exceptions, of which %d are cases: %v", len(h.Except), excepted, h.Except)
	}
	t.Run("nobody listens", h.nobodyListens)
	t.Run("a certificate that is not trusted", h.untrusted)
	t.Run("a context that has ended sends nothing", h.endedContext)
	t.Run("a message sent twice has the same id twice", h.sameID)
	t.Run("messages can be sent at the same time", h.atOnce)
}

// check runs one case.
func (h Harness) check(t *testing.T, c testCase, want Outcome) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	elsewhere := h.serve(t, func(x *exchange) { t.Error("the sink followed a redirect") })
	server := h.serve(t, func(x *exchange) {
		x.elsewhere, x.cancel = elsewhere.URL, cancel
		c.answer(x)
	})
	err := sendPromptly(ctx, t, h.New(t, server.URL, server.Client()), Message(2))

	checkOutcome(t, err, want)
	if busy := (*notify.Busy)(nil); want == Busy && errors.As(err, &busy) {
		if busy.After < c.after[0] || busy.After > c.after[1] {
			t.Errorf("asked to wait: got %v, want %v to %v", busy.After, c.after[0], c.after[1])
		}
	}
	checkError(t, err, h.Secrets)
}

// sendPromptly sends, and wants it to be over at once, one way or the other.
func sendPromptly(ctx context.Context, t *testing.T, sink notify.Sink, m *notify.Message) error {
	t.Helper()
	began := time.Now()
	err := sink.Send(ctx, m)
	if took := time.Since(began); took > prompt {
		t.Errorf("Send took %v, want it to return at once", took)
	}
	return err
}

func checkOutcome(t *testing.T, err error, want Outcome) {
	t.Helper()
	got := outcomeOf(err)
	if want != either && got != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
	if want == either && got == Retried && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to say that the context ended", err)
	}
}

// checkError wants an error fit for logs and people: short, on one line, without a secret.
func checkError(t *testing.T, err error, secrets []string) {
	t.Helper()
	if err == nil {
		return
	}
	if text := err.Error(); len(text) > 1000 || strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("got an error of %d bytes, want a short one on one line: %.1000q", len(text), text)
	}
	for _, text := range chain(err) {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("the secret %q is in an error: %s", s, text)
			}
		}
	}
}

// chain is the text of an error and of all that it wraps.
func chain(err error) []string {
	if err == nil {
		return nil
	}
	texts := []string{err.Error()}
	switch wraps := err.(type) {
	case interface{ Unwrap() error }:
		texts = append(texts, chain(wraps.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, inner := range wraps.Unwrap() {
			texts = append(texts, chain(inner)...)
		}
	}
	return texts
}

func outcomeOf(err error) Outcome {
	var refused *notify.Refused
	var busy *notify.Busy
	switch {
	case err == nil:
		return Taken
	case errors.As(err, &refused):
		return Refused
	case errors.As(err, &busy):
		return Busy
	default:
		return Retried
	}
}

func (h Harness) nobodyListens(t *testing.T) {
	server := h.serve(t, func(*exchange) {})
	server.Close()
	err := h.New(t, server.URL, server.Client()).Send(t.Context(), Message(1))
	if got := outcomeOf(err); got != Retried {
		t.Errorf("got %s (%v), want %s", got, err, Retried)
	}
	checkError(t, err, h.Secrets)
}

func (h Harness) untrusted(t *testing.T) {
	server := httptest.NewUnstartedServer(h.Accept)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	err := h.New(t, server.URL, &http.Client{Transport: &http.Transport{}}).Send(t.Context(), Message(1))
	if got := outcomeOf(err); got != Retried {
		t.Errorf("got %s (%v), want %s", got, err, Retried)
	}
	checkError(t, err, h.Secrets)
}

func (h Harness) endedContext(t *testing.T) {
	server := h.serve(t, func(x *exchange) {
		t.Error("a request was made")
		h.Accept(x.w, x.r)
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := h.New(t, server.URL, server.Client()).Send(ctx, Message(1))
	if !errors.Is(err, context.Canceled) || outcomeOf(err) != Retried {
		t.Errorf("got %s (%v), want %s with %v", outcomeOf(err), err, Retried, context.Canceled)
	}
	checkError(t, err, h.Secrets)
}

func (h Harness) sameID(t *testing.T) {
	var ids []string
	server := h.serve(t, func(x *exchange) {
		ids = append(ids, h.MessageID(t, x.r, x.body))
		h.Accept(x.w, x.r)
	})
	sink, m := h.New(t, server.URL, server.Client()), Message(2)
	for range 2 {
		if err := sink.Send(t.Context(), m); err != nil {
			t.Fatalf("Send: got %v, want it to be taken", err)
		}
	}
	if n := len(ids); n == 0 || n%2 != 0 || slices.ContainsFunc(ids, func(id string) bool { return id != m.ID }) {
		t.Errorf("ids of two sendings: got %q, want %q in each request, and as many requests twice", ids, m.ID)
	}
}

func (h Harness) atOnce(t *testing.T) {
	var mu sync.Mutex // guards got
	got := map[string]int{}
	server := h.serve(t, func(x *exchange) {
		mu.Lock()
		got[h.MessageID(t, x.r, x.body)]++
		mu.Unlock()
		h.Accept(x.w, x.r)
	})
	sendAtOnce(t, h.New(t, server.URL, server.Client()))
	if len(got) != 4 {
		t.Errorf("messages received: got %v, want each of four once", got)
	}
}

// sendAtOnce sends four messages at the same time.
func sendAtOnce(t *testing.T, sink notify.Sink) {
	var sending sync.WaitGroup
	for _, id := range []string{"dlv_a", "dlv_b", "dlv_c", "dlv_d"} {
		m := Message(1)
		m.ID = id
		sending.Go(func() {
			if err := sink.Send(t.Context(), m); err != nil {
				t.Errorf("Send: got %v, want it to be taken", err)
			}
		})
	}
	sending.Wait()
}

// serve starts a server that reads each request whole before it answers.
func (h Harness) serve(t *testing.T, answer func(*exchange)) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a request: %v", err)
		}
		answer(&exchange{h: h, w: w, r: r, body: body})
	}))
	t.Cleanup(server.Close)
	return server
}
