package storetest

import (
	"encoding/json"
	"strings"
	"testing"

	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/store"
)

func decode(t testing.TB, payload []byte) notify.Message {
	t.Helper()
	var m notify.Message
	must(t, json.Unmarshal(payload, &m))
	return m
}

func listDeliveries(t testing.TB, s Store, f store.DeliveryFilter) string {
	t.Helper()
	list, err := s.Deliveries(t.Context(), f)
	must(t, err)
	var got []string
	for _, d := range list {
		got = append(got, d.ID+":"+string(d.Status))
	}
	return strings.Join(got, " ")
}

// oneOfEach leaves a delivery in each status.
func oneOfEach(t testing.TB, s Store) {
	t.Helper()
	say(t, s, message("queued", "hook", "a"), message("retrying", "hook", "b"), message("sent", "hook", "a"),
		message("dead", "oncall", "a", "b"))
	must(t, s.Note(t.Context(), outbox.Sent("sent", at(1), nil)))
	must(t, s.Note(t.Context(), outbox.Retry("retrying", at(5), "post https://user:hunter2@example.com: 503", nil)))
	must(t, s.Note(t.Context(), outbox.Retry("retrying", at(9), "post https://user:hunter2@example.com: 502", nil)))
	must(t, s.Note(t.Context(), outbox.Bury("dead", at(2), "post https://user:hunter2@example.com: 410", nil)))
}

var deliveryTests = []contract{
	{"a delivery says how far it is, and no secret", func(t *testing.T, s Store) {
		oneOfEach(t, s)
		due := at(9)
		want := []store.Delivery{
			{ID: "dead", Sink: "oncall", Status: store.Dead, Attempts: 1, LastError: "post https://user:*****@example.com: 410"},
			{ID: "sent", Sink: "hook", Status: store.Sent, Attempts: 1},
			{ID: "retrying", Sink: "hook", Status: store.Retrying, Attempts: 2, NextAttemptAt: &due, LastError: "post https://user:*****@example.com: 502"},
			{ID: "queued", Sink: "hook", Status: store.Queued},
		}
		for i, keys := range [][]string{{"a", "b"}, {"a"}, {"b"}, {"a"}} {
			want[i].CreatedAt = epoch
			want[i].Alerts = message("", "", keys...).Alerts
		}
		got, err := s.Deliveries(t.Context(), store.DeliveryFilter{})
		must(t, err)
		equal(t, "Deliveries", want, got)
	}},
	{"a note about a delivery that is done changes nothing", func(t *testing.T, s Store) {
		oneOfEach(t, s)
		before := everything(t, s)
		for _, id := range []string{"sent", "dead", "nobody"} {
			must(t, s.Note(t.Context(), outbox.Sent(id, at(100), nil)))
			must(t, s.Note(t.Context(), outbox.Retry(id, at(100), "503", nil)))
			must(t, s.Note(t.Context(), outbox.Bury(id, at(100), "410", nil)))
		}
		equal(t, "the store", before, everything(t, s))
	}},
	{"deliveries are narrowed", func(t *testing.T, s Store) {
		oneOfEach(t, s)
		for _, test := range []struct {
			name   string
			filter store.DeliveryFilter
			want   string
		}{
			{"an id", store.DeliveryFilter{ID: "sent"}, "sent:sent"},
			{"a sink", store.DeliveryFilter{Sink: "oncall"}, "dead:dead"},
			{"a status", store.DeliveryFilter{Statuses: []store.Status{store.Dead}}, "dead:dead"},
			{"all that is not sent", store.DeliveryFilter{Statuses: []store.Status{store.Queued, store.Retrying, store.Dead}}, "dead:dead retrying:retrying queued:queued"},
			{"what is done", store.DeliveryFilter{Statuses: []store.Status{store.Sent, store.Dead}}, "dead:dead sent:sent"},
			{"an alert", store.DeliveryFilter{Fingerprint: "b"}, "dead:dead retrying:retrying"},
			{"a page that goes on behind another", store.DeliveryFilter{Before: "sent", Limit: 1}, "retrying:retrying"},
			{"behind one that is not there", store.DeliveryFilter{Before: "gone"}, ""},
			{"the latest", store.DeliveryFilter{Limit: 1}, "dead:dead"},
			{"nothing", store.DeliveryFilter{Sink: "other"}, ""},
		} {
			equal(t, "Deliveries of "+test.name, test.want, listDeliveries(t, s, test.filter))
		}
	}},
	{"a sink that nobody serves shows what it was not sent", func(t *testing.T, s Store) {
		oneOfEach(t, s)
		got, err := s.Backlogs(t.Context())
		must(t, err)
		equal(t, "Backlogs", []store.Backlog{{Sink: "hook", Waiting: 2, Oldest: epoch}, {Sink: "oncall", Dead: 1}}, got)
	}},
	{"pruning deletes what was done before a time, never what is queued", func(t *testing.T, s Store) {
		oneOfEach(t, s)
		for _, step := range []struct {
			before, n int
			left      string
		}{
			{1, 0, "dead:dead sent:sent retrying:retrying queued:queued"},
			{2, 1, "dead:dead retrying:retrying queued:queued"},
			{3, 1, "retrying:retrying queued:queued"},
			{1000, 0, "retrying:retrying queued:queued"},
		} {
			n, err := s.Prune(t.Context(), at(step.before))
			must(t, err)
			equal(t, "Prune", step.n, n)
			equal(t, "Deliveries after it", step.left, listDeliveries(t, s, store.DeliveryFilter{}))
		}
	}},
}
