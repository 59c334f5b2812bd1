package board_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/snapshot"
	"watchdog/watch"
)

// sight is what a replica writes down that has written some replications before.
func sight(t testing.TB, v *board.View, written *snapshot.Snapshot) *board.Sight {
	t.Helper()
	s, err := v.Sight("web-1", written)
	if err != nil {
		t.Fatalf("Sight: %v", err)
	}
	return s
}

// shown is what another replica shows of it.
func shown(t testing.TB, b *board.Board, d *board.Distant, s *board.Sight) *board.View {
	t.Helper()
	if err := d.Take(s); err != nil {
		t.Fatalf("Take: %v", err)
	}
	b.Elsewhere("prod", nil, d)
	return b.Server("prod")
}

// rich is a look at a replication of which everything is known.
func rich() *snapshot.Snapshot {
	return &snapshot.Snapshot{Server: "prod", At: at(0), Version: "3.5.0", Replications: []*snapshot.Replication{{
		Key: snapshot.Key{Database: "_replicator", DocID: "orders"}, Known: ^snapshot.Fields(0),
		ID: "f857+continuous", Node: "couchdb@127.0.0.1", State: snapshot.Crashing, Source: "https://a/orders/", Target: "https://b/orders/",
		ErrorCount: 3, Error: "timeout", Continuous: true, DocsRead: 1, DocsWritten: 2, DocWriteFailures: 3, RevisionsChecked: 4,
		MissingRevisionsFound: 5, ChangesPending: 6, BulkGetDocs: 7, BulkGetAttempts: 8, SourceSeq: "9-g1", ThroughSeq: "10-g1", CheckpointedSourceSeq: "11-g1",
		LastUpdated: at(1), StartTime: at(0), PID: "<0.1.0>", User: "admin", Active: true,
		History: []snapshot.Event{{Type: snapshot.Crashed, At: at(1), Reason: "timeout"}, {Type: snapshot.Added, At: at(0)}},
	}}}
}

func TestWhatAReplicaSeesOthersShow(t *testing.T) {
	here, there := newBoard(), newBoard()
	here.Report(report(rich()))
	failed := report(look(30))
	failed.Snapshot.Version = "3.5.0"
	here.Report(failed)
	want := here.Server("prod")

	got := shown(t, there, new(board.Distant), sight(t, want, nil))
	if !got.Elsewhere || got.Replica != "web-1" || !got.FailingSince.Equal(want.FailingSince) {
		t.Errorf("View: got elsewhere %v, by %q, failing since %v, want true, web-1, %v", got.Elsewhere, got.Replica, got.FailingSince, want.FailingSince)
	}
	if diff := cmp.Diff(want.Seen, got.Seen, cmpopts.IgnoreUnexported(snapshot.Snapshot{})); diff != "" {
		t.Errorf("Seen (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.States, got.States); diff != "" {
		t.Errorf("States (-want +got):\n%s", diff)
	}
	sameText := cmp.Comparer(func(a, b error) bool { return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error() })
	if diff := cmp.Diff(want.Checks, got.Checks, sameText); diff != "" {
		t.Errorf("Checks (-want +got):\n%s", diff)
	}
	if !got.Looked.At.Equal(want.Looked.At) || got.Looked.Err() == nil || got.Looked.Err().Error() != want.Looked.Err().Error() {
		t.Errorf("Looked: got %v at %v, want %v at %v", got.Looked.Err(), got.Looked.At, want.Looked.Err(), want.Looked.At)
	}
}

func TestOnlyWhatDiffersIsWrittenDown(t *testing.T) {
	many := func(seconds int, written int64) *snapshot.Snapshot {
		s := look(seconds, "a", "b", "c", "d")
		s.Replications[2].DocsWritten = written
		return s
	}
	first, second, third, fourth := many(0, 1), many(30, 1), many(60, 2), look(90, "a", "b", "d")
	for _, tt := range []struct {
		name        string
		before, now *snapshot.Snapshot
		want        int
	}{
		{"the first time all parts are, so that none of a time before is left", nil, first, 32},
		{"a look that shows the same writes none", first, second, 0},
		{"a counter that moved writes its part", second, third, 1},
		{"so does a replication that is gone", third, fourth, 1},
		{"and one that comes", fourth, third, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBoard()
			b.Report(report(tt.now))
			if got := len(sight(t, b.Server("prod"), tt.before).Parts); got != tt.want {
				t.Errorf("Parts: got %d, want %d", got, tt.want)
			}
		})
	}
}

