package cli

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"watchdog/board"
	"watchdog/cycle"
	"watchdog/heartbeat"
	"watchdog/history"
	"watchdog/lease"
	"watchdog/store"
	"watchdog/systemd"
	"watchdog/watch"
	"watchdog/web"
	"watchdog/web/gate"
)

// pruneEvery is how often what is older than the retention is deleted.
const pruneEvery = time.Hour

// gcPercent is by how many percent of what is in use the heap may grow before garbage is collected,
// where GOGC does not say otherwise: Go's own 100 doubles what a daemon takes that remembers much
// and rests most of the time. What it costs is measured in docs/performance.md.
const gcPercent = 25

type runCommand struct {
	LogFormat string `enum:"text,json" default:"text" help:"text or json."`
}

// Run watches until the process is told to stop, then finishes what is in hand.
func (c *runCommand) Run(s *session) error {
	if _, set := s.Env("GOGC"); !set {
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	from := &source{session: s}
	cfg, found := from.read()
	if cfg == nil {
		return s.badConfig(found)
	}
	reloader := newReloader(from)
	defer reloader.close()
	log := s.logger(c.LogFormat)
	logLints(log, found)
	d, err := s.openDaemon(plan{cfg}, log)
	switch {
	case err != nil && s.ctx.Err() != nil:
		return nil // it was told to stop before it began
	case err != nil:
		return err
	}
	d.reloader, d.systemd = reloader, systemd.New(s.Env)
	if err := d.listen(s.ctx); err != nil {
		return errors.Join(err, d.close())
	}
	return errors.Join(d.run(s.ctx), d.close())
}

// daemon is everything that `run` keeps running.
type daemon struct {
	session   *session
	log       *slog.Logger
	dsn       string // of the store
	store     *store.DB
	keeper    *lease.Keeper // nil, as the two that follow: this process has the store to itself
	elsewhere *elsewhere
	teller    *teller
	storeKind string
	now       atomic.Pointer[setup] // of the config that is in use
	senders   senders
	hearing   sync.WaitGroup // what hears buttons
	standing  standing
	history   *history.Recorder
	board     *board.Board
	loop      *watch.Loop
	heart     *heartbeat.Heart
	systemd   systemd.Notifier
	reloader  *reloader // nil: the config does not change

	// Of a daemon with a page only.
	web  *web.Server
	http gate.Spec // where it listens, as at the start
	gate gate.Spec // who may come in, as it is now
}

func (s *session) openDaemon(p plan, log *slog.Logger) (*daemon, error) {
	dsn, kind := p.dsn()
	if dsn == store.Memory && p.Store != dsn {
		log.Info("every server is simulated: what is remembered is kept in memory only")
	}
	kept, err := store.Open(s.ctx, dsn, store.Options{})
	if err != nil {
		return nil, err
	}
	d := &daemon{
		session: s, log: log, dsn: dsn, store: kept, storeKind: kind, standing: standing{store: kept},
		history: history.NewRecorder(kept, log), board: board.New(p.shown()), http: p.HTTP, gate: p.HTTP,
	}
	if d.keeper = newKeeper(kept, dsn, p.Lease, log); d.keeper != nil {
		d.elsewhere, d.teller = newElsewhere(d), newTeller(d)
	}
	d.heart = d.newHeart()
	first, err := d.prepare(p, nil)
	if err != nil {
		return nil, errors.Join(err, d.store.Close())
	}
	first.readers.introduce()
	d.now.Store(first)
	d.remarks(p)
	return d, nil
}

// closePage gives the page's address back where nothing was served.
func (d *daemon) closePage() error {
	if d.web == nil {
		return nil
	}
	return d.web.Close()
}

func (d *daemon) close() error {
	d.now.Load().readers.close()
	return d.store.Close()
}

// run returns when ctx has ended and everything has stopped, or when one part cannot go on.
func (d *daemon) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var running sync.WaitGroup
	first := d.now.Load()
	opts := watch.Options{Ledger: d.store, Log: d.log, Standing: d.standing.read, Committed: d.committed, Reported: d.reported, Hold: d.holdServer()}
	var err error
	if d.loop, err = watch.New(ctx, first.servers, opts); err != nil {
		if ctx.Err() != nil {
			err = nil // it was told to stop before it began
		}
		return errors.Join(err, d.closePage())
	}
	var served error
	if d.web != nil {
		running.Go(func() {
			if served = d.web.Run(ctx); served != nil {
				stop(served)
			}
		})
	}
	if d.keeper != nil {
		running.Go(func() { d.keeper.Run(ctx) })
		running.Go(func() { d.store.Listen(ctx, d.heard) })
		running.Go(func() { d.elsewhere.run(ctx) })
		running.Go(func() { d.teller.run(ctx) })
	}
	running.Go(func() { d.prune(ctx) })
	running.Go(func() { d.history.Run(ctx) })
	running.Go(func() { d.heart.Run(ctx) })
	running.Go(func() { d.tellSystemd(ctx) })
	running.Go(func() {
		d.park(ctx) // what waits for a sink that is back counts as queued now, before it is sent
		d.senders.run(ctx, first.senders, d.holdSink)
		d.hear(ctx, nil, first.ears)
		if d.reloader != nil {
			d.followConfig(ctx)
		}
	})
	d.log.Info("watching", "servers", len(first.servers), "sinks", len(first.senders))
	d.loop.Run(ctx)
	stop(nil)
	running.Wait()
	d.hearing.Wait()
	err = errors.Join(served, d.senders.wait())
	d.log.Info("stopped")
	return err
}

// committed wakes the workers that have something to send.
func (d *daemon) committed(o *cycle.Outcome) {
	if len(o.Messages) > 0 {
		d.senders.wake()
	}
}

// prune deletes what is older than the retention, at the start and then every so often, when it
// also parks what nobody sends.
func (d *daemon) prune(ctx context.Context) {
	every := time.NewTicker(pruneEvery)
	defer every.Stop()
	for {
		n, err := d.store.Prune(ctx, time.Now().Add(-d.now.Load().Retention))
		switch {
		case err != nil && ctx.Err() == nil:
			d.log.Error("old rows could not be deleted", "err", err)
		case n > 0:
			d.log.Info("old rows deleted", "rows", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			d.park(ctx)
		}
	}
}
