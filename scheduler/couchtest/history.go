package couchtest

import "time"

// EventType is the type of an event in a job's history.
type EventType string

// The event types.
const (
	Added   EventType = "added"
	Started EventType = "started"
	Stopped EventType = "stopped"
	Crashed EventType = "crashed"
)

// Event is one entry of a job's history. CouchDB keeps microseconds and shows seconds.
type Event struct {
	Type   EventType
	At     time.Time
	Reason string // of a crash
}

const (
	maxHistory      = 20              // [replicator] max_history
	healthThreshold = 2 * time.Minute // [replicator] health_threshold
)

// push puts an event in front of a history, newest first. The slice is new: a reader may hold
// the old one.
func push(history []Event, e Event) []Event {
	kept := min(len(history), maxHistory-1)
	next := make([]Event, 0, kept+1)
	return append(append(next, e), history[:kept]...)
}

// consecutiveCrashes is what CouchDB calls error_count. It is not the number of errors: it
// stays up while a recovered job runs, ends at 10 for a history of starts and crashes, is wiped
// by one scheduler stop, and does not see a crash later than the health threshold after its
// start. Source: couch_replicator_scheduler:consecutive_crashes/2.
func consecutiveCrashes(history []Event) int64 {
	var n int64
	for i, e := range history {
		last := i+1 == len(history)
		switch {
		case e.Type == Crashed && !last:
			if e.At.Sub(history[i+1].At) > healthThreshold {
				return n
			}
			n++
		case e.Type == Stopped && !last && history[i+1].Type == Started:
			return n
		}
	}
	return n
}
