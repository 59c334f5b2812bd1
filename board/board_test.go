package board_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/cycle"
	"watchdog/snapshot"
	"watchdog/watch"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// look is a snapshot of some documents; without any it was cut short.
func look(seconds int, docs ...string) *snapshot.Snapshot {
	s := &snapshot.Snapshot{Server: "prod", At: at(seconds)}
	for _, doc := range docs {
		s.Replications = append(s.Replications, &snapshot.Replication{Key: snapshot.Key{Database: "_replicator", DocID: doc}})
	}
	if len(docs) == 0 {
		s.Gaps = []snapshot.Gap{{Part: snapshot.Jobs, Err: errors.New("connection refused")}}
	}
	return s
}

func report(s *snapshot.Snapshot) *watch.Report {
	return &watch.Report{
		Server: "prod", Check: "all", Began: s.At, Elapsed: time.Second, Next: s.At.Add(30 * time.Second), Overdue: s.At.Add(time.Minute),
		Snapshot: s, Outcome: &cycle.Outcome{},
	}
}

func newBoard() *board.Board {
	return board.New([]board.Server{{Name: "prod", Checks: []string{"all"}}, {Name: "dr"}})
}

func TestWhatAServerDoesNotShowStaysAsItWasLastSeen(t *testing.T) {
	whole, broken := look(30, "orders"), look(60)
	for _, tt := range []struct {
		name         string
		looks        []*snapshot.Snapshot
		looked, seen *snapshot.Snapshot
		failing      time.Time
	}{
		{"before the first look", nil, nil, nil, time.Time{}},
		{"a whole look", []*snapshot.Snapshot{whole}, whole, whole, time.Time{}},
		{"one cut short after it", []*snapshot.Snapshot{whole, broken}, broken, whole, at(60)},
		{"two cut short, the first says since when", []*snapshot.Snapshot{look(10), broken}, broken, broken, at(10)},
		{"whole again", []*snapshot.Snapshot{look(10), whole}, whole, whole, time.Time{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBoard()
			for _, s := range tt.looks {
				b.Report(report(s))
			}
			v := b.Server("prod")
			if v.Looked != tt.looked || v.Seen != tt.seen || !v.FailingSince.Equal(tt.failing) {
				t.Errorf("View: got looked %v, seen %v, failing since %v, want %v, %v, %v",
					v.Looked, v.Seen, v.FailingSince, tt.looked, tt.seen, tt.failing)
			}
		})
	}
}

func TestHowAChecksRunsWent(t *testing.T) {
	b := newBoard()
	b.Report(report(look(0, "orders")))
	b.Report(report(look(30))) // decided, but on a look that was cut short
	undecided := report(look(60, "orders"))
	undecided.Outcome, undecided.Err = nil, errors.New("disk full")
	b.Report(undecided)

	got := b.Server("prod").Checks[0]
	if got.Err == nil || got.Err.Error() != "disk full" {
		t.Errorf("Err: got %v, want disk full", got.Err)
	}
	got.Err = nil
	want := board.Check{
		Name: "all", Runs: 3, Failures: 2, Began: at(60), Elapsed: time.Second, Next: at(90), Overdue: at(120),
		LastGood: at(1), Undecided: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Check (-want +got):\n%s", diff)
	}
}

func TestAlertsAreThoseOfAllServersTheWorstFirst(t *testing.T) {
	b := newBoard()
	one := func(rule string, status alert.Status, severity alert.Severity, seconds int) alert.Alert {
		return alert.Alert{Rule: rule, Status: status, Severity: severity, StartsAt: at(seconds)}
	}
	b.Report(&watch.Report{Server: "prod", Alerts: []alert.Alert{
		one("waits", alert.StatusPending, alert.Critical, 9), one("old", alert.StatusFiring, alert.Warning, 1), one("late", alert.StatusFiring, alert.Warning, 5),
	}})
	b.Report(&watch.Report{Server: "dr", Alerts: []alert.Alert{one("bad", alert.StatusFiring, alert.Critical, 0)}})
	b.Report(&watch.Report{Server: "unknown", Alerts: []alert.Alert{one("none", alert.StatusFiring, alert.Critical, 0)}})
	var got []string
	for _, a := range b.Alerts() {
		got = append(got, a.Rule)
	}
	if diff := cmp.Diff([]string{"bad", "late", "old", "waits"}, got); diff != "" {
		t.Errorf("Alerts (-want +got):\n%s", diff)
	}
}

// A view that a reader has is whole, and stays as it is while the owner goes on.
func TestReadersSeeWholeViews(t *testing.T) {
	b := newBoard()
	var running sync.WaitGroup
	running.Go(func() {
		for i := range 500 {
			b.Report(report(look(i, "orders")))
		}
	})
	for last := uint64(0); last < 500; {
		v := b.Server("prod")
		if v.Revision < last {
			t.Fatalf("Revision: got %d after %d", v.Revision, last)
		}
		if last = v.Revision; last > 0 && (int(last) != v.Checks[0].Runs || !v.Checks[0].Began.Equal(v.Looked.At)) {
			t.Fatalf("View %d: got a check that ran %d times, at %v, beside a look of %v", last, v.Checks[0].Runs, v.Checks[0].Began, v.Looked.At)
		}
	}
	running.Wait()
}
