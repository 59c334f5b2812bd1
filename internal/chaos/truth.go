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

// Setting is one setting of the daemon's wall clock: from then on it is ahead of ours by so much.
type Setting struct {
	At    time.Time
	Ahead time.Duration // below 0: it is behind
}

// Truth is what really happened, in order.
type Truth struct {
	Clock    []Setting // the clock is right before the first
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

// setClock sets the daemon's clock by one step, but never farther than clockRange from ours.
func (l *ledger) setClock(step time.Duration, set func(ahead time.Duration) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ahead := step
	if n := len(l.truth.Clock); n > 0 {
		ahead += l.truth.Clock[n-1].Ahead
	}
	if ahead.Abs() > clockRange {
		ahead -= 2 * step
	}
	l.truth.Clock = append(l.truth.Clock, Setting{time.Now(), ahead})
	return set(ahead)
}

// clockRange is below the age from which a delivery is given up, which goes by the clock.
const clockRange = 12 * time.Hour

// moments are those at which the daemon's clock may have shown a time, in order: several where it was
// set back, none where it was set forward over it.
func (t *Truth) moments(shown time.Time) (all []time.Time) {
	for from, s := range t.settings {
		if m := shown.Add(-s.Ahead); !m.Before(from) && !m.After(s.At) {
			all = append(all, m)
		}
	}
	return all
}

// beginnings are the moments that a time may stand for since when something lasts: where the clock is
// set meanwhile, the time moves along.
func (t *Truth) beginnings(shown time.Time) (all []time.Time) {
	for _, s := range t.settings {
		if m := shown.Add(-s.Ahead); !m.After(s.At) {
			all = append(all, m)
		}
	}
	return all
}

// forward is by how much the clock was set forward between two moments: a daemon that was down then
// takes it for time that has passed.
func (t *Truth) forward(from, to time.Time) (sum time.Duration) {
	for before, s := range t.settings {
		if before.After(from) && before.Before(to) {
			sum += max(0, s.Ahead-t.aheadAt(before))
		}
	}
	return sum
}

// aheadAt is how far the clock was ahead just before a moment.
func (t *Truth) aheadAt(m time.Time) (ahead time.Duration) {
	for _, s := range t.Clock {
		if s.At.Before(m) {
			ahead = s.Ahead
		}
	}
	return ahead
}

// settings are those of the clock, each with the moments from which and, as its At, until which it
// held.
func (t *Truth) settings(yield func(from time.Time, s Setting) bool) {
	from, ahead := time.Time{}, time.Duration(0)
	for _, next := range t.Clock {
		if !yield(from, Setting{next.At, ahead}) {
			return
		}
		from, ahead = next.At, next.Ahead
	}
	yield(from, Setting{time.Unix(1<<40, 0), ahead})
}
