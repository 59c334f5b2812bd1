package watch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/snapshot"
	"watchdog/watch"
)

// reader is a server in memory: at each look its replications have the states of the moment.
type reader struct {
	mu     sync.Mutex
	began  time.Time
	looks  []time.Duration
	state  func(since time.Duration) map[string]snapshot.State // by document; nil: the look fails
	takes  time.Duration
	asked  []string
	answer func(doc string) (snapshot.Answer, error)
}

func (r *reader) Read(ctx context.Context, at time.Time, _ *snapshot.Snapshot) *snapshot.Snapshot {
	r.mu.Lock()
	since := at.Sub(r.began)
	r.looks = append(r.looks, since)
	r.mu.Unlock()
	s := &snapshot.Snapshot{Server: "prod", At: at}
	select {
	case <-time.After(r.takes):
	case <-ctx.Done():
		s.Gaps = []snapshot.Gap{{Part: snapshot.Jobs, Err: ctx.Err()}}
		return s
	}
	states := r.state(since)
	if states == nil {
		s.Gaps = []snapshot.Gap{{Part: snapshot.Jobs, Err: errors.New("connection refused")}}
	}
	for doc, state := range states {
		s.Replications = append(s.Replications, &snapshot.Replication{
			Key: snapshot.Key{Database: "_replicator", DocID: doc}, State: state,
			Known: snapshot.Fields(0).With(snapshot.FieldState),
		})
	}
	slices.SortFunc(s.Replications, func(a, b *snapshot.Replication) int { return a.Key.Compare(b.Key) })
	return s
}

func (r *reader) Ask(_ context.Context, key snapshot.Key) (snapshot.Answer, error) {
	r.asked = append(r.asked, key.DocID)
	if r.answer == nil {
		return snapshot.Answer{Missing: true}, nil
	}
	return r.answer(key.DocID)
}

// ledger remembers nothing but what was committed, and can fail.
type ledger struct {
	mu    sync.Mutex
	fails func(since time.Duration) bool
	began time.Time
	told  []string
	said  []string
	load  error

	standing func() *notify.Standing
}

func (l *ledger) Load(_ context.Context, server string) (*cycle.State, error) {
	return cycle.NewState(server), l.load
}

func (l *ledger) Commit(_ context.Context, o *cycle.Outcome) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := time.Since(l.began)
	if l.fails != nil && l.fails(since) {
		return errors.New("disk full")
	}
	for _, m := range o.Messages {
		l.said = append(l.said, fmt.Sprintf("%s %d to %s", since, len(m.Alerts), m.Sink))
	}
	for _, t := range o.Transitions {
		l.told = append(l.told, fmt.Sprintf("%s %s %s", since, t.Status, t.DocID))
	}
	return nil
}

func checks(t *testing.T, schedules ...cron.Schedule) []watch.Check {
	t.Helper()
	rule, problems := rules.Compile(rules.Spec{Name: "failed", When: `state == "failed"`})
	if len(problems) > 0 {
		t.Fatalf("Compile: %+v", problems)
	}
	set := rules.NewSet(rules.SetSpec{Rules: []*rules.Rule{rule}})
	var all []watch.Check
	for i, s := range schedules {
		all = append(all, watch.Check{Name: fmt.Sprintf("check%d", i), Schedule: s, Cycle: &cycle.Cycle{Rules: set}})
	}
	return all
}

func every(d time.Duration) cron.Schedule { return cron.Every(d) }

func always(states map[string]snapshot.State) func(time.Duration) map[string]snapshot.State {
	return func(time.Duration) map[string]snapshot.State { return states }
}

// run runs the loop for a time inside a bubble.
func run(t *testing.T, r *reader, l *ledger, during time.Duration, all []watch.Check) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	r.began, l.began = time.Now(), time.Now()
	opts := watch.Options{Ledger: l, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if l.standing != nil {
		opts.Standing = func(context.Context, time.Duration) (*cycle.Standing, error) { return l.standing(), nil }
	}
	if err := watch.Run(ctx, []watch.Server{{Name: "prod", Reader: r, Checks: all}}, opts); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func seconds(ds ...int) []time.Duration {
	out := make([]time.Duration, len(ds))
	for i, d := range ds {
		out[i] = time.Duration(d) * time.Second
	}
	return out
}

func TestChecksRunAtOnceAndThenBySchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: always(map[string]snapshot.State{})}
		run(t, r, &ledger{}, 95*time.Second, checks(t, every(30*time.Second)))
		if diff := cmp.Diff(seconds(0, 30, 60, 90), r.looks); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
	})
}

func TestASlowServerIsNotReadTwiceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: always(map[string]snapshot.State{}), takes: 45 * time.Second}
		run(t, r, &ledger{}, 170*time.Second, checks(t, every(30*time.Second)))
		if diff := cmp.Diff(seconds(0, 45, 90, 135), r.looks); diff != "" {
			t.Errorf("looks that take 45 s at a 30 s schedule (-want +got):\n%s", diff)
		}
	})
}

func TestTwoChecksOfOneServerTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: always(map[string]snapshot.State{"orders": snapshot.Failed}), takes: time.Second}
		l := &ledger{}
		run(t, r, l, 62*time.Second, checks(t, every(30*time.Second), every(60*time.Second)))
		if diff := cmp.Diff(seconds(0, 1, 30, 60, 61), r.looks); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"1s firing orders"}, l.told); diff != "" {
			t.Errorf("told by two checks that overlap (-want +got):\n%s", diff)
		}
	})
}

func TestJitterDelaysAllLooksButTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: always(map[string]snapshot.State{})}
		all := checks(t, every(30*time.Second))
		all[0].Jitter = 2 * time.Second
		run(t, r, &ledger{}, 10*time.Minute, all)
		if r.looks[0] != 0 {
			t.Errorf("first look: got %v after the start, want 0s", r.looks[0])
		}
		late := 0
		for i, at := range r.looks[1:] {
			by := at - time.Duration(i+1)*30*time.Second
			if by < 0 || by >= 2*time.Second {
				t.Errorf("look %d: got %v behind its schedule, want less than 2s", i+1, by)
			}
			if by > 0 {
				late++
			}
		}
		if late == 0 {
			t.Error("no look was delayed")
		}
	})
}

func TestAbsentReplicationsAreAskedFor(t *testing.T) {
	gone := func(since time.Duration) map[string]snapshot.State {
		if since > 0 {
			return map[string]snapshot.State{"audit": snapshot.Running}
		}
		return map[string]snapshot.State{"audit": snapshot.Running, "orders": snapshot.Failed}
	}
	tests := []struct {
		name   string
		answer func(string) (snapshot.Answer, error)
		asked  []string
		told   []string
	}{
		{"404 ends its alerts", nil, []string{"orders"}, []string{"0s firing orders", "30s resolved orders"}},
		{
			"an answer that tells nothing holds them, and is asked again",
			func(string) (snapshot.Answer, error) { return snapshot.Answer{}, nil },
			[]string{"orders", "orders"},
			[]string{"0s firing orders"},
		},
		{
			"no answer holds them",
			func(string) (snapshot.Answer, error) { return snapshot.Answer{}, errors.New("timeout") },
			[]string{"orders", "orders"},
			[]string{"0s firing orders"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, l := &reader{state: gone, answer: tt.answer}, &ledger{}
				run(t, r, l, 65*time.Second, checks(t, every(30*time.Second)))
				if diff := cmp.Diff(tt.asked, r.asked); diff != "" {
					t.Errorf("asked for (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.told, l.told); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestALookCutShortByStoppingDecidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: always(map[string]snapshot.State{"orders": snapshot.Failed}), takes: time.Minute}
		l := &ledger{}
		run(t, r, l, 30*time.Second, checks(t, every(time.Hour)))
		if len(l.told) != 0 {
			t.Errorf("told: got %v, want nothing", l.told)
		}
	})
}

func TestATimeoutMakesTheLookAFailedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rule, _ := rules.Compile(rules.ServerUnreachable)
		r, l := &reader{state: always(nil), takes: time.Minute}, &ledger{}
		all := checks(t, every(30*time.Second))
		all[0].Timeout = 10 * time.Second
		all[0].Cycle = &cycle.Cycle{Rules: rules.NewSet(rules.SetSpec{Rules: []*rules.Rule{rule}})}
		run(t, r, l, 95*time.Second, all)
		if diff := cmp.Diff([]string{"1m10s firing "}, l.told); diff != "" {
			t.Errorf("told after three looks that timed out (-want +got):\n%s", diff)
		}
	})
}

func TestAPanicCostsOneCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: func(since time.Duration) map[string]snapshot.State {
			if since == 0 {
				panic("a bug")
			}
			return map[string]snapshot.State{"orders": snapshot.Failed}
		}}
		l := &ledger{}
		run(t, r, l, 35*time.Second, checks(t, every(30*time.Second)))
		if diff := cmp.Diff([]string{"30s firing orders"}, l.told); diff != "" {
			t.Errorf("told after a panic (-want +got):\n%s", diff)
		}
	})
}

func TestAServerThatCannotBeLoadedIsAnError(t *testing.T) {
	l := &ledger{load: errors.New("it is not a database")}
	opts := watch.Options{Ledger: l, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	err := watch.Run(t.Context(), []watch.Server{{Name: "prod"}}, opts)
	if want := "load what is remembered of server prod: it is not a database"; err == nil || err.Error() != want {
		t.Errorf("Run: got %v, want %s", err, want)
	}
}

func TestOnceRunsEveryCheckOfEveryServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{began: time.Now(), state: always(map[string]snapshot.State{"orders": snapshot.Failed}), takes: time.Second}
		opts := watch.Options{Ledger: &ledger{began: time.Now()}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
		seen, err := watch.Once(t.Context(), []watch.Server{
			{Name: "prod", Reader: r, Checks: checks(t, every(time.Hour), every(time.Minute))},
			{Name: "idle"},
		}, opts)
		if err != nil {
			t.Fatalf("Once: %v", err)
		}
		if got := len(seen[0].State.Alerts()); got != 1 || seen[0].State.Alerts()[0].Status != alert.StatusFiring {
			t.Errorf("alerts of prod: got %d, want one that fires", got)
		}
		if seen[1].Snapshot != nil {
			t.Errorf("snapshot of a server without checks: got %+v, want nil", seen[1].Snapshot)
		}
		if got := len(r.looks); got != 2 {
			t.Errorf("looks: got %d, want 2", got)
		}
	})
}

// reports runs the loop for a time and gives what it reported, one line each.
func reports(t *testing.T, r *reader, l *ledger, during time.Duration, beside func(*watch.Loop)) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	r.began, l.began = time.Now(), time.Now()
	var got []string
	opts := watch.Options{Ledger: l, Log: slog.New(slog.DiscardHandler), Reported: func(r *watch.Report) {
		line := fmt.Sprintf("%s %q took %s, %d alerts", time.Since(l.began), r.Check, r.Elapsed, len(r.Alerts))
		if !r.Next.IsZero() {
			line += fmt.Sprintf(", next %s, overdue %s", r.Next.Sub(l.began), r.Overdue.Sub(l.began))
		}
		if r.Outcome == nil && r.Err != nil {
			line += ": " + r.Err.Error()
		}
		got = append(got, line)
	}}
	loop, err := watch.New(t.Context(), []watch.Server{{Name: "prod", Reader: r, Checks: checks(t, every(30*time.Second))}}, opts)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	if beside != nil {
		go beside(loop)
	}
	loop.Run(ctx)
	return got
}

func TestEveryCheckIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: always(map[string]snapshot.State{"orders": snapshot.Failed}), takes: time.Second}
		l := &ledger{fails: func(since time.Duration) bool { return since < 10*time.Second }}
		want := []string{
			`0s "" took 0s, 0 alerts`,
			`1s "check0" took 1s, 1 alerts, next 31s, overdue 1m1s: disk full`,
			`31s "check0" took 1s, 1 alerts, next 1m1s, overdue 1m31s`,
		}
		if diff := cmp.Diff(want, reports(t, r, l, 50*time.Second, nil)); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
	})
}

func TestACheckComesDueByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{state: always(map[string]snapshot.State{})}
		reports(t, r, &ledger{}, 40*time.Second, func(l *watch.Loop) {
			time.Sleep(10 * time.Second)
			if !l.ComeDue("prod", "check0") {
				t.Error("ComeDue(prod, check0): got false, want true")
			}
			if l.ComeDue("prod", "check1") || l.ComeDue("test", "check0") {
				t.Error("ComeDue of a check that is not there: got true, want false")
			}
		})
		if diff := cmp.Diff(seconds(0, 10, 30), r.looks); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
	})
}

