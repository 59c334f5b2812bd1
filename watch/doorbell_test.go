package watch_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/snapshot"
	"watchdog/watch"
)

// bell rings at fixed times.
type bell struct {
	at      []time.Duration
	trouble error
}

func (b *bell) Listen(ctx context.Context, ring func(), trouble func(error)) {
	if b.trouble != nil {
		trouble(b.trouble)
	}
	began := time.Now()
	for _, at := range b.at {
		select {
		case <-time.After(at - time.Since(began)):
			ring()
		case <-ctx.Done():
			return
		}
	}
	<-ctx.Done()
}

// runRung is run, with a doorbell, and says what was logged.
func runRung(t *testing.T, r *reader, b *bell, during time.Duration, all []watch.Check) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	var log text
	r.began = time.Now()
	servers := []watch.Server{{Name: "prod", Reader: r, Checks: all, Doorbell: b}}
	err := watch.Run(ctx, servers, watch.Options{Ledger: &ledger{began: r.began}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	return log.String()
}

// text is a log that many may write.
type text struct {
	mu sync.Mutex // guards b
	b  strings.Builder
}

func (l *text) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *text) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestARingIsACheckAtOnce(t *testing.T) {
	for _, test := range []struct {
		name   string
		rings  []int // seconds
		takes  time.Duration
		jitter time.Duration
		want   []int
	}{
		{"between two ticks", []int{10, 50}, 0, 0, []int{0, 10, 30, 50, 60, 90}},
		{"without jitter", []int{10, 50}, 0, time.Nanosecond, []int{0, 10, 30, 50, 60, 90}},
		{"while a look is under way, one more after it", []int{31, 32, 33}, 5 * time.Second, 0, []int{0, 30, 35, 60, 90}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &reader{state: always(map[string]snapshot.State{}), takes: test.takes}
				all := checks(t, every(30*time.Second))
				all[0].Jitter = test.jitter
				runRung(t, r, &bell{at: seconds(test.rings...)}, 97*time.Second, all)
				if diff := cmp.Diff(seconds(test.want...), r.looks); diff != "" {
					t.Errorf("looks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestARingEndsTheJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: always(map[string]snapshot.State{})}
		all := checks(t, every(30*time.Second))
		all[0].Jitter = 10 * time.Hour
		runRung(t, r, &bell{at: seconds(10, 31, 45)}, 50*time.Second, all)
		if diff := cmp.Diff(seconds(0, 10, 31, 45), r.looks); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
	})
}

func TestARingIsForAllChecksOfTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: always(map[string]snapshot.State{})}
		runRung(t, r, &bell{at: seconds(10)}, 20*time.Second, checks(t, every(time.Hour), every(time.Hour)))
		if diff := cmp.Diff(seconds(0, 0, 10, 10), r.looks); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
	})
}

func TestADeafDoorbellIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: always(map[string]snapshot.State{})}
		log := runRung(t, r, &bell{trouble: errors.New("forbidden")}, 70*time.Second, checks(t, every(30*time.Second)))
		if !strings.Contains(log, "server=prod err=forbidden") || !strings.Contains(log, "doorbell") {
			t.Errorf("log: got %q, want the trouble", log)
		}
		if diff := cmp.Diff(seconds(0, 30, 60), r.looks); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
	})
}
