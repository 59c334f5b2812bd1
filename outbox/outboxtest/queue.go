// Package outboxtest has what tests of the outbox and of its queues need: a queue in memory, and
// the contract that every queue must keep.
package outboxtest

import (
	"context"
	"slices"
	"sync"
	"time"

	"watchdog/outbox"
)

// Status is where an item of a Queue stands.
type Status string

// The statuses.
const (
	Queued   Status = "queued" // never tried
	Retrying Status = "retrying"
	Sent     Status = "sent"
	Dead     Status = "dead"
)

// Queue is an outbox.Queue in memory. The zero value is empty and ready; it may be used by many
// goroutines. Like a database it does nothing for a context that has ended.
type Queue struct {
	mu      sync.Mutex // guards what follows
	entries []*Entry
	threads map[[2]string][]byte // sink and thread to its memory
	fail    func(call string) error
}

// Entry is an item and what was noted about it last.
type Entry struct {
	outbox.Item
	Status Status
	Next   time.Time // when it is due; zero for one that was never tried
	Cause  string    // of the last failure
	Done   time.Time // when it was sent or buried
}

// Add appends items.
func (q *Queue) Add(items ...outbox.Item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, item := range items {
		q.entries = append(q.entries, &Entry{Item: item, Status: Queued})
	}
}

// Fail makes every later call first ask f, which gets the name of the method, and fail with its
// error without doing anything; nil ends that.
func (q *Queue) Fail(f func(call string) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fail = f
}

// Entries are copies of all, in the order they were added.
func (q *Queue) Entries() []Entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries := make([]Entry, len(q.entries))
	for i, e := range q.entries {
		entries[i] = *e
	}
	return entries
}

// Claim is as outbox.Queue says.
func (q *Queue) Claim(ctx context.Context, sink string, now time.Time, limit int) (items []outbox.Item, next time.Time, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.ask(ctx, "Claim"); err != nil {
		return nil, time.Time{}, err
	}
	taken := map[string]bool{} // keys that some earlier item waits with
	for _, e := range q.entries {
		if e.Sink != sink || e.done() {
			continue
		}
		behind := slices.ContainsFunc(e.Keys, func(key string) bool { return taken[key] })
		for _, key := range e.Keys {
			taken[key] = true
		}
		switch {
		case behind:
		case e.Next.After(now):
			if next.IsZero() || e.Next.Before(next) {
				next = e.Next
			}
		case len(items) == limit:
			return items, time.Time{}, nil
		default:
			item := e.Item
			item.Memory = slices.Clone(q.threads[[2]string{e.Sink, e.Thread}])
			items = append(items, item)
		}
	}
	return items, next, nil
}

// Sent is as outbox.Queue says.
func (q *Queue) Sent(ctx context.Context, id string, at time.Time, memory []byte) error {
	return q.note(ctx, "Sent", id, memory, func(e *Entry) { e.Status, e.Done = Sent, at })
}

// Retry is as outbox.Queue says.
func (q *Queue) Retry(ctx context.Context, id string, next time.Time, cause string, memory []byte) error {
	return q.note(ctx, "Retry", id, memory, func(e *Entry) {
		e.Status, e.Next, e.Cause = Retrying, next, cause
		e.Attempts++
	})
}

// Bury is as outbox.Queue says.
func (q *Queue) Bury(ctx context.Context, id string, at time.Time, cause string, memory []byte) error {
	return q.note(ctx, "Bury", id, memory, func(e *Entry) {
		e.Status, e.Done, e.Cause = Dead, at, cause
		e.Attempts++
	})
}

func (q *Queue) note(ctx context.Context, call, id string, memory []byte, change func(*Entry)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.ask(ctx, call); err != nil {
		return err
	}
	for _, e := range q.entries {
		if e.ID == id && !e.done() {
			change(e)
			q.remember(e, memory)
		}
	}
	return nil
}

// remember keeps the memory of an item's thread, unless it is nil.
func (q *Queue) remember(e *Entry, memory []byte) {
	if e.Thread == "" || memory == nil {
		return
	}
	if q.threads == nil {
		q.threads = map[[2]string][]byte{}
	}
	q.threads[[2]string{e.Sink, e.Thread}] = slices.Clone(memory)
}

func (q *Queue) ask(ctx context.Context, call string) error {
	if err := ctx.Err(); err != nil || q.fail == nil {
		return err
	}
	return q.fail(call)
}

func (e *Entry) done() bool { return e.Status == Sent || e.Status == Dead }
