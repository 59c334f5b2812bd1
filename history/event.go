package history

import (
	"time"

	"watchdog/snapshot"
)

// MaxEvents is how many events are kept of one replication, the latest; some more until they are
// counted.
const MaxEvents = 500

// maxText bounds the error that is kept with an event, in bytes.
const maxText = 1000

// Kind is what an event tells.
type Kind string

// The kinds.
const (
	State Kind = "state" // it came into a state
	Crash Kind = "crash" // its job crashed, by the job's own history
	Gone  Kind = "gone"  // it was deleted
)

// Event is something that happened to a replication.
type Event struct {
	At    time.Time      `json:"at"`
	Kind  Kind           `json:"kind"`
	State snapshot.State `json:"state"` // the one it came into, "" of other kinds
	Error string         `json:"error"` // with which, "" where there is none
}

// Span is a time in which every look at a server was whole. What lies in none is unknown.
type Span struct {
	Begin time.Time `json:"begin"`
	End   time.Time `json:"end"`
}

// Past is what is kept of one replication over some time.
type Past struct {
	// Points are those of the time, and some before it, in order.
	Points []Point
	// Events are those of the time, in order, and before them the last change of state before it.
	Events []Event
	// Looks are when its server was seen.
	Looks []Span
}
