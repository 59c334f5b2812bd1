package rules

import (
	"cmp"
	"encoding"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/snapshot"
)

// Result is what one Step decided. Nothing is changed by it until Memory.Apply.
type Result struct {
	At time.Time
	// Server is what to remember of the server itself; nil when that did not change.
	Server encoding.BinaryAppender
	// Replications are those whose memory changed, each once.
	Replications []ReplicationChange
	// Alerts are those that began, changed or ended, each once.
	Alerts []AlertChange
	// Transitions are what happened, ordered by rule and subject.
	Transitions []alert.Transition

	health  *health
	server  []*alert.Alert // of the server itself, from now on
	entries []entryChange
	marks   []markChange
}

// ReplicationChange is the new memory of one replication.
type ReplicationChange struct {
	Database, DocID string
	State           string                  // CouchDB's, "" when unknown; for people who read the store
	Memory          encoding.BinaryAppender // nil: the replication is forgotten
}

// AlertChange is the new value of one alert, or its end.
type AlertChange struct {
	Alert alert.Alert // names rule and subject in any case
	Ended bool        // true: it is not remembered any more
}

// entryChange is an entry in place of the one before; of one that is forgotten the key alone is
// left. It belongs to the memory that the step was given.
type entryChange struct {
	place int // in the table; -1: it is new
	entry entry
}

// markChange is what has been evaluated of a row that says the same as the one before. That one is let
// go, as its look is.
type markChange struct {
	place int
	row   *snapshot.Replication
	marks *mark
}

func (r *Result) sort() {
	slices.SortStableFunc(r.Transitions, func(a, b alert.Transition) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Database, b.Database), cmp.Compare(a.DocID, b.DocID))
	})
}
