package cli

import (
	"context"
	"slices"
	"sync"
	"time"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/lease"
	"watchdog/store"
)

const (
	// elsewhereEvery is how often the page looks at what other replicas see, if none tells that there
	// is something new; elsewhereRest is between two looks.
	elsewhereEvery = 5 * time.Second
	elsewhereRest  = time.Second
	// rowsKept is for how long the replications of other replicas' servers are kept after somebody
	// looked at them: a row takes some hundred bytes, and there may be a million.
	rowsKept = 10 * time.Minute
)

// elsewhere shows on the page of this replica what others watch, as they have written it down. It
// is web.Replicas too.
type elsewhere struct {
	daemon *daemon
	poke   chan struct{} // of one: look soon

	mu    sync.Mutex // guards what follows
	known map[string]*distant
	asked time.Time // when somebody last wanted to see replications
	shown time.Time // when they were last brought up to date, whatever came of it
}

// distant is a server that another replica watches.
type distant struct {
	board.Distant
	revision, rows int64 // of the sight, and of its replications: 0: none are known
}

func newElsewhere(d *daemon) *elsewhere {
	return &elsewhere{daemon: d, poke: make(chan struct{}, 1), known: map[string]*distant{}}
}

// Name is that of this replica.
func (e *elsewhere) Name() string { return e.daemon.keeper.Replica() }

// Live are the replicas that live, this one included.
func (e *elsewhere) Live() []string { return e.daemon.keeper.Live() }

// Held are the leases that this replica holds.
func (e *elsewhere) Held() []string { return e.daemon.keeper.Held() }

// Roster is who holds what.
func (e *elsewhere) Roster(ctx context.Context) (*lease.Roster, error) {
	return e.daemon.store.Roster(ctx)
}

// Show brings the board up to date, with the replications where they are asked for. Many who ask at
// once are one.
func (e *elsewhere) Show(ctx context.Context, rows bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if rows {
		e.asked = time.Now()
	}
	if time.Since(e.shown) >= elsewhereRest {
		e.try(ctx)
	}
}

// look makes the board be brought up to date soon. It never blocks.
func (e *elsewhere) look() {
	select {
	case e.poke <- struct{}{}:
	default:
	}
}

// run keeps the board up to date until ctx ends.
func (e *elsewhere) run(ctx context.Context) {
	every := time.NewTicker(elsewhereEvery)
	defer every.Stop()
	for {
		e.mu.Lock()
		e.try(ctx)
		e.mu.Unlock()
		select {
		case <-every.C:
		case <-e.poke:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(elsewhereRest):
		case <-ctx.Done():
			return
		}
	}
}

// try is bring, and says what went wrong. The caller holds the lock.
func (e *elsewhere) try(ctx context.Context) {
	asking, done := context.WithTimeout(ctx, storeTimeout)
	defer done()
	if err := e.bring(asking); err != nil && ctx.Err() == nil {
		e.daemon.log.Warn("what other replicas watch cannot be read", "err", err)
	}
	e.shown = time.Now()
}

// bring shows what is new.
func (e *elsewhere) bring(ctx context.Context) error {
	d := e.daemon
	alerts, err := d.store.Alerts(ctx)
	if err != nil {
		return err
	}
	revisions, err := d.store.Sights(ctx)
	if err != nil {
		return err
	}
	byServer := map[string][]alert.Alert{}
	for _, a := range alerts {
		byServer[a.Server] = append(byServer[a.Server], a)
	}
	held := d.keeper.Held()
	for _, s := range d.now.Load().servers {
		if _, ours := slices.BinarySearch(held, serverLease+s.Name); ours {
			delete(e.known, s.Name)
			continue
		}
		one, err := e.read(ctx, s.Name, revisions[s.Name])
		if err != nil {
			return err
		}
		change, changed := d.board.Elsewhere(s.Name, byServer[s.Name], &one.Distant)
		if changed && d.web != nil {
			d.web.Publish(change)
		}
	}
	return nil
}

// read brings what is known of a server to a revision of its sight.
func (e *elsewhere) read(ctx context.Context, server string, revision int64) (*distant, error) {
	one := e.known[server]
	if one == nil {
		one = &distant{}
		e.known[server] = one
	}
	wanted := time.Since(e.asked) < rowsKept
	if !wanted && one.rows > 0 {
		one.Forget()
		one.rows = 0
	}
	if revision == 0 || one.revision == revision && (!wanted || one.rows == revision) {
		return one, nil
	}
	sight, err := e.daemon.store.Sight(ctx, server, wanted, one.rows)
	if err != nil || sight.Revision == 0 {
		return one, err
	}
	err = one.take(sight, wanted)
	return one, err
}

func (o *distant) take(s *store.Sight, rows bool) error {
	o.revision = s.Revision
	if rows {
		o.rows = s.Revision
	}
	return o.Take(&board.Sight{Head: s.Head, Parts: s.Parts})
}
