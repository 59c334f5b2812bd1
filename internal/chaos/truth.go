//go:build linux

package chaos

import (
	"sync"
	"time"
)

// Rules of a run: what each is true of, and nothing else is.
const (
	ruleFailed      = "failed"
	ruleCrashing    = "crashing"
	ruleUnreachable = "server-unreachable"
)

// Trouble is one time in which a replication was as a rule says, as the simulated server knows it.
type Trouble struct {
	Rule  string
	Doc   string
	Error string    // of no other trouble
	Began time.Time // a moment before
	Over  time.Time // a moment before it began to end; zero while it lasts
	Gone  bool      // it ended by the document's deletion
	// Awaited says that it lasted until every receiver was told: it cannot have been missed.
	Awaited bool
}

// Outage is one time in which something kept the daemon from the server.
type Outage struct{ Began, Over time.Time }

// Truth is what really happened, in order.
type Truth struct {
	Troubles []Trouble
	Outages  []Outage
}

// ledger writes down the truth while it happens.
type ledger struct {
	mu    sync.Mutex // guards truth
	truth Truth
}

func (l *ledger) begin(t Trouble) (index int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Began = time.Now()
	l.truth.Troubles = append(l.truth.Troubles, t)
	return len(l.truth.Troubles) - 1
}

func (l *ledger) end(index int, gone, awaited bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &l.truth.Troubles[index]
	t.Over, t.Gone, t.Awaited = time.Now(), gone, awaited
}

// outage begins one; the returned function ends it.
func (l *ledger) outage() (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.truth.Outages = append(l.truth.Outages, Outage{Began: time.Now()})
	index := len(l.truth.Outages) - 1
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.truth.Outages[index].Over = time.Now()
	}
}
