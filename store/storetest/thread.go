package storetest

import (
	"testing"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/outbox"
)

// memoryOf is what is remembered of the thread of the one message that is due.
func memoryOf(t testing.TB, s Store) string {
	t.Helper()
	items, _, err := s.Claim(t.Context(), outbox.Request{Sink: "hook", Now: at(0), Limit: 1})
	must(t, err)
	if len(items) != 1 {
		t.Fatalf("Claim: got %d items, want 1", len(items))
	}
	return string(items[0].Memory)
}

// sayInOneGroup queues a message of the group that all of these share.
func sayInOneGroup(t testing.TB, s Store, id string) {
	t.Helper()
	m := message(id, "hook", "a")
	m.Group = map[string]string{"rule": "failed"}
	say(t, s, m)
}

var threadTests = []contract{
	{"messages of one group to one sink are a thread", func(t *testing.T, s Store) {
		sayInOneGroup(t, s, "1")
		must(t, s.Note(t.Context(), outbox.Sent("1", at(1), []byte("post 17"))))
		sayInOneGroup(t, s, "2")
		equal(t, "what the next message of the group finds", "post 17", memoryOf(t, s))
		must(t, s.Note(t.Context(), outbox.Sent("2", at(1), nil)))
		kept, err := s.Thread(t.Context(), "hook", (&notify.Message{Group: map[string]string{"rule": "failed"}}).Thread())
		must(t, err)
		equal(t, "Thread", "post 17", string(kept))
		kept, err = s.Thread(t.Context(), "oncall", "none")
		must(t, err)
		equal(t, "Thread of one that is not there", []byte(nil), kept)
		say(t, s, message("3", "hook", "a"))
		equal(t, "what a message of another group finds", "", memoryOf(t, s))
	}},
	{"a thread is forgotten when nothing was sent of it for long and what it told of has ended", func(t *testing.T, s Store) {
		old := firing("failed", "orders")
		commit(t, s, cycle.Outcome{Alerts: []cycle.AlertChange{{Alert: old}}})
		sayInOneGroup(t, s, "1")
		must(t, s.Note(t.Context(), outbox.Sent("1", at(1), []byte("post 17"))))
		sayInOneGroup(t, s, "2")
		for _, step := range []struct {
			name   string
			before int
			change *cycle.AlertChange
			want   string
		}{
			{"it was heard of just now", 1, nil, "post 17"},
			{"an alert fires that it may be about", 100, nil, "post 17"},
			{"that alert has ended", 1, &cycle.AlertChange{Alert: old, Ended: true}, "post 17"},
			{"the alert that fires began later", 100, &cycle.AlertChange{Alert: began(old, 2)}, ""},
		} {
			if step.change != nil {
				commit(t, s, cycle.Outcome{Alerts: []cycle.AlertChange{*step.change}})
			}
			_, err := s.Prune(t.Context(), at(step.before))
			must(t, err)
			equal(t, "what is remembered when "+step.name, step.want, memoryOf(t, s))
		}
	}},
}

func began(a alert.Alert, second int) alert.Alert {
	a.StartsAt = at(second)
	return a
}
