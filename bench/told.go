package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"watchdog/scheduler/couchtest"
)

// blow is what happens to a replication.
type blow func(*couchtest.Replication)

func fails(r *couchtest.Replication)   { r.Fail("duplicate of another document") }
func crashes(r *couchtest.Replication) { r.Crash("db_not_found: could not open orders") }

// told measures how long it takes from a change on the server to the webhook at the receiver.
func (b *bench) told(ctx context.Context) (string, error) {
	r, err := newReceiver(ctx)
	if err != nil {
		return "", err
	}
	defer r.stop()
	schedule := pick(b, 2*time.Second, time.Second)
	t := newTable("what happens, and how it is seen", "replications", "least", "median", "99 of 100")
	drawn := chart{title: "From a change on the server to the webhook (ms)", x: "replications", logX: true, logY: true}
	for _, how := range []struct {
		name     string
		doorbell bool
		happens  blow
		gather   func(*bench, context.Context, *fleet, *receiver, blow) ([]time.Duration, error)
		goal     string
		most     time.Duration
	}{
		{"a failure, by the doorbell, checks once an hour", true, fails, (*bench).oneByOne, "a failure is told, by the doorbell, 99 of 100 within 100 ms", 100 * time.Millisecond},
		{fmt.Sprintf("a failure, without it, checks every %s", schedule), false, fails, (*bench).atRandom, "", 0},
		{fmt.Sprintf("a crash, checks every %s", schedule), true, crashes, (*bench).atRandom, "a crash is told within the schedule and 250 ms", schedule + 250*time.Millisecond},
	} {
		line := series{name: how.name}
		for _, size := range pick(b, []int{150, 2000, 20_000}, []int{150}) {
			every := schedule
			if how.goal != "" && how.doorbell && how.most < schedule {
				every = time.Hour
			}
			took, err := b.tell(ctx, r, size, watching{schedule: every, doorbell: how.doorbell}, how.happens, how.gather)
			if err != nil {
				return "", err
			}
			p99 := took[len(took)*99/100]
			t.row(how.name, count(size), millis(took[0]), millis(took[len(took)/2]), millis(p99))
			line.points = append(line.points, point{float64(size), float64(p99.Microseconds()) / 1000})
			if how.goal != "" {
				b.goals = append(b.goals, goal{fmt.Sprintf("%s, %s replications", how.goal, count(size)), millis(p99), p99 <= how.most})
			}
		}
		drawn.series = append(drawn.series, line)
	}
	picture, err := b.draw("told", drawn)
	return t.String() + picture, err
}

func millis(d time.Duration) string { return short(float64(d.Microseconds())/1000) + " ms" }

// tell lets things happen to a server of a size that the daemon watches, and gives how long each
// took to be told, the shortest first.
func (b *bench) tell(
	ctx context.Context, r *receiver, size int, w watching, happens blow,
	gather func(*bench, context.Context, *fleet, *receiver, blow) ([]time.Duration, error),
) ([]time.Duration, error) {
	f, err := newFleet(ctx, size)
	if err != nil {
		return nil, err
	}
	defer f.stop()
	w.server, w.receiver = f.url, r.url
	d, err := b.watch(ctx, w)
	if err != nil {
		return nil, err
	}
	defer d.stop()
	if _, err := d.ran(ctx, 1, 100*time.Millisecond); err != nil {
		return nil, err
	}
	if w.schedule < time.Minute { // not while the first looks are taken
		if _, err := d.ran(ctx, pick(b, 3, 1), w.schedule/4); err != nil {
			return nil, err
		}
	}
	r.forget()
	f.Doc("_replicator", doc(0)).Complete() // the doorbell hangs when this is seen
	took, err := gather(b, ctx, f, r, happens)
	slices.Sort(took)
	return took, err
}

// forget lets every replication be told of anew.
func (r *receiver) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.told)
}

// oneByOne lets one replication after the other have its blow, each after a rest that is longer
// than the doorbell's: none waits for the one before.
func (b *bench) oneByOne(ctx context.Context, f *fleet, r *receiver, happens blow) ([]time.Duration, error) {
	var all []time.Duration
	for i := range pick(b, 100, 3) {
		if err := rest(ctx, 300*time.Millisecond); err != nil {
			return nil, err
		}
		began := time.Now()
		happens(f.Doc("_replicator", doc(i+1)))
		took, err := r.await(ctx, doc(i+1), began)
		if err != nil {
			return nil, err
		}
		all = append(all, took)
	}
	return all, nil
}

// atRandom spreads the blows over a span, at random instants: the schedule knows nothing of them.
func (b *bench) atRandom(ctx context.Context, f *fleet, r *receiver, happens blow) ([]time.Duration, error) {
	n, span := pick(b, 100, 3), pick(b, 10*time.Second, time.Second)
	took, errs := make([]time.Duration, n), make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		at := rand.N(span) //nolint:gosec // no secret
		running.Go(func() {
			if errs[i] = rest(ctx, at); errs[i] != nil {
				return
			}
			began := time.Now()
			happens(f.Doc("_replicator", doc(i+1)))
			took[i], errs[i] = r.await(ctx, doc(i+1), began)
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}

// rest waits.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
