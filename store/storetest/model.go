package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/store"
)

// RunModel drives a store and a model of its queue by the same random calls and compares them
// after each. Notes are made about any message, also one that is behind another, done or gone.
// It opens a hundred stores, each as Run does.
func RunModel(t *testing.T, open func(t testing.TB) Store) {
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t)
		defer s.Close()
		rt.Repeat(rapid.StateMachineActions(&machine{ctx: t.Context(), store: s}))
	})
}

var (
	someSink   = rapid.SampledFrom([]string{"hook", "oncall"})
	someKeys   = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 3, rapid.ID)
	someID     = rapid.Map(rapid.IntRange(0, 11), func(n int) string { return fmt.Sprint("dlv_", n) })
	someMoment = rapid.Map(rapid.IntRange(0, 20), at)
)

// machine is a store and the simplest queue: a list in the order of the commits.
type machine struct {
	ctx   context.Context
	store Store
	items []*modelItem
}

type modelItem struct {
	message            notify.Message
	status             store.Status
	attempts           int
	queued, next, done time.Time
}

func (i *modelItem) waits() bool { return i.status == store.Queued || i.status == store.Retrying }

// find gives the message of that id, or nil.
func (m *machine) find(id string) *modelItem {
	i := slices.IndexFunc(m.items, func(item *modelItem) bool { return item.message.ID == id })
	if i < 0 {
		return nil
	}
	return m.items[i]
}

func (m *machine) Commit(t *rapid.T) {
	o := cycle.Outcome{Server: "prod"}
	for range rapid.IntRange(1, 3).Draw(t, "messages") {
		msg := message(someID.Draw(t, "id"), someSink.Draw(t, "sink"), someKeys.Draw(t, "keys")...)
		o.Messages = append(o.Messages, msg)
		if m.find(msg.ID) == nil {
			m.items = append(m.items, &modelItem{message: msg, status: store.Queued, queued: msg.At})
		}
	}
	must(t, m.store.Commit(m.ctx, &o))
}

func (m *machine) Sent(t *rapid.T) {
	id, at := someID.Draw(t, "id"), someMoment.Draw(t, "at")
	must(t, m.store.Note(m.ctx, outbox.Sent(id, at, nil)))
	if item := m.find(id); item != nil && item.waits() {
		item.attempts, item.status, item.done = item.attempts+1, store.Sent, at
	}
}

func (m *machine) Retry(t *rapid.T) {
	id, next := someID.Draw(t, "id"), someMoment.Draw(t, "next")
	must(t, m.store.Note(m.ctx, outbox.Retry(id, next, "503", nil)))
	if item := m.find(id); item != nil && item.waits() {
		item.attempts, item.status, item.next = item.attempts+1, store.Retrying, next
	}
}

func (m *machine) Bury(t *rapid.T) {
	id, at := someID.Draw(t, "id"), someMoment.Draw(t, "at")
	must(t, m.store.Note(m.ctx, outbox.Bury(id, at, "410", nil)))
	if item := m.find(id); item != nil && item.waits() {
		item.attempts, item.status, item.done = item.attempts+1, store.Dead, at
	}
}

func (m *machine) RetryDead(t *rapid.T) {
	id, at := someID.Draw(t, "id"), someMoment.Draw(t, "at")
	item := m.find(id)
	dead := item != nil && item.status == store.Dead
	if err := m.store.RetryDead(m.ctx, at, id); (err == nil) != dead {
		t.Fatalf("RetryDead(%s): got error %v, want one unless it is dead, which is %v", id, err, dead)
	}
	if dead {
		*item = modelItem{message: item.message, status: store.Queued, queued: at}
	}
}

func (m *machine) Prune(t *rapid.T) {
	before := someMoment.Draw(t, "before")
	n, err := m.store.Prune(m.ctx, before)
	must(t, err)
	had := len(m.items)
	m.items = slices.DeleteFunc(m.items, func(i *modelItem) bool { return !i.waits() && i.done.Before(before) })
	equal(t, "Prune", had-len(m.items), n)
}

func (m *machine) List(t *rapid.T) {
	list, err := m.store.Deliveries(m.ctx, store.DeliveryFilter{})
	must(t, err)
	var want, got []string
	for _, item := range slices.Backward(m.items) {
		want = append(want, fmt.Sprint(item.message.ID, item.status, item.attempts))
	}
	for _, d := range list {
		got = append(got, fmt.Sprint(d.ID, d.Status, d.Attempts))
	}
	equal(t, "Deliveries", want, got)
}

// Check runs after each of the others.
func (m *machine) Check(t *rapid.T) {
	sink, now, limit := someSink.Draw(t, "sink"), someMoment.Draw(t, "now"), rapid.IntRange(1, 12).Draw(t, "limit")
	wantItems, wantNext := m.claim(sink, now)
	items, next, err := m.store.Claim(m.ctx, outbox.Request{Sink: sink, Now: now, Limit: limit})
	must(t, err)
	if len(wantItems) > limit { // then when the next is due is not said
		wantItems, wantNext = wantItems[:limit], next
	}
	for i := range items {
		items[i].Payload = nil
	}
	equal(t, fmt.Sprintf("Claim of %s after %s", sink, now.Sub(epoch)), wantItems, items)
	equal(t, "when the next is due", wantNext, next)
}

// claim reads the whole list, which is what a store must not do.
func (m *machine) claim(sink string, now time.Time) (items []outbox.Item, next time.Time) {
	taken := map[string]bool{} // keys of those that wait
	for _, item := range m.items {
		if item.message.Sink != sink || !item.waits() {
			continue
		}
		keys := item.message.OrderKeys()
		behind := slices.ContainsFunc(keys, func(key string) bool { return taken[key] })
		for _, key := range keys {
			taken[key] = true
		}
		switch {
		case behind:
		case !item.next.After(now):
			items = append(items, outbox.Item{ID: item.message.ID, Sink: sink, Keys: keys, Thread: item.message.Thread(), Attempts: item.attempts, Created: item.queued})
		case next.IsZero() || item.next.Before(next):
			next = item.next
		}
	}
	return items, next
}
