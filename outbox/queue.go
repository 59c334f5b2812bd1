package outbox

import (
	"context"
	"time"
)

// Queue is where the items are kept. Its methods are called by one worker per sink and process,
// never two at a time.
//
// An item is done when it was sent or buried, and behind another when that one is of the same
// sink, was added before it, is not done, and shares a key with it.
type Queue interface {
	// Claim gives the items of a sink that are due, are not behind another and are not leased,
	// oldest first, and leases them to the caller; and when the next one becomes due (zero: no
	// item waits for a time). No two items of one claim share a key, so they may be sent at the
	// same time.
	//
	// A queue that knows what its items say may put several of one thread into the first of
	// them, which then tells all; but only items that were never claimed, and so cannot have
	// reached the receiver.
	Claim(ctx context.Context, r Request) (items []Item, next time.Time, err error)

	// ClockSet says that the clock of this process was set since its last call, and by how much; 0
	// says that the process has just begun and does not know: the queue then goes by the latest
	// that it remembers. Where the clock was set back, what waits for a time is due now, and leases
	// run no longer than until then; where it was set forward, what waits is no older than before.
	ClockSet(ctx context.Context, c ClockSetting) error

	// Note keeps what became of attempts, all or nothing. An error means that it may not be
	// written. It is then written again until that succeeds, so a note about an item that is
	// done, or that is not there any more, changes nothing and is no error; neither does one of a
	// failure of an item that is now leased to another.
	Note(ctx context.Context, notes ...Note) error
}

// Request is what a worker claims.
type Request struct {
	Sink  string
	Now   time.Time
	Limit int // at most so many items
	// Horizon is how far ahead an item may be due. One that is due later is due now: the clock was
	// set back since it was noted. Zero: any time is believed.
	Horizon time.Time
	// Lease is until when the items are the caller's. A process that has its queue to itself
	// may void the leases of those before it.
	Lease time.Time
	// Probe asks for one item, to see whether the receiver answers again: of those that are due
	// the one that was tried least.
	Probe bool
	// DigestAbove is of how many things that wait in one thread more are put into one item; 0:
	// nothing is.
	DigestAbove int
}

// Believed is how far ahead of a clock a queue may remember something to have happened without its
// having been set back: clocks of two processes differ.
const Believed = time.Minute

// ClockSetting is a change of the clock, as the worker of a sink noticed it.
type ClockSetting struct {
	Sink  string
	Now   time.Time // after it
	By    time.Duration
	Lease time.Time // until when the leases of others may last
}

// Outcome is what became of an attempt.
type Outcome int

// The outcomes.
const (
	SentOutcome  Outcome = iota // the receiver has it
	RetryOutcome                // it failed, and is tried again
	BuryOutcome                 // it failed, and is not tried again unless by hand
)

// Note is what became of one attempt. Make it with Sent, Retry or Bury.
type Note struct {
	ID      string
	Outcome Outcome
	At      time.Time // when it ended; of a retry, when to try again
	Cause   string    // of a failure
	// Memory is the new one of the item's thread; nil leaves it as it is.
	Memory []byte
}

// Sent notes that the receiver has the item.
func Sent(id string, at time.Time, memory []byte) Note {
	return Note{ID: id, Outcome: SentOutcome, At: at, Memory: memory}
}

// Retry notes a failed attempt and when to try again.
func Retry(id string, next time.Time, cause string, memory []byte) Note {
	return Note{ID: id, Outcome: RetryOutcome, At: next, Cause: cause, Memory: memory}
}

// Bury notes a last failed attempt: the item will not be tried again, unless by hand.
func Bury(id string, at time.Time, cause string, memory []byte) Note {
	return Note{ID: id, Outcome: BuryOutcome, At: at, Cause: cause, Memory: memory}
}
