// Package outbox delivers committed messages.
//
// One Worker serves one sink. It claims what is due from its Queue, hands each item to the
// receiver, and notes what became of it:
//
//	Claim -> Deliver -> Sent                    the receiver has it
//	                    Retry, after a back-off  not yet
//	                    Bury                     never, or not within GiveUpAfter
//
// # Promises
//
// At least once: an item that was committed is sent until the receiver takes it, refuses it for
// good, or it has been tried for GiveUpAfter. In order per key: of two items of one sink that
// share a key, the second is not sent before the first is done. A sink that is down delays no
// other, and is asked by one item at a time, ever more rarely. An item's ID is the same in every
// attempt. No item is given up without having been tried. In order per thread, too, whose memory
// is committed with the note of the attempt that changed it: each attempt sees what the one before
// it remembered.
//
// # Not promised
//
// Exactly once: a crash between the receiver's answer and the note of it sends the item again,
// under the same ID, and with the thread's memory of before. Order between items that share no
// key.
//
// # Testing
//
// The worker runs in a testing/synctest bubble with the queue of package outboxtest, which also
// holds the contract that the queues of the stores are tested by.
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
	// Thread is what the receiver shows together with others of its kind, "" when it stands
	// alone. It is one of the Keys, so that its items are sent in order.
	Thread string
	// Memory is what an attempt of the same sink and thread returned last; nil when none did.
	Memory  []byte
	Created time.Time
	// Attempts is how often it has been tried, this one not counted.
	Attempts int
}

// Queue is where the items are kept. Its methods are called by one worker per sink, never two at
// a time.
//
// An item is done when it was sent or buried, and behind another when that one is of the same
// sink, was added before it, is not done, and shares a key with it.
type Queue interface {
	// Claim gives up to limit items of the sink that are due at now and are not behind another
	// by a key, oldest first; and when none is left over, when the next one becomes due (zero:
	// no item waits for a time). So no two items of one claim share a key, and they may be sent
	// at the same time. It marks nothing: what is not noted by one of the other methods is
	// given again.
	Claim(ctx context.Context, sink string, now time.Time, limit int) (items []Item, next time.Time, err error)

	// An error of the three below means that the note may not have been written. It is then
	// written again until that succeeds, so a note about an item that is done, or that is not
	// there any more, changes nothing and is no error.
	//
	// Each keeps the memory of the item's thread with the note, all or nothing. Nil leaves it as
	// it is.

	// Sent notes that the receiver has it.
	Sent(ctx context.Context, id string, at time.Time, memory []byte) error
	// Retry notes a failed attempt and when to try again.
	Retry(ctx context.Context, id string, next time.Time, cause string, memory []byte) error
	// Bury notes a last failed attempt: it will not be tried again, unless by hand.
	Bury(ctx context.Context, id string, at time.Time, cause string, memory []byte) error
}
