// Package watch is the loop of the daemon: checks come due by their schedules, servers are
// read, decisions are taken and committed.
//
// # Promises
//
// Servers are read in parallel; what is seen of one server is decided serially, by the one
// goroutine that owns its state. Checks of one server never overlap: one that comes due while
// another runs waits, and one that comes due twice runs once. What is watched may change while the loop runs: looks and decisions in hand are finished
// as they began, and what comes after goes on from what they left.
//
// What is decided is committed in the order in which it was decided. What cannot be committed
// waits in memory, and deciding goes on from there, so that nothing is lost or decided twice when
// the ledger is away for a while; nobody is told of it before it is committed. Where too much
// waits no more is decided, until it is committed: that is reported as a gap.
//
// # Not promised
//
// A check at each tick: a server that answers more slowly than its schedule asks is read as
// often as it can be. That what waits in memory outlives the process, or the loss of the server to
// another: then it is decided anew, by whoever looks next.
//
// # Testing
//
// With a reader and a ledger in memory inside a testing/synctest bubble, at exact instants.
package watch

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"watchdog/cycle"
	"watchdog/snapshot"
)

// Reader reads one server.
type Reader interface {
	// Read takes one look. It never fails as a whole: what could not be read is a gap. prev is
	// the look before, nil at first.
	Read(ctx context.Context, at time.Time, prev *snapshot.Snapshot) *snapshot.Snapshot
	// Ask asks for one replication that a look did not show.
	Ask(ctx context.Context, key snapshot.Key) (snapshot.Answer, error)
}

// Doorbell tells at once that something happened at a server, before a check comes due.
type Doorbell interface {
	// Listen calls ring whenever there is something to look at, not too often, until ctx ends.
	// It tells trouble what it cannot listen to: the schedule sees that as ever.
	Listen(ctx context.Context, ring func(), trouble func(error))
}

// Ledger keeps what is remembered.
type Ledger interface {
	// Load is what is remembered of a server, from its last commit.
	Load(ctx context.Context, server string) (*cycle.State, error)
	// Commit stores an outcome, all or nothing.
	Commit(ctx context.Context, o *cycle.Outcome) error
}

// Server is one server and the checks that watch it.
type Server struct {
	Name   string
	Reader Reader
	Checks []Check
	// Doorbell makes all checks come due when it rings, without jitter. Nil: there is none.
	Doorbell Doorbell
}

// Check is one check of one server.
type Check struct {
	Name     string
	Schedule cron.Schedule
	// Timeout bounds one look; what is not read by then is a gap. 0 means no bound.
	Timeout time.Duration
	// Jitter delays each look but the first by a random time below it, so that many servers
	// are not asked in the same instant.
	Jitter time.Duration
	Cycle  *cycle.Cycle
}

// Options are what the loop needs beside the servers.
type Options struct {
	Ledger Ledger
	// Hold calls work whenever a server is this process's to watch, with the ledger of that tenure,
	// and returns when ctx has ended and work has returned. The context of work ends when the
	// tenure does, of which a ledger that refuses a commit may be the first to know. Nil: every
	// server is this process's alone, with Ledger.
	Hold func(ctx context.Context, server string, work func(ctx context.Context, ledger Ledger))
	Log  *slog.Logger
	// Standing gives what people have said, before each decision, as of so long ago at the
	// earliest: the same pointer as long as nothing has changed. Nil is fine: nobody says anything.
	Standing func(ctx context.Context, age time.Duration) (*cycle.Standing, error)
	// Committed is called after each commit, by the goroutine that owns the server: it must be
	// quick. Nil is fine.
	Committed func(*cycle.Outcome)
	// Reported is called after each check, whatever became of it, by the goroutine that owns the
	// server: it must be quick. Nil is fine.
	Reported func(*Report)
}

// Run loads what is remembered and watches the servers until ctx ends: New and Loop.Run.
func Run(ctx context.Context, servers []Server, opts Options) error {
	l, err := New(ctx, servers, opts)
	if err != nil {
		return err
	}
	l.Run(ctx)
	return nil
}

// Once runs each check of each server once, servers in parallel, and returns what is then
// remembered, in the order of the servers.
func Once(ctx context.Context, servers []Server, opts Options) ([]Seen, error) {
	seen := make([]Seen, len(servers))
	errs := make([]error, len(servers))
	var running sync.WaitGroup
	for i, s := range servers {
		running.Go(func() {
			state, err := opts.Ledger.Load(ctx, s.Name)
			if err != nil {
				errs[i] = fmt.Errorf("load what is remembered of server %s: %w", s.Name, err)
				return
			}
			o := newOwner(s, state, opts)
			for c := range o.checks {
				errs[i] = o.check(ctx, &o.checks[c])
			}
			seen[i] = Seen{Server: s.Name, State: o.state, Snapshot: o.last}
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return seen, err
		}
	}
	return seen, nil
}

// Seen is what Once saw of one server. Snapshot is nil when it has no check.
type Seen struct {
	Server   string
	State    *cycle.State
	Snapshot *snapshot.Snapshot
}
