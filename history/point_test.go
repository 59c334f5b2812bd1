package history_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"watchdog/history"
	"watchdog/snapshot"
)

var epoch = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

var fields = [...]snapshot.Field{
	snapshot.FieldDocsWritten, snapshot.FieldDocsRead, snapshot.FieldRevisionsChecked,
	snapshot.FieldDocWriteFailures, snapshot.FieldChangesPending,
}

// value is a counter as a test compares it.
type value struct {
	N     int64
	Known bool
}

func values(p history.Point) (out [len(fields)]value) {
	for i, c := range history.Counters {
		n, known := p.Value(c)
		if known {
			out[i] = value{n, true}
		}
	}
	return out
}

func TestPointsAreUnpackedAsTheyWerePacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var points []history.Point
		second := rapid.Int64Range(0, 1<<33).Draw(t, "from")
		for range rapid.IntRange(0, 20).Draw(t, "points") {
			second += rapid.Int64Range(-5, 1<<20).Draw(t, "seconds")
			number := rapid.Int64Range(-1<<60, 1<<60)
			points = append(points, history.NewPoint(time.Unix(second, 0), &snapshot.Replication{
				Known:       snapshot.Fields(rapid.Uint32Range(0, 1<<25-1).Draw(t, "known")),
				DocsWritten: number.Draw(t, "docs_written"), DocsRead: number.Draw(t, "docs_read"),
				RevisionsChecked: number.Draw(t, "revisions_checked"), DocWriteFailures: number.Draw(t, "doc_write_failures"),
				ChangesPending: number.Draw(t, "changes_pending"),
			}))
		}
		got, err := history.Unpack(nil, history.Pack(points))
		if err != nil || len(got) != len(points) {
			t.Fatalf("Unpack: got %d points and error %v, want %d", len(got), err, len(points))
		}
		for i := range points {
			if !got[i].At().Equal(points[i].At()) || values(got[i]) != values(points[i]) {
				t.Errorf("point %d: got %v %v, want %v %v", i, got[i].At(), values(got[i]), points[i].At(), values(points[i]))
			}
		}
	})
}

func TestARowOfAReplicationThatMovesIsSmall(t *testing.T) {
	var points []history.Point
	for i := range 20 { // ten minutes of looks
		n := int64(i) * 1500
		points = append(points, history.NewPoint(at(30*i), &snapshot.Replication{
			Known:       snapshot.Fields(0).With(fields[:]...),
			DocsWritten: 1_000_000 + n, DocsRead: 1_000_000 + n, RevisionsChecked: 2_000_000 + 2*n, ChangesPending: 500_000 - n,
		}))
	}
	if got := len(history.Pack(points)); got > 240 {
		t.Errorf("a row of 20 points: got %d bytes, want 240 at most", got)
	}
}

func TestFoldingKeepsTheLastPointOfEachStep(t *testing.T) {
	var points []history.Point
	for _, second := range []int{0, 30, 59, 60, 200, 239, 240} {
		points = append(points, history.NewPoint(at(second), &snapshot.Replication{}))
	}
	var got []int
	for _, p := range history.Fold(points, time.Minute) {
		got = append(got, int(p.At().Sub(epoch).Seconds()))
	}
	if diff := cmp.Diff([]int{59, 60, 239, 240}, got); diff != "" {
		t.Errorf("Fold (-want +got):\n%s", diff)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(history.Pack([]history.Point{history.NewPoint(epoch, &snapshot.Replication{DocsRead: 7, Known: 1 << snapshot.FieldDocsRead})}))
	f.Fuzz(func(t *testing.T, row []byte) {
		points, err := history.Unpack(nil, row)
		if err != nil {
			return
		}
		again, err := history.Unpack(nil, history.Pack(points))
		if err != nil || len(again) != len(points) {
			t.Fatalf("Unpack of what was packed: got %d points and error %v, want %d", len(again), err, len(points))
		}
		for i := range points {
			if again[i] != points[i] {
				t.Errorf("point %d: got %v, want %v", i, again[i], points[i])
			}
		}
	})
}
