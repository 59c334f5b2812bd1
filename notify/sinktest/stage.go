package sinktest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"watchdog/notify"
)

// Part is what a receiver does that does not speak HTTP.
type Part string

// The parts.
const (
	Takes          Part = "the receiver takes it"
	RefusesForGood Part = "the receiver refuses it for good"
	RefusesForNow  Part = "the receiver refuses it for now"
	Hangs          Part = "an answer that never comes ends with the context"
	HangsMidway    Part = "an answer that hangs midway ends with the context"
	Breaks         Part = "the receiver breaks off without an answer"
	Babbles        Part = "an answer that nobody understands"
	Floods         Part = "a failure without end"
	TellsAll       Part = "a failure that tells all it was sent"
	TellsAllNo     Part = "a refusal that tells all it was sent"
	Drives         Part = "a failure that writes control characters"
	Absent         Part = "nobody is there"
	AtOnce         Part = "messages can be sent at the same time"
)

var parts = []struct {
	part Part
	want Outcome
}{
	{Takes, Taken},
	{RefusesForGood, Refused},
	{RefusesForNow, Retried},

	{Hangs, Retried},
	{HangsMidway, Retried},
	{Breaks, Retried},
	{Babbles, Retried},
	{Floods, Retried},

	{TellsAll, Retried},
	{TellsAllNo, Refused},
	{Drives, Retried},
	{Absent, Retried},
}

// Stage is one kind of sink under the contract that does not speak HTTP.
type Stage struct {
	// New makes the sink and its receiver, which acts the part. Where it hangs it calls cancel,
	// which ends the context of Send. Each message that reaches it is told to got, by its id, from
	// any goroutine, before Send returns.
	New func(t *testing.T, part Part, cancel func(), got func(id string)) notify.Sink
	// Secrets must be in no error.
	Secrets []string
	// Except are the parts whose outcome differs for this kind of receiver; Cannot are those that
	// it cannot act, with the reason.
	Except map[Part]Outcome
	Cannot map[Part]string
}

// RunStage proves that the sink of the stage keeps the contract.
func RunStage(t *testing.T, s Stage) {
	for _, p := range parts {
		want := p.want
		if own, differs := s.Except[p.part]; differs {
			want = own
		}
		if s.Cannot[p.part] == "" {
			t.Run(string(p.part), func(t *testing.T) { s.act(t, p.part, want) })
		}
	}
	t.Run("a context that has ended sends nothing", s.endedContext)
	t.Run("a message sent twice has the same id twice", s.sameID)
	if s.Cannot[AtOnce] == "" {
		t.Run(string(AtOnce), s.atOnce)
	}
}

func (s Stage) act(t *testing.T, part Part, want Outcome) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := sendPromptly(ctx, t, s.New(t, part, cancel, func(string) {}), Message(2))
	checkOutcome(t, err, want)
	if (part == Hangs || part == HangsMidway) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to say that the context ended", err)
	}
	checkError(t, err, s.Secrets)
}

func (s Stage) endedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sink := s.New(t, Takes, cancel, func(id string) { t.Errorf("the message %s was sent", id) })
	err := sendPromptly(ctx, t, sink, Message(1))
	if !errors.Is(err, context.Canceled) || outcomeOf(err) != Retried {
		t.Errorf("got %s (%v), want %s with %v", outcomeOf(err), err, Retried, context.Canceled)
	}
	checkError(t, err, s.Secrets)
}

func (s Stage) sameID(t *testing.T) {
	ids := make(chan string, 9)
	sink, m := s.New(t, Takes, func() {}, func(id string) { ids <- id }), Message(2)
	for range 2 {
		if err := sink.Send(t.Context(), m); err != nil {
			t.Fatalf("Send: got %v, want it to be taken", err)
		}
		if got := <-ids; got != m.ID {
			t.Errorf("id: got %q, want %q", got, m.ID)
		}
	}
	if len(ids) > 0 {
		t.Errorf("got %d more messages, want each once", len(ids))
	}
}

func (s Stage) atOnce(t *testing.T) {
	ids := make(chan string, 9)
	sendAtOnce(t, s.New(t, Takes, func() {}, func(id string) { ids <- id }))
	var got []string
	for len(ids) > 0 {
		got = append(got, <-ids)
	}
	slices.Sort(got)
	if want := []string{"dlv_a", "dlv_b", "dlv_c", "dlv_d"}; !slices.Equal(got, want) {
		t.Errorf("messages received: got %q, want %q", got, want)
	}
}
