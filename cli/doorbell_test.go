package cli_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"watchdog/cycle"
	"watchdog/rules"
	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/watch"
)

// decided is a ledger that says at once what was decided.
type decided chan string

func (d decided) Load(_ context.Context, server string) (*cycle.State, error) {
	return cycle.NewState(server), nil
}

func (d decided) Commit(_ context.Context, o *cycle.Outcome) error {
	for _, t := range o.Transitions {
		d <- t.DocID
	}
	return nil
}

// failures watches a simulated server by an hourly check and lets replications fail, one after
// the other. It returns how long after each the alert was committed, the shortest first.
func failures(tb testing.TB, documents, n int, rest func()) []time.Duration {
	tb.Helper()
	srv := couchtest.New(couchtest.Options{})
	for i := range documents {
		srv.Put("_replicator", fmt.Sprintf("doc%05d", i), couchtest.Spec{State: couchtest.Running})
	}
	url, stop, err := srv.Serve("")
	if err != nil {
		tb.Fatalf("Serve: %v", err)
	}
	defer stop()
	client, err := scheduler.New(scheduler.Options{Spec: scheduler.Spec{Name: "prod", URL: url}})
	if err != nil {
		tb.Fatalf("New: %v", err)
	}
	defer client.Close()
	rule, problems := rules.Compile(rules.Spec{Name: "failed", When: `state == "failed"`})
	if len(problems) > 0 {
		tb.Fatalf("Compile: %+v", problems)
	}
	set := rules.NewSet(rules.SetSpec{Rules: []*rules.Rule{rule}})
	check := watch.Check{Name: "hourly", Schedule: cron.Every(time.Hour), Jitter: time.Minute, Cycle: &cycle.Cycle{Rules: set}}
	told := make(decided, documents)
	ctx, cancel := context.WithCancel(tb.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() {
		servers := []watch.Server{{Name: "prod", Reader: client, Checks: []watch.Check{check}, Doorbell: client}}
		if err := watch.Run(ctx, servers, watch.Options{Ledger: told, Log: slog.New(slog.DiscardHandler)}); err != nil {
			tb.Errorf("Run: %v", err)
		}
	})
	fail := func(doc int) time.Duration {
		began := time.Now()
		srv.Doc("_replicator", fmt.Sprintf("doc%05d", doc)).Fail("duplicate")
		select {
		case <-told:
			return time.Since(began)
		case <-time.After(time.Minute):
			tb.Fatal("a failure was not told within a minute")
			return 0
		}
	}
	fail(0) // and so the doorbell hangs
	var took []time.Duration
	for i := range n {
		rest()
		took = append(took, fail(i+1))
	}
	slices.Sort(took)
	return took
}

// BenchmarkFailureToDecision is how long it takes from the moment at which a replication fails
// to the commit of the alert, by the doorbell: over the loopback, without a store.
func BenchmarkFailureToDecision(b *testing.B) {
	for _, documents := range []int{150, 2000} {
		b.Run(fmt.Sprint(documents), func(b *testing.B) {
			took := failures(b, documents, 100, func() {
				<-time.After(300 * time.Millisecond) // longer than a ring rests
			})
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[(len(took)*99+99)/100-1].Microseconds())/1000, "p99-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// How soon is measured by the benchmark above; here it is enough that nobody waited for the hour.
func TestAFailureIsToldLongBeforeTheNextCheckIsDue(t *testing.T) {
	if took := failures(t, 300, 3, func() {}); took[len(took)-1] > 30*time.Second {
		t.Errorf("from a failure to its alert, with an hourly check: got %v, want the doorbell to ring", took)
	}
}
