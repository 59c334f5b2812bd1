//go:build linux

// Package chaos runs the real daemon in a world that falls apart by a seeded schedule, and judges
// what it tells: a simulated CouchDB behind a network that breaks, receivers that refuse, hang and
// forget to answer, a small disk that fills up, a config that turns to garbage, a process that is
// killed and frozen, a clock that is set, a database that is killed. The world knows what really happened; five checks compare that with what each
// receiver was told (Judge):
//
//   - lost: trouble that lasted until it had to be known was told, and so was its end;
//   - told under two ids: one transition is in one message, which says the same at each repeat;
//   - false alert: what fired was so at that time;
//   - false resolve: what resolved was over, and for the reason given;
//   - out of order: of one alert, firing and resolved come in turns.
//
// It also asks for what a user of systemd expects: the daemon ends only when it is told to, or
// refuses to start for a reason that it says.
//
// # Seeds
//
// The schedule of a seed is always the same, and how replications live but for the moments when
// they wait for a message. What processes make of it is up to the machine: a seed that fails once
// fails again often, not always.
//
// # A machine that fails
//
// That the wall clock is set, and that the disk is slow, cannot be had of one process's machine
// alone. Go can: BuildOnBadMachine builds the daemon with edited copies of two of Go's own source
// files, by `go build -overlay`. time.Now then adds what a Machine says to the wall clock, and to
// that alone, as `date -s` and a step of NTP do; the system calls that write a file and make it safe
// take longer. Not a line of the daemon is another, nor of the libraries that it is made of. Where the
// installed Go does not have the lines that are to be edited, nothing is built.
//
// Truth keeps how the clock was set, so that a time which the daemon tells is compared with the
// moments in which its clock can have shown it.
//
// # Needs
//
// Linux; the disk and the names of the network fail for root only. A database needs PostgreSQL.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"watchdog/alert"
	"watchdog/store"
)

// Options say what a run is.
type Options struct {
	Seed    uint64
	Events  int      // how many faults
	Command []string // the daemon, and arguments that come before those of watchdog
	Env     []string // of the daemon, besides the environment
	Dir     string   // an empty folder of the run's own
	// Database keeps the store; nil: it is a file on a small disk.
	Database Database
	// BadMachine says that the daemon is one of BuildOnBadMachine, whose clock and disk can fail.
	BadMachine bool
	Settle     time.Duration // how long everything may take to be told after the last fault; 3 minutes if 0
}

// Database is an empty PostgreSQL server of the run's own, which runs.
type Database interface {
	Address() string // host:port, for the daemon
	URL() string     // for the checks
	Stop()           // at once, as when its machine fails
	Start() error
}

// Report is what came of a run.
type Report struct {
	Seed       uint64
	Events     int
	Kills      int // SIGKILLs that found a process
	Starts     int
	Troubles   int
	Messages   int // taken by the receivers, repeats included
	Told       int // transitions, at one receiver or the other
	Took       time.Duration
	Violations []Violation

	began time.Time
	film  []frame
}

// String is one line of numbers.
func (r *Report) String() string {
	return fmt.Sprintf("seed %d: %d events, %d kills, %d starts, %d troubles, %d transitions in %d messages, %d violations, %s",
		r.Seed, r.Events, r.Kills, r.Starts, r.Troubles, r.Told, r.Messages, len(r.Violations), r.Took.Round(time.Second))
}

// Film is what happened, in order: a line for each fault, and for what became of the replications
// that a violation is about.
func (r *Report) Film() string {
	about := func(f frame) bool {
		return f.doc == "" || slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Doc == f.doc })
	}
	var b strings.Builder
	for _, f := range r.film {
		if about(f) {
			fmt.Fprintf(&b, "%9.3fs %s  %s\n", f.at.Sub(r.began).Seconds(), f.at.UTC().Format(clock), f.text)
		}
	}
	return b.String()
}

// Run runs a schedule from its beginning until everything that happened must have been told. The
// error is of a harness that could not be built; what the daemon did wrong is in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	w, err := newWorld(o)
	if err != nil {
		return nil, fmt.Errorf("make a world for chaos: %w", err)
	}
	defer w.end()
	living, die := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() { w.daemon.run(living) })

	w.suffer(ctx, o)
	w.stop(ctx)
	die()
	keeping.Wait()
	decided, err := w.decided(ctx)
	if err != nil {
		w.wrong(Violation{Check: Lost, Text: err.Error()})
	}
	return w.report(o, decided), nil
}

