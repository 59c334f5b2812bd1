package watch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/cycle"
	"watchdog/rules"
	"watchdog/snapshot"
	"watchdog/watch"
)

// film runs a loop for a time, and does other things meanwhile, each at its moment.
func film(t *testing.T, l *ledger, during time.Duration, servers []watch.Server, acts map[time.Duration]func(*watch.Loop)) {
	t.Helper()
	began := time.Now()
	l.began = began
	for _, s := range servers {
		s.Reader.(*reader).began = began
	}
	loop, err := watch.New(t.Context(), servers, watch.Options{Ledger: l, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	go func() {
		for _, at := range slices.Sorted(maps.Keys(acts)) {
			time.Sleep(at - time.Since(began))
			acts[at](loop)
		}
	}()
	loop.Run(ctx)
}

// rule is a check's cycle of one rule.
func rule(t *testing.T, name, when string) *cycle.Cycle {
	t.Helper()
	r, problems := rules.Compile(rules.Spec{Name: name, When: when})
	if len(problems) > 0 {
		t.Fatalf("Compile: %+v", problems)
	}
	return &cycle.Cycle{Rules: rules.NewSet(rules.SetSpec{Rules: []*rules.Rule{r}})}
}

func reload(t *testing.T, servers ...watch.Server) func(*watch.Loop) {
	return func(l *watch.Loop) {
		if err := l.Reload(t.Context(), servers); err != nil {
			t.Errorf("Reload: %v", err)
		}
	}
}

func TestReload(t *testing.T) {
	orders := always(map[string]snapshot.State{"orders": snapshot.Failed})
	const s = time.Second
	for _, tt := range []struct {
		name  string
		takes time.Duration // a look
		// next gives what is watched from 40 s on.
		next        func(t *testing.T, prod watch.Server) []watch.Server
		looks, told []string
	}{
		{
			"the same goes on, and tells nothing anew", 0,
			func(t *testing.T, prod watch.Server) []watch.Server { return []watch.Server{prod} },
			[]string{"0s", "30s", "40s", "1m10s"},
			[]string{"0s firing orders"},
		},
		{
			"a rule that is gone resolves its alerts, and a new one fires at once", 0,
			func(t *testing.T, prod watch.Server) []watch.Server {
				prod.Checks = checks(t, every(30*s))
				prod.Checks[0].Cycle = rule(t, "broken", `state == "failed"`)
				return []watch.Server{prod}
			},
			[]string{"0s", "30s", "40s", "1m10s"},
			[]string{"0s firing orders", "40s firing orders", "40s resolved orders"},
		},
		{
			"a look in hand is finished, and no other is begun beside it", 15 * s,
			func(t *testing.T, prod watch.Server) []watch.Server { return []watch.Server{prod} },
			[]string{"0s", "30s", "45s", "1m15s"},
			[]string{"15s firing orders"},
		},
		{
			"a check has a new schedule", 0,
			func(t *testing.T, prod watch.Server) []watch.Server {
				prod.Checks = checks(t, every(20*s))
				return []watch.Server{prod}
			},
			[]string{"0s", "30s", "40s", "1m0s", "1m20s"},
			[]string{"0s firing orders"},
		},
		{
			"a server that is left out is let go, and its alerts stay as they are", 0,
			func(t *testing.T, prod watch.Server) []watch.Server { return nil },
			[]string{"0s", "30s"},
			[]string{"0s firing orders"},
		},
		{
			"a server is watched by another reader", 0,
			func(t *testing.T, prod watch.Server) []watch.Server {
				prod.Reader = &reader{began: prod.Reader.(*reader).began, state: always(map[string]snapshot.State{"orders": snapshot.Running})}
				return []watch.Server{prod}
			},
			[]string{"0s", "30s"},
			[]string{"0s firing orders", "40s resolved orders"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, l := &reader{state: orders, takes: tt.takes}, &ledger{}
				prod := watch.Server{Name: "prod", Reader: r, Checks: checks(t, every(30*s))}
				film(t, l, 85*s, []watch.Server{prod}, map[time.Duration]func(*watch.Loop){
					40 * s: func(l *watch.Loop) { reload(t, tt.next(t, prod)...)(l) },
				})
				var looks []string
				for _, at := range r.looks {
					looks = append(looks, at.String())
				}
				if diff := cmp.Diff(tt.looks, looks); diff != "" {
					t.Errorf("looks of the first reader (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.told, l.told); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A server may be left out and come back before its last look has ended: it is never read twice at
// a time, and nothing is told twice.
func TestReloadOfAServerThatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, l := &reader{state: always(map[string]snapshot.State{"orders": snapshot.Failed}), takes: 20 * time.Second}, &ledger{}
		prod := watch.Server{Name: "prod", Reader: r, Checks: checks(t, every(time.Hour))}
		film(t, l, time.Minute, []watch.Server{prod}, map[time.Duration]func(*watch.Loop){
			5 * time.Second:  reload(t),
			10 * time.Second: reload(t, prod),
		})
		if diff := cmp.Diff(seconds(0, 20), r.looks); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"20s firing orders"}, l.told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// What cannot be loaded changes nothing.
func TestReloadThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, l := &reader{state: always(map[string]snapshot.State{})}, &ledger{}
		prod := watch.Server{Name: "prod", Reader: r, Checks: checks(t, every(30*time.Second))}
		film(t, l, 70*time.Second, []watch.Server{prod}, map[time.Duration]func(*watch.Loop){
			40 * time.Second: func(loop *watch.Loop) {
				l.load = errors.New("disk full")
				err := loop.Reload(t.Context(), []watch.Server{prod, {Name: "dr"}})
				if want := "load what is remembered of server dr: disk full"; fmt.Sprint(err) != want {
					t.Errorf("Reload: got %v, want %s", err, want)
				}
			},
		})
		if diff := cmp.Diff(seconds(0, 30, 60), r.looks); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
	})
}

// Fifty reloads while a server is read all the time: no transition is lost or told twice.
func TestReloadUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const reloads = 50
		// One more document fails with each second.
		failing := func(since time.Duration) map[string]snapshot.State {
			states := map[string]snapshot.State{}
			for i := range int(since/time.Second) + 1 {
				states[fmt.Sprint("doc", i)] = snapshot.Failed
			}
			return states
		}
		r, l := &reader{state: failing, takes: 300 * time.Millisecond}, &ledger{}
		prod := watch.Server{Name: "prod", Reader: r, Checks: checks(t, every(time.Second))}
		acts := map[time.Duration]func(*watch.Loop){}
		for i := range reloads {
			at := time.Duration(i) * 1130 * time.Millisecond
			acts[at] = func(loop *watch.Loop) {
				prod.Checks = checks(t, every(time.Second))
				reload(t, prod)(loop)
			}
		}
		film(t, l, time.Minute+500*time.Millisecond, []watch.Server{prod}, acts)
		told := map[string]int{}
		for _, line := range l.told {
			var at, status, doc string
			fmt.Sscan(line, &at, &status, &doc)
			told[status+" "+doc]++
		}
		for i := range 60 {
			if n := told[fmt.Sprint("firing doc", i)]; n != 1 {
				t.Errorf("doc%d: told %d times, want once", i, n)
			}
			delete(told, fmt.Sprint("firing doc", i))
		}
		for extra := range told {
			if extra != "firing doc60" {
				t.Errorf("told: got %q too", extra)
			}
		}
		for i, at := range r.looks[1:] {
			if at-r.looks[i] < r.takes {
				t.Errorf("look at %s: got it while that of %s went on", at, r.looks[i])
			}
		}
	})
}

// An owner that does not come back from what it does is hung; one that only takes its time is not.
func TestHung(t *testing.T) {
	for _, tt := range []struct {
		name           string
		timeout, takes time.Duration
		hangs          bool // the reader does not heed its timeout
		want           string
	}{
		{"an owner with nothing to do", time.Minute, 0, false, "[] [] []"},
		{"a look that takes long", 3 * time.Minute, 150 * time.Second, false, "[] [] []"},
		{"a look that is cut short", time.Minute, time.Hour, false, "[] [] []"},
		{"a look that does not end", time.Minute, time.Hour, true, "[] [prod] [prod]"},
		{"a look that has no end", 0, time.Hour, true, "[] [] []"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &reader{state: always(map[string]snapshot.State{}), takes: tt.takes}
				prod := watch.Server{Name: "prod", Reader: r, Checks: checks(t, every(time.Hour))}
				prod.Checks[0].Timeout = tt.timeout
				if tt.hangs {
					prod.Reader = deaf{r}
				}
				loop, err := watch.New(t.Context(), []watch.Server{prod}, watch.Options{Ledger: &ledger{}, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { loop.Run(ctx); close(ended) }()
				var got []string
				for _, wait := range []time.Duration{100 * time.Second, 25 * time.Second, 5 * time.Minute} {
					time.Sleep(wait)
					got = append(got, fmt.Sprint(loop.Hung(time.Now())))
				}
				if got := fmt.Sprintf("%s %s %s", got[0], got[1], got[2]); got != tt.want {
					t.Errorf("Hung after 1m40s, 2m5s and 7m5s: got %s, want %s", got, tt.want)
				}
				stop()
				<-ended
			})
		})
	}
}

// deaf is a reader that goes on whatever it is told.
type deaf struct{ *reader }

func (d deaf) Read(ctx context.Context, at time.Time, prev *snapshot.Snapshot) *snapshot.Snapshot {
	return d.reader.Read(context.WithoutCancel(ctx), at, prev)
}
