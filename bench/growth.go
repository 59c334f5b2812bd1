package main

import (
	"context"
	"fmt"
	"time"
)

// An hour at a check every 30 s, whole listings being asked for every 10 minutes, as is the
// default.
const (
	hourly      = 120
	hourlyWhole = 6
)

// grown is what watching costs at one size.
type grown struct {
	size  int
	whole costs // a check that lists all documents
	usual costs // one that reads jobs, and the documents that changed
	peak  int64 // bytes of memory at most, while usual checks ran
	// connections are those made until the end.
	connections int64
}

// costs are those of one check.
type costs struct {
	took     time.Duration
	cpu      time.Duration
	requests float64
	bytes    int64
}

// growth measures what a check costs the daemon and the server as replications grow.
func (b *bench) growth(ctx context.Context) (string, error) {
	t := newTable("replications", "a check takes", "of which CPU", "a whole listing", "of which CPU", "of a core, every 30 s", "MB of memory", "bytes a replication")
	server := newTable("replications, every 30 s", "requests an hour", "MB an hour", "listing all: MB an hour", "a share of", "connections")
	cpu := series{name: "CPU of a usual check (ms)"}
	memory := series{name: "memory (MB)"}
	var least int64
	for _, size := range pick(b, []int{10, 200, 1000, 20_000, 100_000, 1_000_000}, []int{300}) {
		g, err := b.grow(ctx, size)
		if err != nil {
			return "", fmt.Errorf("%d replications: %w", size, err)
		}
		if least == 0 {
			least = g.peak
		}
		core := (g.usual.cpu*(hourly-hourlyWhole) + g.whole.cpu*hourlyWhole).Seconds() / 3600
		t.row(count(size), millis(g.usual.took), millis(g.usual.cpu), millis(g.whole.took), millis(g.whole.cpu), short(core*100)+" %", megabytes(g.peak), count((g.peak-least)/int64(size)))
		bytes, all := g.usual.bytes*(hourly-hourlyWhole)+g.whole.bytes*hourlyWhole, g.whole.bytes*hourly
		requests := g.usual.requests*(hourly-hourlyWhole) + g.whole.requests*hourlyWhole
		server.row(count(size), count(int64(requests)), megabytes(bytes), megabytes(all), short(float64(bytes)/float64(all)), count(g.connections))
		cpu.points = append(cpu.points, point{float64(size), float64(g.usual.cpu.Microseconds()) / 1000})
		memory.points = append(memory.points, point{float64(size), float64(g.peak) / 1e6})
		b.judge(g, core, float64(bytes)/float64(all))
	}
	picture, err := b.draw("growth", chart{title: "What watching costs as replications grow", x: "replications", logX: true, logY: true, series: []series{cpu, memory}})
	return t.String() + "\n" + server.String() + picture, err
}

// judge holds what was measured to the goals.
func (b *bench) judge(g *grown, core, share float64) {
	switch g.size {
	case 20_000:
		b.goals = append(b.goals,
			goal{"20,000 replications every 30 s: less than 1 % of a core", short(core*100) + " %", core < 0.01},
			goal{"20,000 replications: less than 60 MB", megabytes(g.peak) + " MB", g.peak < 60e6},
			goal{"20,000 replications: at most a tenth of the bytes of listing all", short(share), share <= 0.1})
	case 1_000_000:
		b.goals = append(b.goals, goal{"1,000,000 replications: less than 400 MB", megabytes(g.peak) + " MB", g.peak < 400e6})
	}
}

// grow watches one server in both ways, one after the other.
func (b *bench) grow(ctx context.Context, size int) (*grown, error) {
	f, err := newFleet(ctx, size)
	if err != nil {
		return nil, err
	}
	defer f.stop()
	g := &grown{size: size}
	// The first two checks list all, and what a third does that is the first of many is a little
	// more. A million takes its time.
	schedule, settling, checks := time.Second, pick(b, 3, 1), pick(b, 8, 1)
	if size >= 100_000 {
		schedule, settling, checks = time.Duration(size/100_000)*3*time.Second, 2, 2
	}
	w := watching{server: f.url, receiver: f.url, schedule: schedule, doorbell: true}
	if g.usual, g.peak, err = b.steady(ctx, f, w, settling, checks); err != nil {
		return nil, err
	}
	g.connections = f.connections.Load()
	w.fullEvery, w.doorbell = schedule/2, false // so that each check lists, and none comes between
	g.whole, _, err = b.steady(ctx, f, w, settling, checks)
	fmt.Fprintf(b.progress, "%d replications: %+v\n", size, *g)
	return g, err
}

// steady is what a check costs on average once so many have settled, and the memory then.
func (b *bench) steady(ctx context.Context, f *fleet, w watching, settling, checks int) (costs, int64, error) {
	d, err := b.watch(ctx, w)
	if err != nil {
		return costs{}, 0, err
	}
	defer d.stop()
	first, err := d.ran(ctx, settling, min(w.schedule/4, time.Second))
	if err != nil {
		return costs{}, 0, err
	}
	if err := d.forgetPeak(); err != nil {
		return costs{}, 0, err
	}
	before, err := d.usage()
	if err != nil {
		return costs{}, 0, err
	}
	f.ForgetRequests()
	last, err := d.ran(ctx, first.Runs+checks, min(w.schedule/4, time.Second))
	if err != nil {
		return costs{}, 0, err
	}
	after, err := d.usage()
	n := last.Runs - first.Runs
	requests, bytes := f.traffic()
	return costs{
		took:     time.Duration(last.Duration * float64(time.Second)),
		cpu:      (after.cpu - before.cpu) / time.Duration(n),
		requests: float64(requests) / float64(n),
		bytes:    bytes / int64(n),
	}, after.peak, err
}
