package storetest

import (
	"testing"

	"watchdog/outbox"
	"watchdog/store"
)

const parkedOncall = `parked: sink "oncall" is not in the config, or has no address there`

// lastErrors are those of all deliveries, by id.
func lastErrors(t *testing.T, s Store) map[string]string {
	t.Helper()
	list, err := s.Deliveries(t.Context(), store.DeliveryFilter{})
	must(t, err)
	errors := map[string]string{}
	for _, d := range list {
		errors[d.ID] = d.LastError
	}
	return errors
}

func park(t *testing.T, s Store, second int, inUse ...string) []store.Backlog {
	t.Helper()
	parked, err := s.Park(t.Context(), at(second), inUse)
	must(t, err)
	return parked
}

var parkedTests = []contract{
	{"what waits for a sink that is not in use is parked, and shows why", func(t *testing.T, s Store) {
		say(t, s, message("1", "oncall", "a"), message("2", "hook", "b"), message("3", "oncall", "c"))
		must(t, s.Note(t.Context(), outbox.Bury("3", at(1), "410", nil)))
		equal(t, "Park", []store.Backlog{{Sink: "oncall", Waiting: 1, Dead: 1, Oldest: epoch, ParkedSince: at(5)}}, park(t, s, 5, "hook"))
		equal(t, "last errors", map[string]string{"1": parkedOncall, "2": "", "3": "410"}, lastErrors(t, s))
		equal(t, "Park again", at(5), park(t, s, 9, "hook")[0].ParkedSince)
	}},
	{"a sink that has nothing waiting is not parked", func(t *testing.T, s Store) {
		say(t, s, message("1", "oncall", "a"))
		must(t, s.Note(t.Context(), outbox.Bury("1", at(1), "410", nil)))
		equal(t, "Park", []store.Backlog(nil), park(t, s, 5))
	}},
	{"what was parked is sent when the sink is back, as if it was queued then", func(t *testing.T, s Store) {
		say(t, s, message("1", "oncall", "a"))
		park(t, s, 5)
		equal(t, "Park", []store.Backlog(nil), park(t, s, 9, "oncall"))
		equal(t, "last errors", map[string]string{"1": ""}, lastErrors(t, s))
		items, _, err := s.Claim(t.Context(), outbox.Request{Sink: "oncall", Now: at(9), Limit: 1})
		must(t, err)
		equal(t, "Created", at(9), items[0].Created)
	}},
	{"what is parked is not pruned, but given up when it was for long, and can be retried", func(t *testing.T, s Store) {
		say(t, s, message("1", "oncall", "a"), message("2", "oncall", "a"), message("3", "hook", "a"))
		park(t, s, 5, "hook")
		n, err := s.Prune(t.Context(), at(100))
		must(t, err)
		equal(t, "Prune", 0, n)
		for _, step := range []struct{ before, want int }{{5, 0}, {6, 2}} {
			n, err := s.BuryParked(t.Context(), at(50), at(step.before))
			must(t, err)
			equal(t, "BuryParked", step.want, n)
		}
		equal(t, "Deliveries", "3:queued 2:dead 1:dead", listDeliveries(t, s, store.DeliveryFilter{}))
		equal(t, "last errors", map[string]string{"1": parkedOncall, "2": parkedOncall, "3": ""}, lastErrors(t, s))
		must(t, s.RetryDead(t.Context(), at(60), "1", "2"))
		equal(t, "Claim", "1", claim(t, s, "oncall", 60))
		equal(t, "Claim of the other", "3", claim(t, s, "hook", 60))
	}},
}
