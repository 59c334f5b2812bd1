// Package outbox delivers committed messages.
//
// # Promises
//
// At least once: an item that was committed is sent until the receiver takes it, refuses it for
// good, or it has been tried for GiveUpAfter. In order per key: of two items of one sink that
// share a key, the second is not sent before the first is done. A sink that is down delays no
// other. An item's ID is the same in every attempt.
//
// # Not promised
//
// Exactly once: a crash between the receiver's answer and the note of it sends the item again,
// under the same ID.
//
// # Testing
//
// The worker runs in a testing/synctest bubble with a queue in memory; storetest proves the
// queues of the stores.
package outbox

import (
	"context"
	"time"
)

// Item is one message on its way to one sink. The payload is opaque here.
type Item struct {
	ID      string
	Sink    string
	Keys    []string // what it must keep its order with
	Payload []byte
	Created time.Time
	// Attempts is how often it has been tried, this one not counted.
	Attempts int
}

// Queue is where the items are kept. Its methods are called by one worker per sink.
type Queue interface {
	// Claim gives up to limit items of the sink that are due at now and are not behind another
	// by a key, oldest first; and when none is left over, when the next one becomes due (zero:
	// no item waits for a time).
	Claim(ctx context.Context, sink string, now time.Time, limit int) (items []Item, next time.Time, err error)
	// Sent notes that the receiver has it.
	Sent(ctx context.Context, id string, at time.Time) error
	// Retry notes a failed attempt and when to try again.
	Retry(ctx context.Context, id string, next time.Time, cause string) error
	// Bury notes that it will not be tried again, unless by hand.
	Bury(ctx context.Context, id string, at time.Time, cause string) error
}
