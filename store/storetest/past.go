package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchdog/alert"
	"watchdog/history"
	"watchdog/snapshot"
)

// orders is the replication that history is kept of.
var orders = alert.Subject{Server: "prod", Database: "_replicator", DocID: "orders"}

// moved are points of which each has written one document more, every so many seconds.
func moved(from time.Time, every time.Duration, n int) []history.Point {
	var points []history.Point
	for i := range n {
		points = append(points, history.NewPoint(from.Add(time.Duration(i)*every), &snapshot.Replication{
			DocsWritten: int64(i), Known: snapshot.Fields(0).With(snapshot.FieldDocsWritten),
		}))
	}
	return points
}

// past is a row of what happened to a document.
func past(doc string, points []history.Point, events ...history.Event) history.Row {
	r := history.Row{Events: events, Points: history.Pack(points)}
	r.Key = snapshot.Key{Database: "_replicator", DocID: doc}
	if len(points) > 0 {
		r.Begin = points[0].At()
	}
	for _, e := range events {
		if e.Kind == history.Crash {
			r.Crashed = e.At
		} else {
			r.State = e.State
		}
	}
	return r
}

func keep(t testing.TB, s Store, rows ...history.Row) {
	t.Helper()
	must(t, s.KeepHistory(t.Context(), &history.Batch{Server: "prod", Rows: rows}))
}

func became(state snapshot.State, second int) history.Event {
	return history.Event{At: at(second), Kind: history.State, State: state}
}

// tell is what is kept of a replication, in a few words.
func tell(t testing.TB, s Store, of alert.Subject, from time.Time) string {
	t.Helper()
	got, err := s.History(t.Context(), of, from)
	must(t, err)
	var words []string
	for i := range got.Points {
		p := &got.Points[i]
		n, known := p.Value(history.DocsWritten)
		words = append(words, fmt.Sprintf("%.0fs:%d/%t", p.At().Sub(epoch.Truncate(time.Second)).Seconds(), n, known))
	}
	for _, e := range got.Events {
		words = append(words, fmt.Sprintf("%s %s %s%s", e.At.Sub(epoch), e.Kind, e.State, e.Error))
	}
	for _, l := range got.Looks {
		words = append(words, fmt.Sprintf("seen %s-%s", l.Begin.Sub(epoch), l.End.Sub(epoch)))
	}
	return strings.Join(words, ", ")
}

