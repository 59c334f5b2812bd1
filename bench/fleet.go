package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// fleetReplicas is how many daemons share the servers.
	fleetReplicas = 3
	// onTime is how late a check may begin that counts as one on time.
	onTime = time.Second
)

// shared is what watching many servers by several replicas costs.
type shared struct {
	servers   int
	elapsed   time.Duration
	checks    punctuality
	took      []time.Duration // from a failure to the receiver, the least first
	cpu       time.Duration   // of all replicas
	largest   int64           // bytes of memory, the most that one of them had since its start
	simulated time.Duration   // CPU of the simulated servers and of all else that this program does
	before    load
	after     load
}

// fleet measures three replicas on one PostgreSQL, as the servers grow that they share.
func (b *bench) fleet(ctx context.Context) (string, error) {
	db, err := newDatabase()
	if errors.Is(err, errAbsent) && os.Getenv("CI") == "" {
		return "PostgreSQL was not there, and this was left out.\n", nil
	}
	if err != nil {
		return "", err
	}
	defer db.stop()
	r, err := newReceiver(ctx)
	if err != nil {
		return "", err
	}
	defer r.stop()
	t := newTable("servers of 1,000 replications", "checks", "on time", "99 of 100 late by at most", "CPU of the replicas", "MB, the largest of them", "a failure is told: median", "99 of 100", "CPU of the servers")
	d := newTable("servers of 1,000 replications", "commits a second", "rows written a second", "kB of WAL a second", "CPU", "connections", "MB")
	for _, servers := range pick(b, []int{10, 100, 1000}, []int{5}) {
		s, err := b.watchCrowd(ctx, db, r, servers)
		if err != nil {
			return "", fmt.Errorf("%d servers: %w", servers, err)
		}
		seconds := s.elapsed.Seconds()
		core := func(cpu time.Duration) string { return short(cpu.Seconds()/seconds*100) + " %" }
		rate := func(n int64) string { return short(float64(n) / seconds) }
		punctual := s.checks.within(onTime)
		t.row(count(servers), count(len(s.checks.late)+s.checks.missed), fmt.Sprintf("%.2f %%", punctual*100), millis(s.checks.late[most(len(s.checks.late))]),
			core(s.cpu), megabytes(s.largest), millis(s.took[len(s.took)/2]), millis(s.took[most(len(s.took))]), core(s.simulated))
		d.row(count(servers), rate(s.after.commits-s.before.commits), rate(s.after.rows-s.before.rows), rate((s.after.wal-s.before.wal)/1000),
			core(s.after.cpu-s.before.cpu), count(s.after.connections), megabytes(s.after.size-s.before.size))
		if servers == 1000 {
			b.goals = append(b.goals, goal{"1,000 servers of 1,000 replications every 60 s by three replicas: 99 of 100 checks begin within a second", fmt.Sprintf("%.2f %%", punctual*100), punctual >= 0.99})
		}
	}
	return t.String() + "\n" + d.String(), nil
}

// watchCrowd lets replicas settle on a crowd, and measures them over three times the schedule
// while replications fail.
func (b *bench) watchCrowd(ctx context.Context, db *database, r *receiver, servers int) (*shared, error) {
	schedule := pick(b, time.Minute, time.Second)
	c, err := newCrowd(ctx, servers, pick(b, 1000, 20))
	if err != nil {
		return nil, err
	}
	defer c.stop()
	store, err := db.schema(ctx, fmt.Sprintf("fleet%d", servers))
	if err != nil {
		return nil, err
	}
	r.forget()
	all, err := b.share(ctx, fleetReplicas, store, c, r, schedule)
	if err != nil {
		return nil, err
	}
	defer all.stop()
	began := time.Now()
	if err := all.processes[0].await(ctx, "all was looked at twice", schedule/20, func() bool { return c.looked(2) }); err != nil {
		return nil, err
	}
	fmt.Fprintf(b.progress, "%d servers: all looked at twice after %s\n", servers, time.Since(began).Round(time.Millisecond))
	if err := rest(ctx, schedule/3); err != nil {
		return nil, err
	}
	s := &shared{servers: servers}
	if err := s.measure(ctx, b, db, c, r, all, schedule); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *shared) measure(ctx context.Context, b *bench, db *database, c *crowd, r *receiver, all *replicas, schedule time.Duration) (err error) {
	due, err := all.due(ctx)
	if err != nil {
		return err
	}
	if s.before, err = db.load(ctx); err != nil {
		return err
	}
	used, err := all.usage()
	if err != nil {
		return err
	}
	simulated, began := ownCPU(), time.Now()
	span := 3 * schedule
	if s.took, err = c.blows(ctx, r, pick(b, 100, 3), span*9/10); err != nil {
		return err
	}
	if err := rest(ctx, time.Until(began.Add(span))); err != nil {
		return err
	}
	if s.after, err = db.load(ctx); err != nil {
		return err
	}
	then, err := all.usage()
	if err != nil {
		return err
	}
	s.elapsed, s.cpu, s.simulated = time.Since(began), then.cpu-used.cpu, ownCPU()-simulated
	for _, p := range all.processes {
		u, err := p.usage()
		if err != nil {
			return err
		}
		s.largest = max(s.largest, u.peak)
	}
	if err := rest(ctx, schedule/10); err != nil { // what came due in the end may be late
		return err
	}
	s.checks = c.punctual(due, schedule, began.Add(span))
	fmt.Fprintf(b.progress, "%d servers: %d checks, %d missed, the latest are %v; the slowest failures %v\n", s.servers, len(s.checks.late), s.checks.missed,
		s.checks.late[max(0, len(s.checks.late)-5):], s.took[max(0, len(s.took)-5):])
	return nil
}

// blows lets replications fail on servers and at instants of a span that are chosen at random, and
// gives how long each took to be told.
func (c *crowd) blows(ctx context.Context, r *receiver, n int, span time.Duration) ([]time.Duration, error) {
	took, errs := make([]time.Duration, n), make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		at, m := rand.N(span), c.members[rand.IntN(len(c.members))] //nolint:gosec // no secret
		running.Go(func() {
			if errs[i] = rest(ctx, at); errs[i] != nil {
				return
			}
			began := time.Now()
			fails(m.Doc("_replicator", doc(i)))
			took[i], errs[i] = r.await(ctx, doc(i), began)
		})
	}
	running.Wait()
	slices.Sort(took)
	return took, errors.Join(errs...)
}
