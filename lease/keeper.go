package lease

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// leaveWithin is how long a replica that ends tries to say so.
const leaveWithin = 3 * time.Second

// Options are what a Keeper needs. All must be given.
type Options struct {
	Replica string // unlike that of any other, also of this one's past
	Table   Table
	// Lease is how long a replica counts as living after it last said so. It says so three times
	// in that time.
	Lease time.Duration
	Log   *slog.Logger
}

// Keeper takes and gives back leases for one replica. Make one with NewKeeper, call Run once, and
// Hold for each name that the replica could work on.
//
// While the table cannot be reached what is held stays held: whoever writes is told by the table
// whether that is still so.
type Keeper struct {
	opt  Options
	poke chan struct{} // of one: look now

	renewed, settled time.Time // of Run: when the table last answered, and since when it does
	silent           bool      // of Run: the table does not answer, which was said

	mu    sync.Mutex // guards names and what they refer to, and live
	names map[string]*tenure
	live  []string // the replicas that lived at the last look
}

// tenure is a name that this replica wants, or holds.
type tenure struct {
	wanted int    // how many wait for it or work on it
	lease  *Lease // nil: it is not held
	taken  chan struct{}
	held   context.Context //nolint:containedctx // it lives as long as the lease
	end    context.CancelFunc
	busy   bool // somebody works on it
	over   bool // it is to be given back
}

// NewKeeper makes a keeper that does nothing until Run.
func NewKeeper(o Options) *Keeper {
	return &Keeper{opt: o, poke: make(chan struct{}, 1), names: map[string]*tenure{}}
}

// Look makes the keeper look at the table soon. It never blocks; anyone may call it.
func (k *Keeper) Look() {
	select {
	case k.poke <- struct{}{}:
	default:
	}
}

// Hold calls work whenever this replica holds a name, and returns when ctx has ended and work has
// returned. The context of work ends when the lease is lost, or is to be given back.
func (k *Keeper) Hold(ctx context.Context, name string, work func(ctx context.Context, l Lease)) {
	t := k.want(name)
	defer k.unwant(t)
	for {
		k.mu.Lock()
		taken, free := t.taken, t.lease != nil && !t.busy && !t.over
		var lease Lease
		var held context.Context
		if free {
			t.busy, lease, held = true, *t.lease, t.held
		}
		k.mu.Unlock()
		if !free {
			select {
			case <-taken:
				continue
			case <-ctx.Done():
				return
			}
		}
		working, stop := context.WithCancel(ctx)
		unlink := context.AfterFunc(held, stop)
		work(working, lease)
		unlink()
		stop()
		k.mu.Lock()
		t.busy = false
		t.free()
		k.mu.Unlock()
		k.Look()
		if ctx.Err() != nil {
			return
		}
	}
}

// free lets those look again who wait for a name.
func (t *tenure) free() {
	close(t.taken)
	t.taken = make(chan struct{})
}

func (k *Keeper) want(name string) *tenure {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.names[name]
	if t == nil {
		t = &tenure{taken: make(chan struct{})}
		k.names[name] = t
	}
	t.wanted++
	k.Look()
	return t
}

func (k *Keeper) unwant(t *tenure) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t.wanted--
}

// Lost says that the table refused a lease.
func (k *Keeper) Lost(l Lease) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.names[l.Name]; t != nil && t.lease != nil && *t.lease == l {
		k.log(l).Warn("refused: another replica has taken over")
		t.lose()
	}
	k.Look()
}

// log is for what becomes of a lease: who had what since when is read from these lines.
func (k *Keeper) log(l Lease) *slog.Logger { return k.opt.Log.With("lease", l.Name, "epoch", l.Epoch) }

func (t *tenure) lose() {
	t.end()
	t.lease, t.over = nil, false
}

// Held are the names that the replica holds, in order.
func (k *Keeper) Held() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var names []string
	for name, t := range k.names {
		if t.lease != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Replica is whose leases it keeps.
func (k *Keeper) Replica() string { return k.opt.Replica }

// Live are the replicas that lived when the table was last looked at, this one included.
func (k *Keeper) Live() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.live
}

// Lease is the one of a name that this replica holds; false when it holds none.
func (k *Keeper) Lease(name string) (Lease, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.names[name]; t != nil && t.lease != nil {
		return *t.lease, true
	}
	return Lease{}, false
}

