package cli

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"watchdog/lease"
	"watchdog/snapshot"
	"watchdog/store"
)

// tellEvery is how often is written down what is new.
const tellEvery = time.Second

// teller writes down what this replica sees, for the pages of the others. Where there are none it
// writes nothing.
type teller struct {
	daemon *daemon

	mu  sync.Mutex // guards due
	due map[string]bool

	written map[string]written // of run, by server
	failing bool               // of run: the last time did not work, which was said
}

// written are the replications that were written in a tenure.
type written struct {
	lease lease.Lease
	rows  *snapshot.Snapshot
}

func newTeller(d *daemon) *teller {
	return &teller{daemon: d, due: map[string]bool{}, written: map[string]written{}}
}

// seen says that there is something new of a server. Anyone may call it.
func (t *teller) seen(server string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due[server] = true
}

// run writes what is new until ctx ends. What cannot be written is written later, as it is then.
func (t *teller) run(ctx context.Context) {
	every := time.NewTicker(tellEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
		if len(t.daemon.keeper.Live()) < 2 {
			continue
		}
		t.note(ctx, t.tell(ctx))
	}
}

// tell writes one server after the other.
func (t *teller) tell(ctx context.Context) error {
	t.mu.Lock()
	due := slices.Sorted(maps.Keys(t.due))
	clear(t.due)
	t.mu.Unlock()
	for i, server := range due {
		err := t.tellOne(ctx, server)
		if err == nil || errors.Is(err, lease.ErrLost) {
			continue
		}
		for _, later := range due[i:] {
			t.seen(later)
		}
		return err
	}
	return nil
}

func (t *teller) tellOne(ctx context.Context, server string) error {
	d := t.daemon
	held, ours := d.keeper.Lease(serverLease + server)
	view := d.board.Server(server)
	if !ours || view == nil || view.Elsewhere {
		delete(t.written, server)
		return nil
	}
	var before *snapshot.Snapshot
	if last := t.written[server]; last.lease == held {
		before = last.rows
	}
	sight, err := view.Sight(d.keeper.Replica(), before)
	if sight == nil || err != nil {
		return err
	}
	ctx, done := context.WithTimeout(ctx, storeTimeout)
	defer done()
	if err := d.store.PutSight(ctx, held, server, &store.Sight{Head: sight.Head, Parts: sight.Parts}); err != nil {
		delete(t.written, server) // it may be written, or not
		return err
	}
	t.written[server] = written{held, view.Seen}
	return nil
}

// note logs the first failure in a row.
func (t *teller) note(ctx context.Context, err error) {
	if err != nil && !t.failing && ctx.Err() == nil {
		t.daemon.log.Warn("other replicas do not see what this one does", "err", err)
	}
	t.failing = err != nil
}
