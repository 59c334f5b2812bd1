package storetest

import (
	"fmt"
	"testing"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/store"
)

func listTransitions(t testing.TB, s Store, f store.TransitionFilter) []string {
	t.Helper()
	list, err := s.Transitions(t.Context(), f)
	must(t, err)
	var got []string
	for _, one := range list {
		got = append(got, fmt.Sprintf("%s %s %s", one.At.Sub(epoch), one.Rule, one.Subject()))
	}
	return got
}

var historyTests = []contract{
	{"a transition is given back as it was", func(t *testing.T, s Store) {
		want := transition("replication-failed", "orders", 0)
		ends := at(0)
		want.Status, want.Reason, want.EndsAt = alert.StatusResolved, alert.ReasonDeleted, &ends
		commit(t, s, cycle.Outcome{Transitions: []alert.Transition{want}})
		got, err := s.Transitions(t.Context(), store.TransitionFilter{})
		must(t, err)
		equal(t, "Transitions", []alert.Transition{want}, got)
	}},
	{"transitions are listed and narrowed, the latest first", func(t *testing.T, s Store) {
		down := alert.Transition{At: at(2), Alert: alert.Alert{Rule: "server-unreachable", Server: "archive"}}
		commit(t, s, cycle.Outcome{Transitions: []alert.Transition{
			transition("failed", "orders", 1), transition("stalled", "orders", 1), transition("failed", "audit", 1),
		}})
		commit(t, s, cycle.Outcome{Server: "archive", Transitions: []alert.Transition{down}})
		commit(t, s, cycle.Outcome{Transitions: []alert.Transition{transition("failed", "orders", 3)}})

		const (
			orders1  = "1s failed prod/_replicator/orders"
			stalled1 = "1s stalled prod/_replicator/orders"
			audit1   = "1s failed prod/_replicator/audit"
			down2    = "2s server-unreachable archive"
			orders3  = "3s failed prod/_replicator/orders"
		)
		for _, test := range []struct {
			name   string
			filter store.TransitionFilter
			want   []string
		}{
			{"all", store.TransitionFilter{}, []string{orders3, down2, audit1, stalled1, orders1}},
			{"a server", store.TransitionFilter{Server: "prod"}, []string{orders3, audit1, stalled1, orders1}},
			{"a document", store.TransitionFilter{Server: "prod", Database: "_replicator", DocID: "orders"}, []string{orders3, stalled1, orders1}},
			{"a document and a rule", store.TransitionFilter{DocID: "orders", Rule: "stalled"}, []string{stalled1}},
			{"from a time on", store.TransitionFilter{Since: at(2)}, []string{orders3, down2}},
			{"before a time", store.TransitionFilter{Until: at(2)}, []string{audit1, stalled1, orders1}},
			{"the latest two", store.TransitionFilter{Limit: 2}, []string{orders3, down2}},
			{"nothing", store.TransitionFilter{Server: "other"}, nil},
		} {
			equal(t, "Transitions of "+test.name, test.want, listTransitions(t, s, test.filter))
		}
	}},
	{"pruning deletes what happened before a time", func(t *testing.T, s Store) {
		const many = 2500 // more than go in one step of pruning
		var old []alert.Transition
		for range many {
			old = append(old, transition("failed", "orders", 9))
		}
		commit(t, s, cycle.Outcome{
			ServerMemory: bytes("up"), Replications: []cycle.ReplicationChange{change("orders", "failed", bytes("old"))},
			Alerts:      []cycle.AlertChange{{Alert: firing("failed", "orders")}},
			Transitions: append(old, transition("failed", "orders", 10), transition("failed", "orders", 11)),
		})
		state := restore(t, s, "prod")
		n, err := s.Prune(t.Context(), at(10))
		must(t, err)
		equal(t, "Prune", many, n)
		equal(t, "Transitions", []string{
			"11s failed prod/_replicator/orders", "10s failed prod/_replicator/orders",
		}, listTransitions(t, s, store.TransitionFilter{}))
		equal(t, "Restore", state, restore(t, s, "prod"))
	}},
}
