// Package soak runs the real daemon among all that comes and goes in a long life, in a short time,
// and judges whether anything of it grows: replications that are written, fail, recover and are
// deleted, each under a name that never was before; readers and streams of the page that come and
// leave in the middle; configs that add and remove servers, sinks and rules, and bad ones; silences
// and acknowledgements; a server and receivers that are away for a while.
//
// # What is measured
//
// What an operator sees: the daemon's own /metrics (the heap that lived through the last garbage
// collection, resident memory, goroutines, threads, descriptors, and how many metrics there are),
// and the size of its files. Of a store that keeps what happened for its retention, what must not
// grow is what it takes for each thing that happened.
//
// # Not measured
//
// What is deleted when the retention has passed: a run is shorter. That is a test of package store,
// which can let time pass.
package soak

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Options say what a run is.
type Options struct {
	For     time.Duration
	Command []string // the daemon, and arguments that come before those of watchdog
	Env     []string // of the daemon, besides the environment
	Dir     string   // an empty folder of the run's own
}

// gogc lets the garbage of the daemon be collected often: then what is left of the heap is known
// of every moment.
const gogc = 50

// looks is how many times a run is measured.
const looks = 90

// What is measured, by its name.
const (
	heap        = "heap that is in use, MB"
	resident    = "resident memory, MB"
	goroutines  = "goroutines"
	threads     = "threads"
	descriptors = "descriptors"
	metrics     = "lines of /metrics"
	file        = "store, kB a transition"
	wal         = "write-ahead log, MB"
	decisions   = "transitions"
)

// Measures are what must be flat. Their slack is what a run of some seconds has by chance.
func Measures() []Measure {
	return []Measure{
		{Name: heap, Unit: 1 << 20, Share: 0.1, Slack: 1 << 20},
		{Name: resident, Unit: 1 << 20, Share: 0.15, Slack: 8 << 20},
		{Name: goroutines, Unit: 1, Share: 0.05, Slack: 10},
		{Name: threads, Unit: 1, Slack: 4},
		{Name: descriptors, Unit: 1, Share: 0.05, Slack: 5},
		{Name: metrics, Unit: 1, Share: 0.05, Slack: 10},
		{Name: file, Unit: 1 << 10, Share: 0.1, Slack: 1 << 10},
		{Name: wal, Unit: 1 << 20, Slack: 5 << 20}, // SQLite begins anew when it has 4 MB
	}
}

// Report is what came of a run.
type Report struct {
	Took     time.Duration
	Done     string // what came and went, in numbers
	Growths  []Growth
	Problems []string // what went wrong besides
}

// String is a table.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", r.Took.Round(time.Second), r.Done)
	for _, g := range r.Growths {
		fmt.Fprintln(&b, g)
	}
	return b.String()
}

// Run lets the daemon live for as long as it is told. The error is of a harness that could not be
// built; what the daemon did wrong is in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	w, err := newWorld(o)
	if err != nil {
		return nil, fmt.Errorf("make a world to soak in: %w", err)
	}
	defer w.end()
	if w.daemon, err = start(ctx, o, w.config); err != nil {
		return nil, err
	}
	if w.disk, err = openDisk(w.store); err != nil {
		return nil, errors.Join(err, w.daemon.kill())
	}
	defer w.disk.close()
	began := time.Now()
	living, die := context.WithCancel(ctx)
	defer die()
	var bustle sync.WaitGroup
	w.bustle(living, bustle.Go)
	series := w.watch(living, o)
	die()
	bustle.Wait()
	if err := w.daemon.stop(); err != nil {
		w.wrong("the daemon ended with %v; it said:\n%s", err, w.daemon.said)
	}
	r := &Report{Took: time.Since(began), Done: w.done.String(), Problems: w.problems}
	for _, s := range series {
		r.Growths = append(r.Growths, Judge(s))
	}
	return r, nil
}

// watch measures the daemon at even distances.
func (w *world) watch(ctx context.Context, o Options) []Series {
	all := make([]Series, 0, len(Measures()))
	for _, m := range Measures() {
		all = append(all, Series{Measure: m})
	}
	every := time.NewTicker(o.For / looks)
	defer every.Stop()
	for range looks {
		select {
		case <-every.C:
		case <-w.daemon.ended:
			w.wrong("the daemon ended by itself: %v; it said:\n%s", w.daemon.err, w.daemon.said)
			return all
		case <-ctx.Done():
			return all
		}
		seen, err := w.daemon.look(ctx)
		if err == nil {
			err = w.disk.look(ctx, seen)
		}
		if err != nil {
			w.wrong("%v", err)
			continue
		}
		w.done.transitions = int(seen[decisions])
		for i := range all {
			all[i].Values = append(all[i].Values, seen[all[i].Name])
		}
	}
	return all
}
