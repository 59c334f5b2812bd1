package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"watchdog/cycle"
	"watchdog/lease"
	"watchdog/store"
	"watchdog/watch"
)

// storeTimeout is how long the store may take for what the page does without.
const storeTimeout = 5 * time.Second

// What replicas share is leased under these names.
const (
	serverLease = "server/" // who watches it
	sinkLease   = "sink/"   // who sends to it, within its rate limit
	earLease    = "ear/"    // who hears its buttons
)

// newKeeper is what shares the work with other replicas; nil where the store is this process's
// alone.
func newKeeper(kept *store.DB, dsn string, lives time.Duration, log *slog.Logger) *lease.Keeper {
	if !store.IsPostgres(dsn) {
		return nil
	}
	name := replicaName()
	return lease.NewKeeper(lease.Options{Replica: name, Table: kept, Lease: lives, Log: log.With("replica", name)})
}

// replicaName names this process, unlike any other and any before it.
func replicaName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:6]))
}

// hold calls work while this replica holds a name: at once and until ctx ends where there are no
// others.
func (d *daemon) hold(ctx context.Context, name string, work func(ctx context.Context)) {
	if d.keeper == nil {
		work(ctx)
		return
	}
	d.keeper.Hold(ctx, name, func(ctx context.Context, _ lease.Lease) { work(ctx) })
}

// holdSink is hold for a sink. What the replica before had in hand when it failed is sent again.
func (d *daemon) holdSink(ctx context.Context, sink string, work func(ctx context.Context)) {
	if d.keeper == nil {
		work(ctx)
		return
	}
	d.keeper.Hold(ctx, sinkLease+sink, func(ctx context.Context, l lease.Lease) {
		if err := d.store.VoidClaims(ctx, l, sink); err != nil && ctx.Err() == nil {
			d.log.Warn("what another replica had in hand waits until its claims run out", "sink", sink, "err", err)
		}
		work(ctx)
	})
}

// holdServer is watch.Options.Hold of a daemon that is one of several; nil where it is not.
func (d *daemon) holdServer() func(context.Context, string, func(context.Context, watch.Ledger)) {
	if d.keeper == nil {
		return nil
	}
	return func(ctx context.Context, server string, work func(context.Context, watch.Ledger)) {
		d.keeper.Hold(ctx, serverLease+server, func(ctx context.Context, l lease.Lease) {
			work(ctx, &fenced{d.store.Held(l), d.keeper, l})
		})
	}
}

// fenced is the ledger of one tenure. That it is over is said to the keeper by who notices first.
type fenced struct {
	held   *store.Held
	keeper *lease.Keeper
	lease  lease.Lease
}

func (f *fenced) Load(ctx context.Context, server string) (*cycle.State, error) {
	state, err := f.held.Load(ctx, server)
	return state, f.noticed(err)
}

func (f *fenced) Commit(ctx context.Context, o *cycle.Outcome) error {
	return f.noticed(f.held.Commit(ctx, o))
}

func (f *fenced) noticed(err error) error {
	if errors.Is(err, lease.ErrLost) {
		f.keeper.Lost(f.lease)
	}
	return err
}

// comeDue makes a check run now, by whatever replica watches the server; false when there is none.
func (d *daemon) comeDue(server, check string) bool {
	if !d.loop.ComeDue(server, check) {
		return false
	}
	if d.keeper != nil && !slices.Contains(d.keeper.Held(), serverLease+server) {
		ctx, done := context.WithTimeout(context.Background(), storeTimeout)
		defer done()
		if err := d.store.Tell(ctx, store.CheckDue(server, check)); err != nil {
			d.log.Warn("the replica that watches a server was not asked to", "server", server, "check", check, "err", err)
		}
	}
	return true
}

// heard is what other replicas tell: wake what may have something to do.
func (d *daemon) heard(topic store.Topic) {
	server, check, asked := topic.CheckDue()
	switch {
	case asked:
		d.loop.ComeDue(server, check)
	case topic == store.MessagesQueued:
		d.senders.wake()
	case topic == store.LeasesChanged:
		d.keeper.Look()
	case topic == store.SightsChanged:
		d.elsewhere.look()
	default: // some of what was told may have been missed
		d.senders.wake()
		d.keeper.Look()
		d.elsewhere.look()
	}
}

// onceLease is how long what looks once holds its servers, should it be killed.
const onceLease = 5 * time.Minute

// seized is the ledger of what looks once, by server.
type seized map[string]*store.Held

func (s seized) Load(ctx context.Context, server string) (*cycle.State, error) {
	return s[server].Load(ctx, server)
}

func (s seized) Commit(ctx context.Context, o *cycle.Outcome) error {
	return s[o.Server].Commit(ctx, o)
}

// seize takes all servers for one look, and gives the ledger for it and what leaves them. It is
// refused while replicas watch one of them: they have told what there is to tell.
func (d *daemon) seize(ctx context.Context) (watch.Ledger, func(context.Context) error, error) {
	if d.keeper == nil {
		return d.store, func(context.Context) error { return nil }, nil
	}
	me := replicaName()
	leave := func(ctx context.Context) error { return d.store.Leave(context.WithoutCancel(ctx), me) }
	if _, err := d.store.Renew(ctx, me, onceLease); err != nil {
		return nil, nil, err
	}
	var names []string
	for _, s := range d.now.Load().servers {
		names = append(names, serverLease+s.Name)
	}
	taken, err := d.store.Take(ctx, me, names)
	if err == nil && len(taken) < len(names) {
		err = fmt.Errorf("%d of %d servers are watched by replicas; look without --notify, or stop them", len(names)-len(taken), len(names))
	}
	if err != nil {
		return nil, nil, errors.Join(err, leave(ctx))
	}
	ledger := seized{}
	for _, l := range taken {
		ledger[strings.TrimPrefix(l.Name, serverLease)] = d.store.Held(l)
	}
	return ledger, leave, nil
}
