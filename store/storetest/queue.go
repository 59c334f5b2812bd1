package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/store"
)

// claim gives the ids that a claim at a second gives, and in how many seconds the next is due.
func claim(t testing.TB, s Store, sink string, second int) string {
	t.Helper()
	items, next, err := s.Claim(t.Context(), outbox.Request{Sink: sink, Now: at(second), Limit: 100})
	must(t, err)
	var ids []string
	for _, item := range items {
		ids = append(ids, item.ID)
	}
	got := strings.Join(ids, " ")
	if !next.IsZero() {
		got += fmt.Sprintf(" (next %s)", next.Sub(epoch))
	}
	return strings.TrimSpace(got)
}

var queueTests = []contract{
	{"a message comes as it was committed", func(t *testing.T, s Store) {
		m := message("dlv_1", "hook", "b", "a")
		say(t, s, m)
		items, _, err := s.Claim(t.Context(), outbox.Request{Sink: "hook", Now: at(0), Limit: 1})
		must(t, err)
		if len(items) != 1 {
			t.Fatalf("Claim: got %d items, want 1", len(items))
		}
		got := items[0]
		equal(t, "Keys", m.OrderKeys(), got.Keys)
		equal(t, "Created", m.At, got.Created)
		equal(t, "Attempts", 0, got.Attempts)
		equal(t, "Payload", m, decode(t, got.Payload))
	}},
	{"messages that share an alert are sent one after the other", func(t *testing.T, s Store) {
		say(t, s, message("1", "hook", "a", "b"), message("2", "hook", "b", "c"), message("3", "hook", "c"), message("4", "hook", "d"))
		equal(t, "Claim", "1 4", claim(t, s, "hook", 0))
		must(t, s.Note(t.Context(), outbox.Sent("1", at(1), nil)))
		equal(t, "Claim after 1 is sent", "2 4", claim(t, s, "hook", 1))
		must(t, s.Note(t.Context(), outbox.Sent("2", at(1), nil)))
		equal(t, "Claim after 2 is sent", "3 4", claim(t, s, "hook", 1))
	}},
	{"messages that share a group are sent one after the other", func(t *testing.T, s Store) {
		first, second := message("1", "hook", "a"), message("2", "hook", "b")
		second.Group = first.Group
		say(t, s, first, second)
		equal(t, "Claim", "1", claim(t, s, "hook", 0))
	}},
	{"one delivery says what it waits for, and whether there is one", func(t *testing.T, s Store) {
		say(t, s, message("1", "hook", "a"), message("2", "hook", "a"))
		for id, behind := range map[string]string{"1": "", "2": "1"} {
			d, err := s.Delivery(t.Context(), id)
			must(t, err)
			equal(t, "Behind of "+id, behind, d.Behind)
			equal(t, "Status of "+id, store.Queued, d.Status)
			equal(t, "Merged of "+id, 0, len(d.Merged))
		}
		if _, err := s.Delivery(t.Context(), "none"); !errors.Is(err, store.ErrNoDelivery) {
			t.Errorf("Delivery of no such id: got error %v, want %v", err, store.ErrNoDelivery)
		}
	}},
	{"an order holds across commits", func(t *testing.T, s Store) {
		say(t, s, message("1", "hook", "a"))
		say(t, s, message("2", "hook", "a"))
		equal(t, "Claim", "1", claim(t, s, "hook", 0))
	}},
	{"a message waits for all that share a key with it", func(t *testing.T, s Store) {
		say(t, s, message("1", "hook", "a"), message("2", "hook", "b"), message("3", "hook", "a", "b"))
		must(t, s.Note(t.Context(), outbox.Sent("2", at(0), nil)))
		equal(t, "Claim after 2 is sent", "1", claim(t, s, "hook", 0))
		must(t, s.Note(t.Context(), outbox.Sent("1", at(0), nil)))
		equal(t, "Claim after 1 is sent", "3", claim(t, s, "hook", 0))
	}},
	{"a sink does not wait for another", func(t *testing.T, s Store) {
		say(t, s, message("1", "hook", "a"), message("2", "oncall", "a"))
		equal(t, "Claim of oncall", "2", claim(t, s, "oncall", 0))
	}},
	{"a failed message holds up what shares a key until it is due, and nothing else", func(t *testing.T, s Store) {
		say(t, s, message("1", "hook", "a"), message("2", "hook", "a"), message("3", "hook", "b"))
		must(t, s.Note(t.Context(), outbox.Retry("1", at(4), "connection refused", nil)))
		equal(t, "Claim before it is due", "3 (next 4s)", claim(t, s, "hook", 3))
		equal(t, "Claim when it is due", "1 3", claim(t, s, "hook", 4))
	}},
	{"a buried message holds up nothing", func(t *testing.T, s Store) {
		say(t, s, message("1", "hook", "a"), message("2", "hook", "a"))
		must(t, s.Note(t.Context(), outbox.Bury("1", at(0), "410 Gone", nil)))
		equal(t, "Claim", "2", claim(t, s, "hook", 0))
	}},
	{"a message that is there already is not queued again", func(t *testing.T, s Store) {
		say(t, s, message("1", "hook", "a"))
		say(t, s, message("1", "hook", "b"), message("2", "hook", "b"))
		equal(t, "Claim", "1 2", claim(t, s, "hook", 0))
		must(t, s.Note(t.Context(), outbox.Sent("1", at(0), nil)))
		say(t, s, message("1", "hook", "a"))
		equal(t, "Claim after it is sent", "2", claim(t, s, "hook", 0))
	}},
	{"a dead message that is retried comes at its old place, as if new", func(t *testing.T, s Store) {
		say(t, s, message("1", "hook", "a", "b"), message("2", "hook", "a"), message("3", "hook", "b"), message("4", "hook", "c"))
		must(t, s.Note(t.Context(), outbox.Retry("1", at(1), "503", nil)))
		must(t, s.Note(t.Context(), outbox.Bury("1", at(2), "410", nil)))
		must(t, s.Note(t.Context(), outbox.Sent("2", at(3), nil)))
		must(t, s.RetryDead(t.Context(), at(50), "1"))
		equal(t, "Claim", "1 4", claim(t, s, "hook", 0))
		items, _, err := s.Claim(t.Context(), outbox.Request{Sink: "hook", Now: at(0), Limit: 1})
		must(t, err)
		equal(t, "Attempts", 0, items[0].Attempts)
		equal(t, "Created", at(50), items[0].Created)
		must(t, s.Note(t.Context(), outbox.Sent("1", at(51), nil)))
		equal(t, "Claim after it is sent", "3 4", claim(t, s, "hook", 0))
	}},
	{"dead messages are retried all or none", func(t *testing.T, s Store) {
		say(t, s, message("1", "hook", "a"), message("2", "hook", "b"), message("3", "hook", "c"), message("4", "hook", "d"))
		must(t, s.Note(t.Context(), outbox.Bury("1", at(0), "410", nil)))
		must(t, s.Note(t.Context(), outbox.Bury("2", at(0), "410", nil)))
		must(t, s.Note(t.Context(), outbox.Sent("4", at(0), nil)))
		for _, bad := range []string{"3", "4", "nobody"} {
			if err := s.RetryDead(t.Context(), at(1), "1", bad, "2"); err == nil || !strings.Contains(err.Error(), bad) {
				t.Errorf("RetryDead with %s, which is not dead: got error %v, want one that names it", bad, err)
			}
			equal(t, "Claim", "3", claim(t, s, "hook", 1))
		}
		must(t, s.RetryDead(t.Context(), at(1), "2", "1"))
		equal(t, "Claim", "1 2 3", claim(t, s, "hook", 1))
	}},
	{"sinks are served at the same time as commits", testConcurrency},
}