// Between two looks what is due is said at its time, and a silence counts within two seconds.
func TestWhatIsDueBetweenTwoLooksIsSaidInTime(t *testing.T) {
	tests := []struct {
		name     string
		route    notify.RouteSpec
		standing func(since time.Duration) *notify.Standing
		fails    func(since time.Duration) bool
		want     []string
	}{
		{"a group that waits", notify.RouteSpec{GroupWait: 7 * time.Second}, nil, nil, []string{"7s 1 to oncall"}},
		{
			"reminders",
			notify.RouteSpec{RepeatInterval: 25 * time.Second},
			nil, nil,
			[]string{"0s 1 to oncall", "25s 1 to oncall", "50s 1 to oncall"},
		},
		{
			"a silence that is taken away",
			notify.RouteSpec{},
			silencedUntil(11 * time.Second), nil,
			[]string{"12s 1 to oncall"},
		},
		{
			"a full disk delays it",
			notify.RouteSpec{GroupWait: 7 * time.Second},
			nil,
			func(since time.Duration) bool { return since > 5*time.Second && since < 12*time.Second },
			[]string{"13s 1 to oncall"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				tt.route.To = []string{"oncall"}
				router, problems := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{tt.route}})
				if len(problems) > 0 {
					t.Fatalf("NewRouter: %+v", problems)
				}
				all := checks(t, every(time.Hour))
				all[0].Cycle.Router = router
				l := &ledger{fails: tt.fails}
				if tt.standing != nil {
					l.standing = func() *notify.Standing { return tt.standing(time.Since(began)) }
				}
				run(t, &reader{state: always(map[string]snapshot.State{"orders": snapshot.Failed})}, l, time.Minute, all)
				if diff := cmp.Diff(tt.want, l.said); diff != "" {
					t.Errorf("said (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Who tells the loop that people have said something need not wait for it.
func TestWhatPeopleSayIsHeededAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, end := time.Now(), 10*time.Second+300*time.Millisecond
		router, problems := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall"}}}})
		if len(problems) > 0 {
			t.Fatalf("NewRouter: %+v", problems)
		}
		all := checks(t, every(time.Hour))
		all[0].Cycle.Router = router
		silenced := silencedUntil(end)
		l := &ledger{began: began}
		loop, err := watch.New(t.Context(), []watch.Server{{
			Name: "prod", Reader: &reader{began: began, state: always(map[string]snapshot.State{"orders": snapshot.Failed})}, Checks: all,
		}}, watch.Options{
			Ledger: l, Log: slog.New(slog.DiscardHandler),
			Standing: func(context.Context, time.Duration) (*cycle.Standing, error) { return silenced(time.Since(began)), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() {
			time.Sleep(end)
			loop.Heed()
			loop.Heed() // is no reason to wait
		}()
		loop.Run(ctx)
		if diff := cmp.Diff([]string{"10.3s 1 to oncall"}, l.said); diff != "" {
			t.Errorf("said (-want +got):\n%s", diff)
		}
	})
}

// Owners of many servers may share what one of them has read, but for what was just seen.
func TestALookIsDecidedByWhatPeopleSayNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ages []time.Duration
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		err := watch.Run(ctx, []watch.Server{{Name: "prod", Reader: &reader{began: time.Now(), state: always(nil)}, Checks: checks(t, every(3*time.Second))}}, watch.Options{
			Ledger: &ledger{began: time.Now()}, Log: slog.New(slog.DiscardHandler),
			Standing: func(_ context.Context, age time.Duration) (*cycle.Standing, error) {
				ages = append(ages, age)
				return &cycle.Standing{}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		half := 500 * time.Millisecond
		if diff := cmp.Diff([]time.Duration{0, half, 0}, ages); diff != "" { // looks at 0 and 3 s, between them one tick
			t.Errorf("ages (-want +got):\n%s", diff)
		}
	})
}

// silencedUntil gives a silence over everything, and from a moment on none.
func silencedUntil(end time.Duration) func(time.Duration) *notify.Standing {
	nobody := &notify.Standing{}
	silenced := &notify.Standing{Silences: []notify.Silence{{
		Match: map[string][]string{"doc_id": {"*"}}, EndsAt: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}}}
	return func(since time.Duration) *notify.Standing {
		if since >= end {
			return nobody
		}
		return silenced
	}
}