var pastTests = []contract{
	{"what a replication did is given back", func(t *testing.T, s Store) {
		crash := history.Event{At: at(40), Kind: history.Crash, Error: "no answer ✗"}
		keep(t, s, past("orders", moved(at(0), 30*time.Second, 3), became("running", 0), crash))
		keep(t, s, past("audit", moved(at(0), 30*time.Second, 1), became("failed", 5)))
		equal(t, "History", "0s:0/true, 30s:1/true, 60s:2/true, 0s state running, 40s crash no answer ✗", tell(t, s, orders, at(-60)))
		equal(t, "History of another server", "", tell(t, s, alert.Subject{Server: "dr", Database: "_replicator", DocID: "orders"}, at(0)))
	}},
	{"what was so at a time comes first", func(t *testing.T, s Store) {
		keep(t, s, past("orders", moved(at(0), 30*time.Second, 2), became("pending", 0), became("running", 30)))
		keep(t, s, past("orders", moved(at(600), 30*time.Second, 2), became("crashing", 600)))
		equal(t, "History from 100 s", "0s:0/true, 30s:1/true, 600s:0/true, 630s:1/true, 30s state running, 10m0s state crashing", tell(t, s, orders, at(100)))
		equal(t, "History from 1000 s", "600s:0/true, 630s:1/true, 10m0s state crashing", tell(t, s, orders, at(1000)))
	}},
	{"an event and a row that are there already are not kept twice", func(t *testing.T, s Store) {
		for range 2 {
			keep(t, s, past("orders", moved(at(0), time.Second, 1), became("running", 0)))
		}
		equal(t, "History", "0s:0/true, 0s state running", tell(t, s, orders, at(0)))
	}},
	{"of many that are kept at once each has its own", func(t *testing.T, s Store) {
		var rows, more []history.Row
		for i := range 300 {
			rows = append(rows, past(fmt.Sprint("orders", i), moved(at(i), time.Second, 1), became("running", i)))
			more = append(more, past(fmt.Sprint("orders", i), moved(at(1000+i), time.Second, 1)))
		}
		more[7].Events = append(more[7].Events, became("failed", 1007))
		odd := past("a\x00b", moved(at(5), time.Second, 2))
		keep(t, s, rows...)
		keep(t, s, append(more, odd)...)
		keep(t, s, odd)
		for doc, want := range map[string]string{
			"orders7":   "7s:0/true, 1007s:0/true, 7s state running, 16m47s state failed",
			"orders8":   "8s:0/true, 1008s:0/true, 8s state running",
			"orders299": "299s:0/true, 1299s:0/true, 4m59s state running",
			"a\x00b":    "5s:0/true, 6s:1/true",
		} {
			equal(t, "History of "+doc, want, tell(t, s, alert.Subject{Server: "prod", Database: "_replicator", DocID: doc}, at(0)))
		}
	}},
	{"a look grows", func(t *testing.T, s Store) {
		for _, end := range []int{10, 20} {
			must(t, s.KeepHistory(t.Context(), &history.Batch{Server: "prod", Looks: []history.Span{{Begin: at(0), End: at(end)}}}))
		}
		keep(t, s, past("orders", nil, became("running", 0)))
		equal(t, "History", "0s state running, seen 0s-20s", tell(t, s, orders, at(0)))
		equal(t, "History after it", "0s state running", tell(t, s, orders, at(30)))
	}},
	{"the last states and crashes of a server are remembered, but of what is gone", func(t *testing.T, s Store) {
		keep(t, s, past("orders", nil, became("running", 0), history.Event{At: at(9), Kind: history.Crash}), past("audit", nil, became("failed", 0)))
		keep(t, s, past("audit", nil, history.Event{At: at(10), Kind: history.Gone}))
		got, err := s.Remembered(t.Context(), "prod")
		must(t, err)
		want := []history.Remembered{{Key: snapshot.Key{Database: "_replicator", DocID: "orders"}, State: "running", Crashed: at(9)}}
		equal(t, "Remembered", want, got)
	}},
	{"of one that flaps the latest events are kept", func(t *testing.T, s Store) {
		for i := range history.MaxEvents / 10 * 2 {
			var some []history.Event
			for j := range 10 {
				some = append(some, became([...]snapshot.State{"running", "crashing"}[j%2], i*10+j))
			}
			keep(t, s, past("orders", nil, some...))
		}
		got, err := s.History(t.Context(), orders, at(0))
		must(t, err)
		if n := len(got.Events); n < history.MaxEvents || n > history.MaxEvents+1 || !got.Events[n-1].At.Equal(at(2*history.MaxEvents-1)) {
			t.Errorf("events: got %d, the last at %v, want the latest %d", n, got.Events[n-1].At, history.MaxEvents)
		}
	}},
	{"old points are folded, from level to level", testFold},
	{"pruning deletes old history, and what nothing is left of", func(t *testing.T, s Store) {
		long := 24 * time.Hour
		keep(t, s, past("orders", moved(at(0), time.Second, 2), became("running", 0)), past("audit", moved(at(0).Add(50*long), time.Second, 1)))
		must(t, s.KeepHistory(t.Context(), &history.Batch{Server: "prod", Looks: []history.Span{{Begin: at(0), End: at(10)}}}))
		n, err := s.Prune(t.Context(), at(0).Add(20*long))
		must(t, err)
		equal(t, "Prune", 4, n) // an event, a row of points, a look, and the replication itself
		equal(t, "History", "", tell(t, s, orders, at(0)))
	}},
}

// testFold keeps two days of looks as they come, in rows of ten minutes, and folds them later and
// later.
func testFold(t *testing.T, s Store) {
	begin := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	all := moved(begin, 30*time.Second, 2*24*120)
	for i := 0; i < len(all); i += 20 {
		keep(t, s, past("orders", all[i:i+20]))
	}
	end := begin.Add(48 * time.Hour)
	for _, test := range []struct {
		name   string
		now    time.Time
		points int
	}{
		// The last hour is whole, the five before it are of minutes, the rest of ten.
		{"at once", end, 120 + 5*60 + 42*6},
		{"a second time", end, 120 + 5*60 + 42*6},
		{"four days later", end.Add(96 * time.Hour), 48},
		{"long after", end.Add(1000 * time.Hour), 8},
	} {
		_, err := s.FoldHistory(t.Context(), test.now)
		must(t, err)
		got, err := s.History(t.Context(), orders, begin)
		must(t, err)
		if len(got.Points) != test.points {
			t.Errorf("points, folded %s: got %d, want %d", test.name, len(got.Points), test.points)
		}
		last := got.Points[len(got.Points)-1]
		if n, _ := last.Value(history.DocsWritten); n != int64(len(all)-1) {
			t.Errorf("the last point, folded %s: got %d, want %d", test.name, n, len(all)-1)
		}
	}
}
