package watch

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Loop watches servers. Make one with New, then call Run once.
type Loop struct {
	opts   Options
	owners atomic.Pointer[[]*owner]
	next   chan []*owner     // to Run
	parted map[string]*owner // of Reload: those that were let go and may still be at work
}

// New loads what is remembered of each server, and reports it. An error means that one could not
// be loaded: then nothing must be watched. With Options.Hold that is done when a server is held.
func New(ctx context.Context, servers []Server, opts Options) (*Loop, error) {
	l := &Loop{opts: opts, next: make(chan []*owner), parted: map[string]*owner{}}
	owners, err := l.ownersOf(ctx, servers)
	if err != nil {
		return nil, err
	}
	l.owners.Store(&owners)
	return l, nil
}

// Run watches until ctx ends. Each check runs at once, and then by its schedule and when the
// server's doorbell rings. It returns only after all that it started has returned; a commit that
// is under way when ctx ends is finished.
func (l *Loop) Run(ctx context.Context) {
	var running sync.WaitGroup
	start := func(owners []*owner) {
		for _, o := range owners {
			running.Go(func() { o.run(ctx) })
		}
	}
	owners := *l.owners.Load()
	start(owners)
	for ctx.Err() == nil {
		select {
		case next := <-l.next:
			for _, o := range owners {
				close(o.leave)
			}
			owners = next
			start(owners)
		case <-ctx.Done():
		}
	}
	running.Wait()
}

// Reload makes a running loop watch these servers in place of those before, as New would: an
// error changes nothing. Of a server that stays, what is remembered goes on in memory (with
// Options.Hold in the ledger), and a look
// or a decision in hand is finished by the check that began it; a server that is left out is let
// go likewise, and what is remembered of it stays in the ledger. Then every check comes due. It
// waits for none of this. One goroutine at a time may call it, while Run runs.
func (l *Loop) Reload(ctx context.Context, servers []Server) error {
	next, err := l.ownersOf(ctx, servers)
	if err != nil {
		return err
	}
	select {
	case l.next <- next:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, o := range *l.owners.Swap(&next) {
		l.parted[o.name] = o
	}
	for _, o := range next {
		delete(l.parted, o.name)
	}
	maps.DeleteFunc(l.parted, func(_ string, o *owner) bool { return o.ended() })
	return nil
}

// ownersOf makes the owners of servers. One that succeeds another takes over what that remembers;
// all others load it.
func (l *Loop) ownersOf(ctx context.Context, servers []Server) ([]*owner, error) {
	owners := make([]*owner, 0, len(servers))
	for _, s := range servers {
		if before := l.atWork(s.Name); before != nil {
			o := newOwner(s, nil, l.opts)
			o.before, o.pulse = before, before.pulse
			owners = append(owners, o)
			continue
		}
		if l.opts.Hold != nil {
			owners = append(owners, newOwner(s, nil, l.opts))
			continue
		}
		state, err := l.opts.Ledger.Load(ctx, s.Name)
		if err != nil {
			return nil, fmt.Errorf("load what is remembered of server %s: %w", s.Name, err)
		}
		o := newOwner(s, state, l.opts)
		o.report(nil, &Report{})
		owners = append(owners, o)
	}
	return owners, nil
}

// atWork is the owner of a server, nil when there is none. One that was let go and has ended has
// left all it knew in the ledger.
func (l *Loop) atWork(server string) *owner {
	if o := l.parted[server]; o != nil && !o.ended() {
		return o
	}
	owners := l.owners.Load()
	if owners == nil {
		return nil
	}
	for _, o := range *owners {
		if o.name == server {
			return o
		}
	}
	return nil
}

// ComeDue makes a check run as soon as its server is not being read, whatever its schedule; false
// when there is no such check. It may be called at any time by anyone, and does not wait.
func (l *Loop) ComeDue(server, check string) bool {
	for _, o := range *l.owners.Load() {
		for i := range o.checks {
			if o.name == server && o.checks[i].Name == check {
				o.comeNow(i)
				return true
			}
		}
	}
	return false
}

// Heed makes each server decide anew by what people have said, as soon as it is not being read.
// It may be called at any time by anyone, and does not wait.
func (l *Loop) Heed() {
	for _, o := range *l.owners.Load() {
		o.heed()
	}
}

// Hung are the servers whose owner has said nothing for longer than anything it does may take:
// what is due there is not decided. It may be called at any time by anyone.
func (l *Loop) Hung(now time.Time) []string {
	var hung []string
	for _, o := range *l.owners.Load() {
		if o.pulse.missed(now) {
			hung = append(hung, o.name)
		}
	}
	return hung
}