// What is written bit by bit reads as what is written at once.
func TestSightsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		here, there := board.New([]board.Server{{Name: "prod"}}), board.New([]board.Server{{Name: "prod"}})
		var written *snapshot.Snapshot
		var d board.Distant
		for i := range rapid.IntRange(1, 4).Draw(t, "looks") {
			s := &snapshot.Snapshot{Server: "prod", At: at(i)}
			for doc := range 10 {
				if n := rapid.IntRange(0, 3).Draw(t, "written"); n > 0 {
					s.Replications = append(s.Replications, &snapshot.Replication{
						Key: snapshot.Key{Database: "_replicator", DocID: fmt.Sprintf("doc%02d", doc)}, DocsWritten: int64(n),
					})
				}
			}
			here.Report(&watch.Report{Server: "prod", Snapshot: s})
			written1, err := here.Server("prod").Sight("web-1", written)
			if err == nil {
				err = d.Take(written1)
			}
			if err != nil {
				t.Fatal(err)
			}
			written = s
			there.Elsewhere("prod", nil, &d)
			if diff := cmp.Diff(s.Replications, there.Server("prod").Seen.Replications); diff != "" {
				t.Fatalf("after look %d (-seen +shown):\n%s", i, diff)
			}
		}
	})
}

func TestABoardKnowsWhetherThereIsSomethingNewElsewhere(t *testing.T) {
	here, there := newBoard(), newBoard()
	here.Report(report(rich()))
	v, d := here.Server("prod"), new(board.Distant)
	fires := []alert.Alert{{Rule: "failed", Status: alert.StatusFiring}}
	for _, tt := range []struct {
		name   string
		before func() error
		alerts []alert.Alert
		want   bool
	}{
		{"that another replica watches it", nil, nil, true},
		{"the same again", nil, nil, false},
		{"a sight", func() error { return d.Take(sight(t, v, nil)) }, nil, true},
		{"the same sight again", nil, nil, false},
		{"an alert", nil, fires, true},
		{"replications that nobody wants to see any more", func() error { d.Forget(); return nil }, fires, true},
	} {
		if tt.before != nil {
			if err := tt.before(); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
		}
		if _, got := there.Elsewhere("prod", tt.alerts, d); got != tt.want {
			t.Errorf("Elsewhere, %s: got new %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := there.Server("prod"); len(got.Seen.Replications) != 0 || got.States["crashing"] != 1 {
		t.Errorf("View without replications: got %d and states %v, want none and one that crashes", len(got.Seen.Replications), got.States)
	}
}

func TestAServerThatIsTakenOverIsShownAsItWasUntilThereIsALook(t *testing.T) {
	here, there := newBoard(), newBoard()
	here.Report(report(rich()))
	shown(t, there, new(board.Distant), sight(t, here.Server("prod"), nil))

	there.Report(&watch.Report{Server: "prod"})
	got := there.Server("prod")
	if got.Elsewhere || len(got.Seen.Replications) != 1 || got.Checks[0].Runs != 0 {
		t.Errorf("View after it is taken over: got elsewhere %v, %d replications, a check that ran %d times, want false, 1, 0",
			got.Elsewhere, len(got.Seen.Replications), got.Checks[0].Runs)
	}
	if late := there.Late(time.Now()); len(late) == 0 {
		t.Error("Late after it is taken over: got nothing, want the check that has not run here yet")
	}
}

func TestWhatCannotBeReadOfAnotherReplicaIsAnError(t *testing.T) {
	here, there := newBoard(), newBoard()
	here.Report(report(rich()))
	whole := sight(t, here.Server("prod"), nil)
	for name, s := range map[string]*board.Sight{
		"a head":                   {Head: []byte("no head")},
		"a part":                   {Head: whole.Head, Parts: map[int][]byte{1: []byte("no part")}},
		"a head that is cut short": {Head: whole.Head[:len(whole.Head)/2]},
	} {
		d := new(board.Distant)
		if err := d.Take(s); err == nil {
			t.Errorf("Take, %s: got no error", name)
		}
		there.Elsewhere("prod", nil, d)
	}
	if err := errors.Join(new(board.Distant).Take(&board.Sight{Head: whole.Head, Parts: map[int][]byte{99: nil}})); err != nil {
		t.Errorf("Take of a part that there is not: got error %v, want none", err)
	}
}
