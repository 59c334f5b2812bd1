// Package outboxtest has what tests of the outbox and of its queues need: a queue in memory, and
// the contract that every queue must keep.
package outboxtest

import (
	"cmp"
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

// Worker is the queue as the workers of one process use it: what it leases is its own.
type Worker struct {
	*Queue
	name string
}

// As is the queue for the workers of another process.
func (q *Queue) As(process string) Worker { return Worker{q, process} }

// Entry is an item and what was noted about it last.
type Entry struct {
	outbox.Item
	Status Status
	Next   time.Time // when it is due; zero for one that was never tried
	Cause  string    // of the last failure
	Done   time.Time // when it was sent or buried
	Holder string    // whose lease it is or was
	Lease  time.Time // until when
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

// Claim is as outbox.Queue says. It puts nothing together, for it does not know what items say.
func (q *Queue) Claim(ctx context.Context, r outbox.Request) ([]outbox.Item, time.Time, error) {
	return q.As("").Claim(ctx, r)
}

// ClockSet is as outbox.Queue says.
func (q *Queue) ClockSet(ctx context.Context, c outbox.ClockSetting) error {
	return q.As("").ClockSet(ctx, c)
}

// Note is as outbox.Queue says.
func (q *Queue) Note(ctx context.Context, notes ...outbox.Note) error {
	return q.As("").Note(ctx, notes...)
}

// Claim is as outbox.Queue says.
func (w Worker) Claim(ctx context.Context, r outbox.Request) (items []outbox.Item, next time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ask(ctx, "Claim"); err != nil {
		return nil, time.Time{}, err
	}
	due, next := w.due(r)
	limit := r.Limit
	if r.Probe {
		slices.SortStableFunc(due, func(a, b *Entry) int { return cmp.Compare(a.Attempts, b.Attempts) })
		limit = 1
	}
	for _, e := range due[:min(limit, len(due))] {
		e.Holder, e.Lease = w.name, r.Lease
		item := e.Item
		item.Memory = slices.Clone(w.threads[[2]string{e.Sink, e.Thread}])
		items = append(items, item)
	}
	return items, next, nil
}

// due are the items that a claim may give, and when the next one becomes due.
func (q *Queue) due(r outbox.Request) (due []*Entry, next time.Time) {
	taken := map[string]bool{} // keys that some earlier item waits with
	for _, e := range q.entries {
		if e.Sink != r.Sink || e.done() {
			continue
		}
		behind := slices.ContainsFunc(e.Keys, func(key string) bool { return taken[key] })
		for _, key := range e.Keys {
			taken[key] = true
		}
		switch {
		case behind, e.Lease.After(r.Now):
		case !e.Next.After(r.Now), !r.Horizon.IsZero() && e.Next.After(r.Horizon):
			due = append(due, e)
		case next.IsZero() || e.Next.Before(next):
			next = e.Next
		}
	}
	return due, next
}

// ClockSet is as outbox.Queue says.
func (w Worker) ClockSet(ctx context.Context, c outbox.ClockSetting) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ask(ctx, "ClockSet"); err != nil {
		return err
	}
	back := c.By < 0 || c.By == 0 && slices.ContainsFunc(w.entries, func(e *Entry) bool {
		return e.Done.After(c.Now.Add(outbox.Believed))
	})
	for _, e := range w.entries {
		switch {
		case e.Sink != c.Sink || e.done():
		case back:
			e.Next, e.Lease, e.Created = earlier(e.Next, c.Now), earlier(e.Lease, c.Lease), earlier(e.Created, c.Now)
		default:
			e.Created = e.Created.Add(c.By)
		}
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Note is as outbox.Queue says. To Fail, each note is a call by its outcome's name.
func (w Worker) Note(ctx context.Context, notes ...outbox.Note) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, note := range notes {
		if err := w.ask(ctx, outcomes[note.Outcome]); err != nil {
			return err
		}
	}
	for _, note := range notes {
		for _, e := range w.entries {
			if e.ID == note.ID && !e.done() {
				w.noteOne(e, note)
			}
		}
	}
	return nil
}

var outcomes = map[outbox.Outcome]string{
	outbox.SentOutcome: "Sent", outbox.RetryOutcome: "Retry", outbox.BuryOutcome: "Bury",
}

func (w Worker) noteOne(e *Entry, note outbox.Note) {
	if note.Outcome != outbox.SentOutcome && e.Holder != w.name && !e.Lease.IsZero() {
		return
	}
	switch note.Outcome {
	case outbox.SentOutcome:
		e.Status, e.Done = Sent, note.At
	case outbox.RetryOutcome:
		e.Status, e.Next, e.Cause = Retrying, note.At, note.Cause
		e.Attempts++
	case outbox.BuryOutcome:
		e.Status, e.Done, e.Cause = Dead, note.At, note.Cause
		e.Attempts++
	}
	e.Lease = time.Time{}
	w.remember(e, note.Memory)
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
