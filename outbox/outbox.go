// Package outbox delivers committed messages.
//
// One Worker serves one sink. It claims what is due from its Queue, hands each item to the
// receiver, and notes what became of it:
//
//	Claim -> Deliver -> Note: Sent                     the receiver has it
//	                          Retried, after a back-off  not yet
//	                          Buried                     never, or not within GiveUpAfter
//
// A claim leases: what is given to one worker is given to no other, of another process neither,
// until it is noted or the lease has run out. It is written down before the attempt begins, so
// that a queue knows of each item whether it may have reached the receiver.
//
// # Promises
//
// At least once: an item that was committed is sent until the receiver takes it, refuses it for
// good, or it has been tried for GiveUpAfter. In order per key: of two items of one sink that
// share a key, the second is not sent before the first is done. A sink that is down delays no
// other, and is asked by one item at a time, ever more rarely. An item's ID is the same in every
// attempt, and so is what it says from the first attempt on. No item is given up without having
// been tried. In order per thread, too, whose memory
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

import "time"

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
