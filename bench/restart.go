package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"
)

// restart measures how long the daemon takes from its start to its first question to the server,
// when it has remembered all: that is when it watches again.
func (b *bench) restart(ctx context.Context) (string, error) {
	t := newTable("replications remembered", "from the start to the first request", "CPU", "MB of memory then", "MB of the store")
	for _, size := range pick(b, []int{1000, 100_000, 1_000_000}, []int{300}) {
		if err := b.restartWith(ctx, t, size); err != nil {
			return "", fmt.Errorf("%d replications: %w", size, err)
		}
	}
	return t.String(), nil
}

func (b *bench) restartWith(ctx context.Context, t *table, size int) error {
	f, err := newFleet(ctx, size)
	if err != nil {
		return err
	}
	defer f.stop()
	store := filepath.Join(b.scratch, fmt.Sprintf("remembered-%d.db", size))
	d, err := b.watch(ctx, watching{server: f.url, receiver: f.url, schedule: time.Hour, store: store})
	if err != nil {
		return err
	}
	_, err = d.ran(ctx, 1, time.Second)
	d.stop()
	if err != nil {
		return err
	}
	var best time.Duration
	var then usage
	for range pick(b, 3, 1) {
		took, used, err := b.wakes(ctx, store)
		if err != nil {
			return err
		}
		if best == 0 || took < best {
			best, then = took, used
		}
	}
	t.row(count(size), millis(best), millis(then.cpu), megabytes(then.peak), megabytes(sizeOf(store)))
	if size == 1_000_000 {
		b.goals = append(b.goals, goal{"a start with 1,000,000 remembered replications: less than 3 s", millis(best), best < 3*time.Second})
	}
	return nil
}

// wakes starts the daemon on a store, against a server that only hears its first request.
func (b *bench) wakes(ctx context.Context, store string) (time.Duration, usage, error) {
	var heard atomic.Int64 // when, in nanoseconds since 1970
	url, stop, err := serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		heard.CompareAndSwap(0, time.Now().UnixNano())
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}), nil)
	if err != nil {
		return 0, usage{}, err
	}
	defer stop()
	began := time.Now()
	d, err := b.watch(ctx, watching{server: url, receiver: url, schedule: time.Hour, store: store})
	if err != nil {
		return 0, usage{}, err
	}
	defer d.stop()
	if err := d.await(ctx, "it asked", 5*time.Millisecond, func() bool { return heard.Load() != 0 }); err != nil {
		return 0, usage{}, err
	}
	used, err := d.usage()
	return time.Unix(0, heard.Load()).Sub(began), used, err
}