// Run keeps leases until ctx ends, and until nobody works on one; then it leaves all.
func (k *Keeper) Run(ctx context.Context) {
	beat := time.NewTicker(k.opt.Lease / 3)
	defer beat.Stop()
	for ctx.Err() == nil || k.busy() {
		k.look(context.WithoutCancel(ctx), ctx.Err() != nil)
		select {
		case <-beat.C:
		case <-k.poke:
		case <-ctx.Done():
			select {
			case <-beat.C:
			case <-k.poke:
			}
		}
	}
	leaving, done := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer done()
	err := k.opt.Table.Leave(leaving, k.opt.Replica)
	if err != nil {
		k.opt.Log.Warn("others do not know yet that this replica has ended", "err", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range k.names {
		if t.lease == nil {
			continue
		}
		if err == nil {
			k.log(*t.lease).Info("lease given back")
		}
		t.lose()
	}
}

func (k *Keeper) busy() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range k.names {
		if t.busy {
			return true
		}
	}
	return false
}

// look renews, and takes and gives back what is due.
func (k *Keeper) look(ctx context.Context, ending bool) {
	ctx, done := context.WithTimeout(ctx, k.opt.Lease/3)
	defer done()
	seen, err := k.opt.Table.Renew(ctx, k.opt.Replica, k.opt.Lease)
	if err == nil {
		k.heard()
		err = k.reconcile(ctx, seen, ending)
	}
	switch {
	case err != nil && !k.silent:
		k.opt.Log.Warn("leases cannot be renewed", "err", err)
	case err == nil && k.silent:
		k.opt.Log.Info("leases are renewed again")
	}
	k.silent = err != nil
}

// heard notes that the table answers. When it did not, others may not have been heard either.
func (k *Keeper) heard() {
	now := time.Now()
	if k.silent || now.Sub(k.renewed) > k.opt.Lease {
		k.settled = now
	}
	k.renewed = now
}

func (k *Keeper) reconcile(ctx context.Context, seen *View, ending bool) error {
	k.forget(seen)
	wanted, idle := k.wanted()
	settled := time.Since(k.settled) >= k.opt.Lease/2
	take, give := Step(k.opt.Replica, wanted, seen, settled)
	if ending {
		take = nil
	}
	if len(take) > 0 {
		taken, err := k.opt.Table.Take(ctx, k.opt.Replica, take)
		if err != nil {
			return err
		}
		k.got(taken)
	}
	if back := k.give(append(give, idle...)); len(back) > 0 {
		return k.opt.Table.Return(ctx, back)
	}
	return nil
}

// forget ends the tenures that the table does not know any more.
func (k *Keeper) forget(seen *View) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.live = seen.Live
	for name, t := range k.names {
		if t.lease != nil && seen.Leases[name] != *t.lease {
			k.log(*t.lease).Warn("lease lost to another replica")
			t.lose()
		}
		if t.wanted == 0 && t.lease == nil {
			delete(k.names, name)
		}
	}
	// What the table gave and the answer got lost of.
	for name, l := range seen.Leases {
		if t := k.names[name]; l.Holder == k.opt.Replica && t != nil && t.lease == nil {
			k.begin(t, l)
		}
	}
}

// wanted are the names that somebody wants, in order, and idle those that are held for nobody.
func (k *Keeper) wanted() (wanted, idle []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(k.names)) {
		if k.names[name].wanted > 0 {
			wanted = append(wanted, name)
		} else {
			idle = append(idle, name)
		}
	}
	return wanted, idle
}

func (k *Keeper) got(taken []Lease) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range taken {
		if t := k.names[l.Name]; t != nil {
			k.begin(t, l)
		}
	}
}

func (k *Keeper) begin(t *tenure, l Lease) {
	k.log(l).Info("lease taken")
	t.lease, t.over = &l, false
	t.held, t.end = context.WithCancel(context.Background())
	t.free()
}

// give ends the work on these names, and gives the leases on which nobody works any more. What has
// begun to end ends, also when there would be room for it again.
func (k *Keeper) give(names []string) (back []Lease) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, name := range names {
		if t := k.names[name]; t != nil && t.lease != nil && !t.over {
			t.over = true
			t.end()
		}
	}
	for _, t := range k.names {
		if t.over && !t.busy {
			back = append(back, *t.lease)
			k.log(*t.lease).Info("lease given back")
			t.lose()
		}
	}
	return back
}
