package outboxtest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/outbox"
)

// Open makes an empty queue, and a func that adds items to it in one order.
type Open func(t *testing.T) (q outbox.Queue, add func(items ...outbox.Item))

// step is one call of a queue, and of a Claim also what it must give.
type step func(t *testing.T, q outbox.Queue)

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
		{"a claim marks nothing", []outbox.Item{a}, []step{
			claim(0, 9, never, "a"), claim(0, 9, never, "a"),
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
			q, add := open(t)
			add(tt.items...)
			for _, step := range tt.steps {
				step(t, q)
			}
		})
	}

	t.Run("a thread's memory is what was noted last, of that sink", func(t *testing.T) {
		q, add := open(t)
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
			{"sent", func() error { return q.Sent(ctx, "1", at(0), []byte("a\x00")) }, "a\x00"},
			{"failed", func() error { return q.Retry(ctx, "2", at(0), "503", []byte("b")) }, "b"},
			{"buried", func() error { return q.Bury(ctx, "2", at(0), "410", []byte("c")) }, "c"},
			{"sent, with nothing to remember", func() error { return q.Sent(ctx, "3", at(0), nil) }, "c"},
			{"sent, of another sink", func() error { return q.Sent(ctx, "other", at(0), []byte("x")) }, "c"},
			{"noted again", func() error { return q.Sent(ctx, "1", at(0), []byte("y")) }, "c"},
			{"sent, of no thread", func() error { return q.Sent(ctx, "alone", at(0), []byte("z")) }, "c"},
			{"sent", func() error { return q.Sent(ctx, "4", at(0), []byte{}) }, ""},
		} {
			if err := step.note(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			items, _, err := q.Claim(ctx, "hook", at(1), 9)
			if err != nil || len(items) != 1 {
				t.Fatalf("Claim, %s: got %d items and error %v, want one item", step.name, len(items), err)
			}
			if got := string(items[0].Memory); got != step.want || items[0].Thread != "thread" {
				t.Errorf("%s: got memory %q of thread %q, want %q", step.name, got, items[0].Thread, step.want)
			}
		}
	})

	t.Run("an item comes as it was added, with its failed attempts counted", func(t *testing.T) {
		q, add := open(t)
		want := outbox.Item{ID: "dlv_1", Sink: "hook", Keys: []string{"k1", "k2"}, Payload: []byte("{\x00}"), Created: epoch}
		add(want)
		for attempts := range 3 {
			want.Attempts = attempts
			items, _, err := q.Claim(t.Context(), "hook", at(0), 1)
			if err != nil {
				t.Fatalf("Claim: %v", err)
			}
			if diff := cmp.Diff([]outbox.Item{want}, items); diff != "" {
				t.Errorf("Claim after %d failed attempts (-want +got):\n%s", attempts, diff)
			}
			retry("dlv_1", 0)(t, q)
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

// claim claims at a second for the sink hook, and wants these ids, and the second of the next
// that is due.
func claim(second, limit, next int, ids ...string) step {
	return func(t *testing.T, q outbox.Queue) {
		t.Helper()
		items, gotNext, err := q.Claim(t.Context(), "hook", at(second), limit)
		if err != nil {
			t.Fatalf("Claim at %ds: %v", second, err)
		}
		var got []string
		for _, item := range items {
			got = append(got, item.ID)
		}
		if diff := cmp.Diff(ids, got); diff != "" {
			t.Errorf("Claim at %ds, ids (-want +got):\n%s", second, diff)
		}
		if next == never && !gotNext.IsZero() {
			t.Errorf("Claim at %ds: next got %v, want none", second, gotNext)
		}
		if next >= 0 && !gotNext.Equal(at(next)) {
			t.Errorf("Claim at %ds: next got %v, want %v", second, gotNext, at(next))
		}
	}
}

func sent(id string) step {
	return note("Sent "+id, func(ctx context.Context, q outbox.Queue) error { return q.Sent(ctx, id, at(0), nil) })
}

func retry(id string, next int) step {
	return note("Retry "+id, func(ctx context.Context, q outbox.Queue) error {
		return q.Retry(ctx, id, at(next), "503 Service Unavailable", nil)
	})
}

func bury(id string) step {
	return note("Bury "+id, func(ctx context.Context, q outbox.Queue) error {
		return q.Bury(ctx, id, at(0), "410 Gone", nil)
	})
}

func note(call string, write func(context.Context, outbox.Queue) error) step {
	return func(t *testing.T, q outbox.Queue) {
		t.Helper()
		if err := write(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", call, err)
		}
	}
}