// suffer lets replications live while everything goes wrong, and then until what has happened was
// told.
func (w *world) suffer(ctx context.Context, o Options) {
	settle := o.Settle
	if settle == 0 {
		settle = 3 * time.Minute
	}
	patience, give := context.WithCancel(ctx)
	defer give()
	chaos, over := context.WithCancel(ctx)
	defer over()
	var living sync.WaitGroup
	w.lives(chaos, patience, o.Seed, living.Go)
	w.play(ctx, Schedule(o.Seed, o.Events, o.Database != nil))
	w.note("all faults are over")
	over()
	last := time.AfterFunc(settle, give)
	defer last.Stop()
	defer w.exclusively()()
	w.daemon.hold(ctx, syscall.SIGTERM) // a refusal of the server is remembered for minutes
	w.daemon.release()
	living.Wait()
	w.settle(patience)
}

// play lets a schedule happen, and returns when every fault of it is over.
func (w *world) play(ctx context.Context, schedule []Event) {
	byKind := map[string]fault{}
	for _, f := range slices.Concat(faults, diskFaults, databaseFaults) {
		byKind[f.kind] = f
	}
	var lasting sync.WaitGroup
	began := time.Now()
	for _, e := range schedule {
		if !pause(ctx, time.Until(began.Add(e.At))) {
			break
		}
		w.note("%v", e)
		lasting.Go(func() {
			undo := byKind[e.Kind].do(ctx, w, e.rand(), e.For)
			pause(ctx, e.For)
			undo()
		})
	}
	lasting.Wait()
}

// groupsWait is longer than a group waits before it is a message, and so no backlog yet.
const groupsWait = 2 * time.Second

// settle waits until nothing fires any more, and nothing waits to be told.
func (w *world) settle(patience context.Context) {
	pause(patience, 2*time.Second) // two checks, in which all is well
	for since := time.Now(); time.Since(since) < groupsWait; {
		if !w.isQuiet(patience) {
			since = time.Now()
		}
		if !pause(patience, 200*time.Millisecond) {
			w.note("it does not become quiet")
			return
		}
	}
	w.note("all is quiet")
}

// isQuiet looks into the store, beside the daemon.
func (w *world) isQuiet(ctx context.Context) bool {
	kept, err := store.Open(ctx, w.dsn(), store.Options{ReadOnly: true})
	if err != nil {
		return false
	}
	defer func() { _ = kept.Close() }()
	firing, err := kept.Alerts(ctx)
	if err != nil || len(firing) > 0 {
		return false
	}
	backlogs, err := kept.Backlogs(ctx)
	return err == nil && !slices.ContainsFunc(backlogs, func(b store.Backlog) bool { return b.Waiting > 0 })
}

// stop ends the daemon as systemd does.
func (w *world) stop(ctx context.Context) {
	defer w.exclusively()()
	w.daemon.hold(ctx, syscall.SIGTERM)
}

// decided is what the store says was decided.
func (w *world) decided(ctx context.Context) ([]alert.Transition, error) {
	kept, err := store.Open(ctx, w.dsn(), store.Options{})
	if err != nil {
		return nil, err
	}
	all, err := kept.Transitions(ctx, store.TransitionFilter{})
	return all, errors.Join(err, kept.Close())
}

func (w *world) report(o Options, decided []alert.Transition) *Report {
	r := &Report{
		Seed: o.Seed, Events: o.Events, Kills: int(w.kills.Load()), Starts: w.daemon.starts,
		Troubles: len(w.ledger.truth.Troubles), Took: time.Since(w.began), began: w.began,
	}
	r.Violations = w.found
	for i, receiver := range w.receivers {
		told, _ := receiver.heard()
		name := [...]string{"first", "second"}[i]
		r.Violations = append(r.Violations, Judge(name, told, w.ledger.truth, decided)...)
		r.Messages += len(told)
		for _, m := range told {
			for j := range m.Alerts {
				w.film = append(w.film, frame{m.At, m.Alerts[j].DocID, fmt.Sprintf("%s is told by %s: %s", name, m.ID, line(&m.Alerts[j]))})
				r.Told++
			}
		}
	}
	slices.SortStableFunc(w.film, func(a, b frame) int { return a.at.Compare(b.at) })
	r.film = w.film
	return r
}
