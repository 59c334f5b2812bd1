package watch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/cycle"
	"watchdog/snapshot"
	"watchdog/watch"
)

// until gives one state before a time, and another afterwards.
func until(end time.Duration, before, after snapshot.State) func(time.Duration) map[string]snapshot.State {
	return func(since time.Duration) map[string]snapshot.State {
		if since < end {
			return map[string]snapshot.State{"orders": before}
		}
		return map[string]snapshot.State{"orders": after}
	}
}

func TestWhatCouldNotBeCommittedWaits(t *testing.T) {
	for _, test := range []struct {
		name  string
		state func(time.Duration) map[string]snapshot.State
		want  []string
	}{
		{"and is told once", always(map[string]snapshot.State{"orders": snapshot.Failed}), []string{"1m0s firing orders"}},
		{
			"in order, also what ended meanwhile", until(30*time.Second, snapshot.Failed, snapshot.Running),
			[]string{"1m0s firing orders", "1m0s resolved orders"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{fails: func(since time.Duration) bool { return since < 60*time.Second }}
				run(t, &reader{state: test.state}, l, 125*time.Second, checks(t, every(30*time.Second)))
				if diff := cmp.Diff(test.want, l.told); diff != "" {
					t.Errorf("told when commits work again (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestALedgerThatHangsHoldsUpNoLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: until(time.Hour, snapshot.Failed, snapshot.Failed)}
		l := &hanging{ledger: &ledger{}, until: 100 * time.Second}
		r.began, l.ledger.began = time.Now(), time.Now()
		ctx, done := context.WithTimeout(t.Context(), 3*time.Minute)
		defer done()
		opts := watch.Options{Ledger: l, Log: slog.New(slog.DiscardHandler)}
		if err := watch.Run(ctx, []watch.Server{{Name: "prod", Reader: r, Checks: checks(t, every(30*time.Second))}}, opts); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"1m40s firing orders"}, l.ledger.told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if len(r.looks) < 5 {
			t.Errorf("looks: got %v, want one every half a minute or so", r.looks)
		}
	})
}

// hanging is a ledger that answers nothing until a time.
type hanging struct {
	*ledger
	until time.Duration
}

func (h *hanging) Commit(ctx context.Context, o *cycle.Outcome) error {
	select {
	case <-time.After(h.until - time.Since(h.began)):
	case <-ctx.Done():
		return ctx.Err()
	}
	return h.ledger.Commit(ctx, o)
}

// TestTooMuchThatWaitsIsAGap commits nothing for an hour, in which everything changes all the time.
func TestTooMuchThatWaitsIsAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: func(since time.Duration) map[string]snapshot.State {
			states := map[string]snapshot.State{}
			for n := range 1000 {
				states[fmt.Sprint(n)] = []snapshot.State{snapshot.Running, snapshot.Crashing}[int(since/(30*time.Second))%2]
			}
			return states
		}}
		l := &ledger{fails: func(since time.Duration) bool { return since < time.Hour }}
		var said strings.Builder
		r.began, l.began = time.Now(), time.Now()
		ctx, done := context.WithTimeout(t.Context(), time.Hour+time.Minute)
		defer done()
		var undecided int
		opts := watch.Options{Ledger: l, Log: slog.New(slog.NewTextHandler(&said, nil)), Reported: func(r *watch.Report) {
			if r.Err != nil && strings.Contains(r.Err.Error(), "nothing more is decided") {
				undecided++
			}
		}}
		if err := watch.Run(ctx, []watch.Server{{Name: "prod", Reader: r, Checks: checks(t, every(30*time.Second))}}, opts); err != nil {
			t.Fatal(err)
		}
		if undecided < 10 || undecided > 100 {
			t.Errorf("checks that decided nothing: got %d of 120, want those behind the first 50,000 changes", undecided)
		}
		if !strings.Contains(said.String(), "a gap: nothing was decided") {
			t.Error("the log does not tell of the gap")
		}
	})
}

// tenures lets a loop hold its server at some times.
type tenures struct {
	at     [][2]time.Duration // from, to
	began  time.Time
	ledger *ledger
	loads  []time.Duration
}

func (h *tenures) hold(ctx context.Context, _ string, work func(context.Context, watch.Ledger)) {
	for _, one := range h.at {
		if time.Since(h.began) >= one[1] {
			continue
		}
		select {
		case <-time.After(one[0] - time.Since(h.began)):
			held, end := context.WithTimeout(ctx, one[1]-time.Since(h.began))
			work(held, h)
			end()
		case <-ctx.Done():
			return
		}
	}
	<-ctx.Done()
}

func (h *tenures) Load(ctx context.Context, server string) (*cycle.State, error) {
	h.loads = append(h.loads, time.Since(h.began))
	return h.ledger.Load(ctx, server)
}

func (h *tenures) Commit(ctx context.Context, o *cycle.Outcome) error {
	if h.ledger.fails != nil && h.ledger.fails(time.Since(h.began)) {
		return errors.New("another one has taken over")
	}
	return h.ledger.Commit(ctx, o)
}

func TestAServerIsWatchedWhileItIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: always(map[string]snapshot.State{"orders": snapshot.Failed}), began: time.Now()}
		h := &tenures{at: [][2]time.Duration{{10 * time.Second, 45 * time.Second}, {100 * time.Second, 115 * time.Second}}, began: time.Now(), ledger: &ledger{began: time.Now()}}
		loop, err := watch.New(t.Context(), []watch.Server{{Name: "prod", Reader: r, Checks: checks(t, every(30*time.Second))}},
			watch.Options{Hold: h.hold, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, done := context.WithTimeout(t.Context(), 3*time.Minute)
		defer done()
		go func() { // another config, while nothing is held
			time.Sleep(60 * time.Second)
			err := loop.Reload(t.Context(), []watch.Server{{Name: "prod", Reader: r, Checks: checks(t, every(10*time.Second))}})
			if err != nil {
				t.Errorf("Reload: %v", err)
			}
		}()
		loop.Run(ctx)
		if diff := cmp.Diff(seconds(10, 40, 100, 110), r.looks); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(seconds(10, 100), h.loads); diff != "" {
			t.Errorf("loads (-want +got):\n%s", diff)
		}
	})
}

func TestWhatALostTenureDecidedIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: until(60*time.Second, snapshot.Failed, snapshot.Running), began: time.Now()}
		h := &tenures{at: [][2]time.Duration{{0, 40 * time.Second}, {100 * time.Second, 115 * time.Second}}, began: time.Now(), ledger: &ledger{began: time.Now()}}
		h.ledger.fails = func(since time.Duration) bool { return since < 60*time.Second }
		loop, err := watch.New(t.Context(), []watch.Server{{Name: "prod", Reader: r, Checks: checks(t, every(30*time.Second))}},
			watch.Options{Hold: h.hold, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, done := context.WithTimeout(t.Context(), 3*time.Minute)
		defer done()
		loop.Run(ctx)
		if len(h.ledger.told) > 0 {
			t.Errorf("told: got %v, want nothing: it was another's to tell", h.ledger.told)
		}
	})
}