// testConcurrency lets one worker for each of several sinks drain what is committed meanwhile.
func testConcurrency(t *testing.T, s Store) {
	const sinks, messages = 4, 15
	var wg sync.WaitGroup
	sent := make([][]string, sinks)
	for i := range sinks {
		wg.Go(func() {
			sink := fmt.Sprint("sink", i)
			for len(sent[i]) < messages && !t.Failed() {
				items, _, err := s.Claim(t.Context(), outbox.Request{Sink: sink, Now: at(0), Limit: 5})
				if err != nil {
					t.Errorf("Claim: %v", err)
					return
				}
				for _, item := range items {
					sent[i] = append(sent[i], item.ID)
					if err := s.Note(t.Context(), outbox.Sent(item.ID, at(1), nil)); err != nil {
						t.Errorf("Sent: %v", err)
						return
					}
				}
			}
		})
	}
	var want [sinks][]string
	for n := range messages {
		var batch []notify.Message
		for i := range sinks {
			id := fmt.Sprintf("%d/%d", i, n)
			batch = append(batch, message(id, fmt.Sprint("sink", i), "a"))
			want[i] = append(want[i], id)
		}
		say(t, s, batch...)
	}
	wg.Wait()
	for i := range sinks {
		equal(t, fmt.Sprintf("what sink%d was sent", i), want[i], sent[i])
	}
	left, err := s.Backlogs(t.Context())
	must(t, err)
	equal(t, "Backlogs", []store.Backlog(nil), left)
}
