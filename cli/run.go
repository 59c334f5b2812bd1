package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"watchdog/board"
	"watchdog/cycle"
	"watchdog/history"
	"watchdog/notify/slack"
	"watchdog/outbox"
	"watchdog/store"
	"watchdog/watch"
	"watchdog/web"
)

// pruneEvery is how often what is older than the retention is deleted.
const pruneEvery = time.Hour

type runCommand struct {
	LogFormat string `enum:"text,json" default:"text" help:"text or json."`
}

// Run watches until the process is told to stop, then finishes what is in hand.
func (c *runCommand) Run(s *session) error {
	cfg, found, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	log := s.logger(c.LogFormat)
	defer deafen(log)()
	for _, d := range found {
		log.Warn("config lint", "place", fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column), "id", d.ID, "lint", d.Message)
	}
	d, err := s.openDaemon(plan{cfg}, log)
	if err != nil {
		return err
	}
	if err := d.listen(s.ctx, cfg); err != nil {
		return errors.Join(err, d.close())
	}
	return errors.Join(d.run(s.ctx), d.close())
}

// deafen keeps a SIGHUP from ending the daemon, until the returned function is called. It does
// not reload the config: that takes a restart, and says so.
func deafen(log *slog.Logger) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-hangups:
				log.Warn("the config is read at the start only: restart to have it read anew")
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(hangups); close(done) }
}

// daemon is everything that `run` keeps running.
type daemon struct {
	log       *slog.Logger
	store     *store.DB
	storeKind string
	readers   *readers
	servers   []watch.Server
	workers   []*outbox.Worker
	buttons   []*slack.Buttons
	retention time.Duration
	standing  standing
	history   *history.Recorder

	// What follows is of a daemon with a page only, but for loop.
	board *board.Board
	web   *web.Server
	loop  *watch.Loop
}

func (s *session) openDaemon(p plan, log *slog.Logger) (*daemon, error) {
	dsn, kind := p.Store, "sqlite"
	if len(p.Servers) > 0 && !slices.ContainsFunc(p.Servers, genuine) {
		dsn, kind = store.Memory, "memory" // a simulated server begins its story anew at each start
		log.Info("every server is simulated: what is remembered is kept in memory only")
	}
	if store.IsPostgres(dsn) {
		kind = "postgres"
	}
	kept, err := store.Open(s.ctx, dsn, store.Options{})
	if err != nil {
		return nil, err
	}
	d := &daemon{
		log: log, store: kept, storeKind: kind, retention: p.Retention, standing: standing{store: kept},
		history: history.NewRecorder(kept, log),
	}
	if d.workers, err = s.openWorkers(p.Sinks, kept, d.noted, log); err != nil {
		return nil, errors.Join(err, d.close())
	}
	d.openButtons(p.Sinks, p.Router, log)
	if d.readers, err = openReaders(p.Servers, p.Sources); err != nil {
		return nil, errors.Join(err, d.close())
	}
	for _, spec := range p.Servers {
		d.servers = append(d.servers, watch.Server{
			Name: spec.Name, Reader: d.readers.byName[spec.Name], Checks: p.checks(spec.Name),
			Doorbell: d.readers.byName[spec.Name],
		})
	}
	if len(p.Sinks) == 0 && p.Router != nil {
		log.Warn("nobody is told: no sink is in use")
	}
	for _, l := range p.LeftOut {
		log.Info("left out", "what", l.Kind, "name", l.Name, "why", l.Why)
	}
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
	if d.readers != nil {
		d.readers.close()
	}
	return d.store.Close()
}

// run returns when ctx has ended and everything has stopped, or when one part cannot go on.
func (d *daemon) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var running sync.WaitGroup
	opts := watch.Options{Ledger: d.store, Log: d.log, Standing: d.standing.read, Committed: d.committed, Reported: d.reported}
	var err error
	if d.loop, err = watch.New(ctx, d.servers, opts); err != nil {
		if ctx.Err() != nil {
			err = nil // it was told to stop before it began
		}
		return errors.Join(err, d.closePage())
	}
	errs := make(chan error, len(d.workers)+1)
	if d.web != nil {
		running.Go(func() {
			err := d.web.Run(ctx)
			if err != nil {
				stop(err)
			}
			errs <- err
		})
	}
	for _, w := range d.workers {
		running.Go(func() { errs <- w.Run(ctx) })
	}
	for _, b := range d.buttons {
		running.Go(func() { b.Run(ctx) })
	}
	running.Go(func() { d.prune(ctx) })
	running.Go(func() { d.history.Run(ctx) })
	d.log.Info("watching", "servers", len(d.servers), "sinks", len(d.workers))
	d.loop.Run(ctx)
	stop(nil)
	running.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	d.log.Info("stopped")
	return err
}

// committed wakes the workers that have something to send.
func (d *daemon) committed(o *cycle.Outcome) {
	if len(o.Messages) > 0 {
		d.wake()
	}
}

func (d *daemon) wake() {
	for _, w := range d.workers {
		w.Wake()
	}
}

// prune deletes what is older than the retention, and parks what nobody sends, at the start and
// then every so often.
func (d *daemon) prune(ctx context.Context) {
	every := time.NewTicker(pruneEvery)
	defer every.Stop()
	for {
		d.park(ctx)
		n, err := d.store.Prune(ctx, time.Now().Add(-d.retention))
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
		}
	}
}
