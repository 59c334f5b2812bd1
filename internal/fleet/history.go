//go:build linux

package fleet

import (
	"time"

	"watchdog/alert"
	"watchdog/internal/chaos"
)

// History is what each replica did, as others recorded it. Processes are named for the replica and
// which of its lives it is: b2 is the second process of replica b. Leases are named as in the store.
type History struct {
	Servers []string
	Living  []string // the processes that lived until the end
	Faults  []Fault
	Trail   []Entry
	Decided []Decision
	Looks   []Look
	Words   []Word

	// From when on all replicas lived in peace, and when they began to be ended.
	Quiet, End time.Time

	Told        []chaos.Telling
	Truth       chaos.Truth
	Transitions []alert.Transition // as the store keeps them
}

// Fault is something that kept a process from its work, or all of them from the database.
type Fault struct {
	Kind    string
	Process string    // "" is the database
	Began   time.Time // when the signal was sent, or the wire cut
	Over    time.Time // when it could work again; zero: never, it is dead
}

// Entry is one change of a lease, in the order in which the database made them.
type Entry struct {
	At      time.Time
	Lease   string
	Holder  string // "": nobody
	Epoch   int64
	Commits int64  // in this tenure
	Tx      int64  // the transaction that made it
	By      string // the process whose transaction that was
}

// Decision is a transition that became part of the store.
type Decision struct {
	Server string
	Tx     int64
}

// Look is the first request of a check, as the server noted it.
type Look struct {
	At      time.Time
	Server  string
	Process string
}

// Word is what a process logged of a lease.
type Word struct {
	Process string
	Said    string // a message
	Lease   string
	Epoch   int64
}

// What processes say of leases.
const (
	saidTaken   = "lease taken"
	saidRefused = "refused: another replica has taken over"
)

func serverLease(server string) string { return "server/" + server }
