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

// way is something that happens, how Watchdog sees it, and on servers of which sizes.
type way struct {
	name     string
	sizes    []int
	schedule time.Duration
	doorbell bool
	happens  blow
	gather   func(*bench, context.Context, *fleet, *receiver, blow) ([]time.Duration, error)
	goal     string        // "": none
	most     time.Duration // of 99 of 100
}

// told measures how long it takes from a failure on the server to the webhook at the receiver, by
// the doorbell alone.
func (b *bench) told(ctx context.Context) (string, error) {
	t, _, err := b.ways(ctx, way{
		name: "a failure, by the doorbell, checks once an hour", sizes: pick(b, []int{150, 2000}, []int{150}),
		schedule: time.Hour, doorbell: true, happens: fails, gather: (*bench).oneByOne,
		goal: "a failure is told, by the doorbell, 99 of 100 within 100 ms", most: 100 * time.Millisecond,
	})
	return t, err
}

// seen measures the same of what only the schedule sees.
func (b *bench) seen(ctx context.Context) (string, error) {
	schedule, sizes := 2*time.Second, pick(b, []int{150, 2000, 20_000}, []int{150})
	t, lines, err := b.ways(ctx,
		way{
			name: "a failure, without the doorbell, checks every 2 s", sizes: pick(b, sizes, nil),
			schedule: schedule, happens: fails, gather: (*bench).atRandom,
		},
		way{
			name: "a crash, checks every 2 s", sizes: sizes,
			schedule: schedule, doorbell: true, happens: crashes, gather: (*bench).atRandom,
			goal: "a crash is told within the schedule (2 s) and 250 ms, 99 of 100", most: schedule + 250*time.Millisecond,
		})
	if err != nil {
		return "", err
	}
	picture, err := b.draw("seen", chart{title: "From a change on the server to the webhook: 99 of 100 (ms)", x: "replications", logX: true, logY: true, series: lines})
	return t + picture, err
}

// ways measures some, and gives a table and the lines of 99 of 100.
func (b *bench) ways(ctx context.Context, ways ...way) (string, []series, error) {
	r, err := newReceiver(ctx)
	if err != nil {
		return "", nil, err
	}
	defer r.stop()
	t := newTable("what happens, and how it is seen", "replications", "least", "median", "99 of 100")
	var lines []series
	for _, w := range ways {
		line := series{name: w.name}
		for _, size := range w.sizes {
			took, err := b.tell(ctx, r, size, w)
			if err != nil {
				return "", nil, err
			}
			p99 := took[most(len(took))]
			fmt.Fprintf(b.progress, "%s, %d replications: the last are %v\n", w.name, size, took[max(0, len(took)-5):])
			t.row(w.name, count(size), millis(took[0]), millis(took[len(took)/2]), millis(p99))
			line.points = append(line.points, point{float64(size), float64(p99.Microseconds()) / 1000})
			if w.goal != "" {
				b.goals = append(b.goals, goal{fmt.Sprintf("%s, %s replications", w.goal, count(size)), millis(p99), p99 <= w.most})
			}
		}
		lines = append(lines, line)
	}
	return t.String(), lines, nil
}

// most is the place, among n in order, of the one that 99 of 100 do not exceed.
func most(n int) int { return (n*99+99)/100 - 1 }

func millis(d time.Duration) string { return short(float64(d.Microseconds())/1000) + " ms" }

// tell lets things happen to a server of a size that the daemon watches, and gives how long each
// took to be told, the shortest first.
func (b *bench) tell(ctx context.Context, r *receiver, size int, w way) ([]time.Duration, error) {
	f, err := newFleet(ctx, size)
	if err != nil {
		return nil, err
	}
	defer f.stop()
	d, err := b.watch(ctx, watching{server: f.url, receiver: r.url, schedule: w.schedule, doorbell: w.doorbell})
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
	took, err := w.gather(b, ctx, f, r, w.happens)
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
		if err := rest(ctx, 200*time.Millisecond); err != nil {
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
