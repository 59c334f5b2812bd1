package outboxtest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/outbox"
)

// Open makes an empty queue as two processes use it, and a func that adds items to it in one
// order.
type Open func(t *testing.T) (q, other outbox.Queue, add func(items ...outbox.Item))

// step is one call of a queue, and of a Claim also what it must give. The other process has part
// in a few.
type step func(t *testing.T, q, other outbox.Queue)

// epoch is when the stories of the contract begin. Queues may keep whole milliseconds.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// TestQueue checks that a queue keeps the contract of outbox.Queue.
func TestQueue(t *testing.T, open Open) {
	a, b := item("a", "hook", "k1"), item("b", "hook", "k2")
	a2 := item("a2", "hook", "k1")
	both := item("both", "hook", "k1", "k2")
	free := item("free", "hook")
	other := item("other", "oncall", "k1")

	for _, tt := range []struct {
		name  string
		items []outbox.Item
		steps []step
	}{
		{"an empty queue gives nothing and waits for nothing", nil, []step{
			claim(0, 9, never),
		}},
		{"items come in the order they were added", []outbox.Item{b, a, free}, []step{
			claim(0, 9, never, "b", "a", "free"),
		}},
		{"a limit gives the oldest", []outbox.Item{b, a, free}, []step{
			claim(0, 2, unsaid, "b", "a"),
		}},
		{"items of other sinks are not given and hold up nothing", []outbox.Item{other, a}, []step{
			claim(0, 9, never, "a"),
		}},
		{"a claim without a lease holds nothing", []outbox.Item{a}, []step{
			claim(0, 9, never, "a"), claim(0, 9, never, "a"),
		}},
		{"what is leased is not given again, and what is behind it waits", []outbox.Item{a, a2, b}, []step{
			leaseA(0, 5), claim(1, 9, never, "b"),
		}},
		{"what is leased is not given to another process", []outbox.Item{a, b}, []step{
			leaseA(0, 5), others(claim(1, 9, never, "b")),
		}},
		{"a lease that runs out is taken over", []outbox.Item{a}, []step{
			leaseA(0, 5), others(claim(4, 9, never)), others(claim(5, 9, never, "a")),
		}},
		{"a note ends the lease", []outbox.Item{a}, []step{
			leaseA(0, 5), retry("a", 2), claim(2, 9, never, "a"),
		}},
		{"who was late may still say that it was sent", []outbox.Item{a, a2}, []step{
			leaseA(0, 5), others(leaseA(5, 9)), sent("a"), others(claim(6, 9, never, "a2")),
		}},
		{"who was late may not say that it failed", []outbox.Item{a}, []step{
			leaseA(0, 5), others(leaseA(5, 9)), retry("a", 6), bury("a"),
			claim(8, 9, never), claim(9, 9, never, "a"),
		}},
		{"a probe is the one that was tried least, the oldest of those", []outbox.Item{b, a, free}, []step{
			retry("b", 0), probe("a"), retry("a", 1), retry("a", 1), probe("free"), retry("free", 1), probe("b"),
		}},
		{"a probe is due", []outbox.Item{b, a}, []step{
			retry("b", 0), retry("b", 0), retry("a", 5), probe("b"),
		}},
		{"an item behind another comes when that one is sent", []outbox.Item{a, a2}, []step{
			claim(0, 9, never, "a"), sent("a"), claim(0, 9, never, "a2"),
		}},
		{"an item behind another comes when that one is buried", []outbox.Item{a, a2}, []step{
			bury("a"), claim(0, 9, never, "a2"),
		}},
		{"one shared key of several is enough to be behind", []outbox.Item{a, both, b}, []step{
			claim(0, 9, never, "a"), sent("a"), claim(0, 9, never, "both"), sent("both"), claim(0, 9, never, "b"),
		}},
		{"an item behind one that is behind is behind", []outbox.Item{a, both, item("b2", "hook", "k2")}, []step{
			claim(0, 9, never, "a"),
		}},
		{"a retried item comes when it is due", []outbox.Item{a}, []step{
			retry("a", 2), claim(1, 9, 2), claim(2, 9, never, "a"),
		}},
		{"what is behind a retried item waits with it", []outbox.Item{a, a2, b}, []step{
			retry("a", 2), claim(1, 9, 2, "b"), claim(2, 9, never, "a", "b"),
		}},
		{"the next time is the earliest of all that wait", []outbox.Item{a, b, free}, []step{
			retry("a", 5), retry("b", 3), retry("free", 4), claim(0, 9, 3), claim(3, 9, 4, "b"),
		}},
		{"a time that is behind another is not waited for", []outbox.Item{a, a2}, []step{
			retry("a2", 3), retry("a", 5), claim(0, 9, 5),
		}},
		{"what is due beyond the horizon is due now: the clock was set back", []outbox.Item{a, b, free}, []step{
			retry("a", 3601), retry("b", 3600), retry("free", 7200),
			claims(outbox.Request{Sink: "hook", Now: at(0), Horizon: at(3600), Limit: 9}, 3600, []string{"a", "free"}),
			claims(outbox.Request{Sink: "hook", Now: at(3600), Horizon: at(7200), Limit: 9}, 3601, []string{"b"}),
		}},
		{"what waits is due when the clock was set back", []outbox.Item{a, b}, []step{
			retry("a", 1800), retry("b", -60), clockSet(-100, -30), claim(-100, 9, never, "a", "b"),
		}},
		{"what waits waits for no time of before the clock was set back", []outbox.Item{a, a2}, []step{
			leaseA(0, 70), clockSet(-3600, -3600), others(claim(-3600, 9, never)), others(claim(-3530, 9, never, "a")),
		}},
		{"a clock that may have been set back was not, where nothing is remembered that is to come", []outbox.Item{a, b}, []step{
			sent("b"), retry("a", 1800), clockSet(-50, 0), claim(0, 9, 1800),
		}},
		{"a clock was set back, where something is remembered that is to come", []outbox.Item{a, b}, []step{
			sent("b"), retry("a", 1800), clockSet(-90, 0), claim(-90, 9, never, "a"),
		}},
		{"of another sink nothing is due when the clock was set back", []outbox.Item{a}, []step{
			retry("a", 1800), clockSetOf("oncall", -100, -30), claim(-100, 9, 1800),
		}},
		{"a probe may be one beyond the horizon", []outbox.Item{a, b}, []step{
			retry("a", 3601), retry("b", 3600),
			claims(outbox.Request{Sink: "hook", Now: at(0), Horizon: at(3600), Limit: 1, Probe: true}, unsaid, []string{"a"}),
		}},
		{"an item can be retried again", []outbox.Item{a}, []step{
			retry("a", 1), retry("a", 3), claim(2, 9, 3), claim(3, 9, never, "a"),
		}},
		{"what is done does not come back", []outbox.Item{a, b}, []step{
			sent("a"), bury("b"), claim(9, 9, never),
		}},
		{"a note about an item that is done changes nothing", []outbox.Item{a}, []step{
			sent("a"), sent("a"), retry("a", 1), bury("a"), claim(9, 9, never),
		}},
		{"a note about an item that is not there is no error", nil, []step{
			sent("gone"), retry("gone", 1), bury("gone"), claim(9, 9, never),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q, other, add := open(t)
			add(tt.items...)
			for _, step := range tt.steps {
				step(t, q, other)
			}
		})
	}

	t.Run("a thread's memory is what was noted last, of that sink", func(t *testing.T) {
		q, _, add := open(t)
		threaded := func(id, sink string) outbox.Item {
			return outbox.Item{ID: id, Sink: sink, Keys: []string{"thread"}, Thread: "thread", Payload: []byte(id), Created: epoch}
		}
		add(threaded("1", "hook"), threaded("2", "hook"), threaded("3", "hook"), threaded("4", "hook"), threaded("5", "hook"),
			threaded("other", "oncall"), item("alone", "alone"))
		ctx := t.Context()
		for _, step := range []struct {
			name string
			note func() error
			want string // the memory of what comes next
		}{
			{"at first", func() error { return nil }, ""},
			{"sent", func() error { return q.Note(ctx, outbox.Sent("1", at(0), []byte("a\x00"))) }, "a\x00"},
			{"failed", func() error { return q.Note(ctx, outbox.Retry("2", at(0), "503", []byte("b"))) }, "b"},
			{"buried", func() error { return q.Note(ctx, outbox.Bury("2", at(0), "410", []byte("c"))) }, "c"},
			{"sent, with nothing to remember", func() error { return q.Note(ctx, outbox.Sent("3", at(0), nil)) }, "c"},
			{"sent, of another sink", func() error { return q.Note(ctx, outbox.Sent("other", at(0), []byte("x"))) }, "c"},
			{"noted again", func() error { return q.Note(ctx, outbox.Sent("1", at(0), []byte("y"))) }, "c"},
			{"sent, of no thread", func() error { return q.Note(ctx, outbox.Sent("alone", at(0), []byte("z"))) }, "c"},
			{"sent", func() error { return q.Note(ctx, outbox.Sent("4", at(0), []byte{})) }, ""},
		} {
			if err := step.note(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			items, _, err := q.Claim(ctx, outbox.Request{Sink: "hook", Now: at(1), Limit: 9})
			if err != nil || len(items) != 1 {
				t.Fatalf("Claim, %s: got %d items and error %v, want one item", step.name, len(items), err)
			}
			if got := string(items[0].Memory); got != step.want || items[0].Thread != "thread" {
				t.Errorf("%s: got memory %q of thread %q, want %q", step.name, got, items[0].Thread, step.want)
			}
		}
	})

	t.Run("what waits is no older when the clock was set forward", func(t *testing.T) {
		q, other, add := open(t)
		add(a)
		clockSet(7200, 3600)(t, q, other)
		items, _, err := q.Claim(t.Context(), outbox.Request{Sink: "hook", Now: at(7200), Limit: 1})
		if err != nil || len(items) != 1 {
			t.Fatalf("Claim: got %d items and error %v, want one item", len(items), err)
		}
		if got, want := items[0].Created, epoch.Add(time.Hour); !got.Equal(want) {
			t.Errorf("Claim after the clock was set forward by an hour: got an item of %s, want of %s", got, want)
		}
	})

	t.Run("an item comes as it was added, with its failed attempts counted", func(t *testing.T) {
		q, other, add := open(t)
		want := outbox.Item{ID: "dlv_1", Sink: "hook", Keys: []string{"k1", "k2"}, Payload: []byte("{\x00}"), Created: epoch}
		add(want)
		for attempts := range 3 {
			want.Attempts = attempts
			items, _, err := q.Claim(t.Context(), outbox.Request{Sink: "hook", Now: at(0), Limit: 1})
			if err != nil {
				t.Fatalf("Claim: %v", err)
			}
			if diff := cmp.Diff([]outbox.Item{want}, items); diff != "" {
				t.Errorf("Claim after %d failed attempts (-want +got):\n%s", attempts, diff)
			}
			retry("dlv_1", 0)(t, q, other)
		}
	})
}

func item(id, sink string, keys ...string) outbox.Item {
	return outbox.Item{ID: id, Sink: sink, Keys: keys, Payload: []byte(id), Created: epoch}
}

// What a claim may say instead of the second of the next item that is due.
const (
	never  = -1
	unsaid = -2 // it does not matter
)

func at(second int) time.Time { return epoch.Add(time.Duration(second) * time.Second) }

// claim claims at a second for the sink hook, without a lease, and wants these ids, and the second
// of the next that is due.
func claim(second, limit, next int, ids ...string) step {
	return claims(outbox.Request{Sink: "hook", Now: at(second), Limit: limit}, next, ids)
}

// leaseA claims one item until a second, and wants a.
func leaseA(second, until int) step {
	return claims(outbox.Request{Sink: "hook", Now: at(second), Limit: 1, Lease: at(until)}, unsaid, []string{"a"})
}

// probe claims one item to try the receiver, a second after the epoch.
func probe(id string) step {
	return claims(outbox.Request{Sink: "hook", Now: at(1), Limit: 1, Probe: true}, unsaid, []string{id})
}

// others is a step of the other process.
func others(s step) step {
	return func(t *testing.T, q, other outbox.Queue) {
		t.Helper()
		s(t, other, q)
	}
}

func claims(r outbox.Request, next int, ids []string) step {
	return func(t *testing.T, q, _ outbox.Queue) {
		t.Helper()
		items, gotNext, err := q.Claim(t.Context(), r)
		when := r.Now.Sub(epoch)
		if err != nil {
			t.Fatalf("Claim at %s: %v", when, err)
		}
		var got []string
		for _, item := range items {
			got = append(got, item.ID)
		}
		if diff := cmp.Diff(ids, got); diff != "" {
			t.Errorf("Claim at %s, ids (-want +got):\n%s", when, diff)
		}
		if next == never && !gotNext.IsZero() {
			t.Errorf("Claim at %s: next got %v, want none", when, gotNext)
		}
		if next >= 0 && !gotNext.Equal(at(next)) {
			t.Errorf("Claim at %s: next got %v, want %v", when, gotNext, at(next))
		}
	}
}

// clockSet says at a second that the clock was set, by some seconds.
func clockSet(second, by int) step { return clockSetOf("hook", second, by) }

func clockSetOf(sink string, second, by int) step {
	return note("ClockSet", func(ctx context.Context, q outbox.Queue) error {
		return q.ClockSet(ctx, outbox.ClockSetting{
			Sink: sink, Now: at(second), By: time.Duration(by) * time.Second, Lease: at(second + 70),
		})
	})
}

func sent(id string) step {
	return note("Sent "+id, func(ctx context.Context, q outbox.Queue) error { return q.Note(ctx, outbox.Sent(id, at(0), nil)) })
}

func retry(id string, next int) step {
	return note("Retry "+id, func(ctx context.Context, q outbox.Queue) error {
		return q.Note(ctx, outbox.Retry(id, at(next), "503 Service Unavailable", nil))
	})
}

func bury(id string) step {
	return note("Bury "+id, func(ctx context.Context, q outbox.Queue) error {
		return q.Note(ctx, outbox.Bury(id, at(0), "410 Gone", nil))
	})
}

func note(call string, write func(context.Context, outbox.Queue) error) step {
	return func(t *testing.T, q, _ outbox.Queue) {
		t.Helper()
		if err := write(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", call, err)
		}
	}
}
