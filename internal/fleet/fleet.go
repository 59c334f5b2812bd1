//go:build linux

// Package fleet runs several replicas of the real daemon on one PostgreSQL while each of them, and
// the database, fails by a seeded schedule, records what each of them did, and judges the record.
//
// What is recorded is not what replicas say of themselves, but for their logs: the database writes
// down each change of a lease and each decision, by triggers, with the transaction that made it;
// the simulated servers which process asked them when; the receiver what it was told. Judge is a
// pure function of that record, with a table of its own, in which each of its checks finds what it
// is for:
//
//   - two holders, epoch backwards, stale commit, no tenure's: of each epoch of a lease there is one
//     holder, who alone commits, and no more once a later epoch has begun; nothing is decided but
//     by such a commit;
//   - said and not so: no log claims a lease that the database did not give;
//   - not resumed: each server is checked, by one who holds it and can work, within two lease times
//     of each fault;
//   - not shared evenly: in the quiet at the end each server is checked by one replica alone, and
//     each replica has its share;
//   - what was told is judged by package chaos: nothing lost, told under two ids, false or out of
//     order.
//
// # Seeds
//
// The schedule of a seed is always the same: which faults, in what order, from when, for how long,
// whom they hit. What processes make of it is up to the machine.
//
// # Needs
//
// Linux, and the programs of PostgreSQL.
package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"watchdog/internal/chaos"
)

// Options say what a run is.
type Options struct {
	Seed    uint64
	Events  int // how many faults; the first of them are one of each kind
	Servers int
	Lease   time.Duration
	Lenient time.Duration // how much longer than two lease times a busy machine may take to check a server again
	Dir     string        // a folder for configs and logs
	Command []string      // the daemon, and arguments that come before those of watchdog
	Env     []string      // of the daemon, besides the environment
}

// Report is what came of a run.
type Report struct {
	Seed       uint64
	Faults     map[string]int // by kind
	Processes  int
	Leases     int // that were taken
	Looks      int
	Commits    int
	Refused    int                      // writes, because another replica had taken over
	Told       int                      // transitions
	Messages   int                      // repeats included
	Slowest    map[string]time.Duration // from a fault of a kind to the next check of a server that it hit
	Latest     time.Duration            // from a decision until it was told
	Took       time.Duration
	Violations []chaos.Violation
	Film       string // what happened, a line for each
}

// String is a line of numbers, and one of how long checks took to resume.
func (r *Report) String() string {
	return fmt.Sprintf("seed %d: %s; %d processes, %d leases taken, %d checks, %d commits, %d refused, %d transitions in %d messages, told within %s, %d violations, %s\nresumed within %s",
		r.Seed, counted(r.Faults), r.Processes, r.Leases, r.Looks, r.Commits, r.Refused, r.Told, r.Messages,
		r.Latest.Round(10*time.Millisecond), len(r.Violations), r.Took.Round(time.Second), counted(r.Slowest))
}

// counted lists what there is of each kind.
func counted[V any](of map[string]V) string {
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(of)) {
		all = append(all, fmt.Sprintf("%v %s", of[kind], kind))
	}
	return strings.Join(all, ", ")
}

// patience is how long everything may take to be told after the last fault.
const patience = 2 * time.Minute

// Run runs a schedule from its beginning until everything that happened must have been told. What
// keeps it from being run fails the test; what replicas did wrong is in the report.
func Run(t testing.TB, o Options) *Report {
	w := newWorld(t, o)
	w.awaitLooks(time.Now())
	var living sync.WaitGroup
	w.lives(living.Go)
	w.play(Schedule(o.Seed, o.Events, o.Lease))
	w.over(living.Wait)
	w.stop()
	return w.report()
}

// over lets what happens come to rest: it is told, and the work is shared again.
func (w *world) over(lived func()) {
	w.note("all faults are over")
	rest := time.After(2 * w.Lease)
	w.cease()
	last := time.AfterFunc(patience, func() {
		w.wrong("not everything was told within %s of the last fault", patience)
		w.giveUp()
	})
	lived()
	last.Stop()
	<-rest
	w.quiet = time.Now()
	w.note("all is quiet")
	w.awaitLooks(w.quiet)
	w.ended = time.Now()
}

// awaitLooks waits until every server has been checked since a moment.
func (w *world) awaitLooks(since time.Time) {
	deadline := time.Now().Add(patience)
	for w.servers.checkedSince(since) < w.Servers {
		if time.Now().After(deadline) {
			w.t.Fatalf("servers that were checked within %s: got %d, want %d\n%s", patience, w.servers.checkedSince(since), w.Servers, w.film())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (w *world) report() *Report {
	h := w.history()
	found, slowest := Judge(h, 2*w.Lease+w.Lenient)
	r := &Report{
		Seed: w.Seed, Faults: map[string]int{}, Looks: len(h.Looks), Messages: len(h.Told),
		Slowest: slowest, Took: time.Since(w.began), Violations: append(w.found, found...),
	}
	for _, f := range h.Faults {
		r.Faults[f.Kind]++
	}
	for _, one := range w.replicas {
		r.Processes += len(one.lives)
	}
	for _, e := range h.Trail {
		switch {
		case e.Commits > 0 && e.Holder != "":
			r.Commits++
		case e.Holder != "":
			r.Leases++
		}
	}
	for _, word := range h.Words {
		if word.Said == saidRefused {
			r.Refused++
		}
	}
	for _, m := range h.Told {
		r.Told += len(m.Alerts)
		for i := range m.Alerts {
			if late := m.At.Sub(m.Alerts[i].At); late > r.Latest {
				r.Latest = late
				w.note("what was decided at %s of %s was told at %s", m.Alerts[i].At.Format(clock), m.Alerts[i].DocID, m.At.Format(clock))
			}
		}
	}
	r.Film = w.film()
	return r
}
