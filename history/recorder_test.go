package history_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchdog/alert"
	"watchdog/history"
	"watchdog/snapshot"
)

// keeper keeps history in memory.
type keeper struct {
	full atomic.Bool // the disk is
	rows map[snapshot.Key][]history.Row
	look []history.Span
	fold int
}

func (k *keeper) Remembered(context.Context, string) ([]history.Remembered, error) {
	var all []history.Remembered
	for _, rows := range k.rows {
		all = append(all, rows[len(rows)-1].Remembered)
	}
	return all, nil
}

func (k *keeper) KeepHistory(_ context.Context, b *history.Batch) error {
	if k.full.Load() {
		return errors.New("database or disk is full")
	}
	for _, r := range b.Rows {
		k.rows[r.Key] = append(k.rows[r.Key], r)
	}
	for _, l := range b.Looks {
		l.Begin, l.End = l.Begin.Truncate(time.Microsecond), l.End.Truncate(time.Microsecond)
		k.look = slices.DeleteFunc(k.look, func(o history.Span) bool { return o.Begin.Equal(l.Begin) })
		k.look = append(k.look, l)
	}
	return nil
}

func (k *keeper) FoldHistory(context.Context, time.Time) (int, error) {
	k.fold++
	return 0, nil
}

func (k *keeper) History(_ context.Context, of alert.Subject, _ time.Time) (*history.Past, error) {
	past := &history.Past{Looks: slices.Clone(k.look)}
	for _, r := range k.rows[snapshot.Key{Database: of.Database, DocID: of.DocID}] {
		past.Points, _ = history.Unpack(past.Points, r.Points)
		past.Events = append(past.Events, r.Events...)
	}
	slices.SortFunc(past.Events, func(a, b history.Event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind)) })
	return past, nil
}

// film is a recorder inside a bubble, shown a look every 30 s.
type film struct {
	t      *testing.T
	keeper *keeper
	began  time.Time
	log    bytes.Buffer
	*history.Recorder
	stop func() // tells it to stop, and waits until it has
}

func newFilm(t *testing.T, k *keeper) *film {
	f := &film{t: t, keeper: k, began: time.Now()}
	f.start()
	return f
}

func (f *film) start() {
	f.Recorder = history.NewRecorder(f.keeper, slog.New(slog.NewTextHandler(&f.log, nil)))
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan struct{})
	go func() { f.Run(ctx); close(done) }()
	f.stop = func() { cancel(); <-done }
}

// shot is a replication as it is seen: its state, and how many documents it has written.
func shot(state snapshot.State, written int64, crashes ...time.Time) *snapshot.Replication {
	r := &snapshot.Replication{
		Key: snapshot.Key{Database: "_replicator", DocID: "orders"}, State: state, DocsWritten: written, Error: "no answer",
		Known: snapshot.Fields(0).With(snapshot.FieldState, snapshot.FieldDocsWritten, snapshot.FieldError, snapshot.FieldHistory),
	}
	for _, at := range crashes {
		r.History = append([]snapshot.Event{{Type: snapshot.Crashed, At: at, Reason: "timeout"}}, r.History...)
	}
	return r
}

// shoot shows looks; nil is one that was cut short.
func (f *film) shoot(shots ...*snapshot.Replication) {
	for _, r := range shots {
		s := &snapshot.Snapshot{Server: "prod", At: time.Now().UTC()}
		if r == nil {
			s.Gaps = []snapshot.Gap{{Part: snapshot.Jobs, Err: errors.New("connection refused")}}
		} else {
			s.Replications = []*snapshot.Replication{r}
		}
		f.Observe(s)
		time.Sleep(30 * time.Second)
	}
}

// want compares all that is known with a few words.
func (f *film) want(want string) {
	f.t.Helper()
	synctest.Wait()
	past, err := f.Past(f.t.Context(), alert.Subject{Server: "prod", Database: "_replicator", DocID: "orders"}, f.began)
	if err != nil {
		f.t.Fatal(err)
	}
	second := func(at time.Time) int { return int(at.Sub(f.began).Seconds()) }
	var words []string
	for i := range past.Points {
		word := fmt.Sprintf("%d:?", second(past.Points[i].At()))
		if n, known := past.Points[i].Value(history.DocsWritten); known {
			word = fmt.Sprintf("%d:%d", second(past.Points[i].At()), n)
		}
		words = append(words, word)
	}
	for _, e := range past.Events {
		words = append(words, fmt.Sprintf("%d %s %s", second(e.At), e.Kind, cmp.Or(string(e.State), "-")))
	}
	for _, l := range past.Looks {
		words = append(words, fmt.Sprintf("seen %d-%d", second(l.Begin), second(l.End)))
	}
	if got := strings.Join(words, ", "); got != want {
		f.t.Errorf("Past:\n got %s\nwant %s", got, want)
	}
}

func TestWhatIsKept(t *testing.T) {
	running := func(n int64) *snapshot.Replication { return shot("running", n) }
	for _, tt := range []struct {
		name string
		do   func(f *film)
		want string
	}{
		{
			"what moves has a point at each look", func(f *film) { f.shoot(running(0), running(5), running(9)) },
			"0:0, 30:5, 60:9, 0 state running, seen 0-60",
		},
		{
			"what stands has none, but where it moves again", func(f *film) { f.shoot(running(0), running(0), running(0), running(5)) },
			"0:0, 60:0, 90:5, 0 state running, seen 0-90",
		},
		{
			"a change of state", func(f *film) { f.shoot(running(0), shot("pending", 0), running(0)) },
			"0:0, 0 state running, 30 state pending, 60 state running, seen 0-60",
		},
		{"a crash is told once, at its own time", func(f *film) {
			crash := f.began.Add(10 * time.Second)
			f.shoot(running(0), shot("crashing", 0, crash), shot("crashing", 0, crash), shot("crashing", 0, crash, f.began.Add(80*time.Second)))
		}, "0:0, 0 state running, 10 crash -, 30 state crashing, 80 crash -, seen 0-90"},
		{
			"a look that is cut short is a gap", func(f *film) { f.shoot(running(0), nil, running(5)) },
			"0:0, 60:5, 0 state running, seen 0-0, seen 60-60",
		},
		{"what a look does not show is unknown from then on", func(f *film) {
			f.shoot(running(0), running(0))
			f.Observe(&snapshot.Snapshot{Server: "prod", At: time.Now()})
			f.Observe(&snapshot.Snapshot{Server: "prod", At: time.Now()})
		}, "0:0, 30:0, 60:?, 0 state running, seen 0-60"},
		{"one that was deleted is gone, and may come back", func(f *film) {
			f.shoot(running(3))
			f.Observe(&snapshot.Snapshot{Server: "prod", At: time.Now(), Asked: map[snapshot.Key]snapshot.Answer{running(0).Key: {Missing: true}}})
			time.Sleep(30 * time.Second)
			f.shoot(running(1))
		}, "0:3, 30:?, 60:1, 0 state running, 30 gone -, 60 state running, seen 0-60"},
		{"after a stop all of it is there, and nothing is told twice", func(f *film) {
			crash := f.began.Add(10 * time.Second)
			f.shoot(running(0), shot("running", 7, crash))
			f.stop()
			f.start()
			f.shoot(shot("running", 7, crash), shot("running", 8, crash))
		}, "0:0, 30:7, 60:7, 90:8, 0 state running, 10 crash -, seen 0-30, seen 60-90"},
		{"what stands has a point a day", func(f *film) {
			for range 3 {
				f.shoot(running(1))
				time.Sleep(24*time.Hour - 30*time.Second)
			}
		}, "0:1, 86400:1, 172800:1, 0 state running, seen 0-172800"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFilm(t, &keeper{rows: map[snapshot.Key][]history.Row{}})
				tt.do(f)
				f.want(tt.want)
				f.stop()
				f.want(tt.want) // from the keeper alone
			})
		})
	}
}

// A look every second for 25 minutes, a little after full seconds, as a clock would have it: some
// of the points give way, none of the time does.
func TestPointsThatWaitAreThinnedNotDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(123456789 * time.Nanosecond)
		f := newFilm(t, &keeper{rows: map[snapshot.Key][]history.Row{}})
		of := alert.Subject{Server: "prod", Database: "_replicator", DocID: "orders"}
		for n := range 1500 {
			f.Observe(&snapshot.Snapshot{Server: "prod", At: time.Now().UTC(), Replications: []*snapshot.Replication{shot("running", int64(n)<<40)}})
			time.Sleep(time.Second)
			if n%100 != 99 {
				continue
			}
			synctest.Wait()
			past, err := f.Past(t.Context(), of, f.began)
			if err != nil {
				t.Fatal(err)
			}
			last := f.began
			for _, p := range past.Points {
				if wait := p.At().Sub(last); wait > 10*time.Second {
					t.Fatalf("after %d looks: got no point for %v before %v, want one every few seconds", n+1, wait, p.At())
				}
				last = p.At()
			}
			if age := time.Since(last); age > 5*time.Second || len(past.Looks) != 1 {
				t.Fatalf("after %d looks: got a last point %v old and %d spans, want a new one and 1", n+1, age, len(past.Looks))
			}
		}
		f.stop()
	})
}

func TestAFullDiskIsLoggedOnceAndLittleIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFilm(t, &keeper{rows: map[snapshot.Key][]history.Row{}})
		f.keeper.full.Store(true)
		for n := range int64(40) {
			f.shoot(shot("running", n))
		}
		f.keeper.full.Store(false)
		time.Sleep(11 * time.Minute)
		f.stop()
		if got := strings.Count(f.log.String(), "level=ERROR"); got != 1 || f.Missed() < 2 {
			t.Errorf("errors: got %d logged and %d counted, want 1 and more", got, f.Missed())
		}
		if !strings.Contains(f.log.String(), "history is kept again") || f.keeper.fold == 0 {
			t.Errorf("when there is space: got the log\n%s", f.log.String())
		}
		past, err := f.Past(t.Context(), alert.Subject{Server: "prod", Database: "_replicator", DocID: "orders"}, f.began)
		if err != nil || len(past.Points) != 40 {
			t.Errorf("points: got %d and error %v, want 40", len(past.Points), err)
		}
	})
}

// Points of many servers are not written all at once, and none of them waits for longer than ten
// minutes.
func TestServersTakeTurnsToBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &turns{keeper: keeper{rows: map[snapshot.Key][]history.Row{}}, servers: map[string]time.Time{}}
		f := &film{t: t, keeper: &k.keeper, began: time.Now()}
		f.Recorder = history.NewRecorder(k, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { f.Run(ctx); close(done) }()
		for n := range int64(21) {
			for i := range 60 {
				f.Observe(&snapshot.Snapshot{Server: fmt.Sprint("server", i), At: time.Now().UTC(), Replications: []*snapshot.Replication{shot("running", n)}})
			}
			time.Sleep(30 * time.Second)
		}
		synctest.Wait()
		if len(k.servers) != 60 || k.most > 10 {
			t.Errorf("after ten and a half minutes: got %d servers kept, %d at one moment, want all 60 and 10 at most", len(k.servers), k.most)
		}
		cancel()
		<-done
	})
}

// turns notes when the points of each server are kept first.
type turns struct {
	keeper
	servers map[string]time.Time
	most    int // at one moment
}

func (k *turns) KeepHistory(ctx context.Context, b *history.Batch) error {
	if _, known := k.servers[b.Server]; !known && len(b.Looks) > 0 {
		k.servers[b.Server] = time.Now()
		now := 0
		for _, at := range k.servers {
			if at.Equal(time.Now()) {
				now++
			}
		}
		k.most = max(k.most, now)
	}
	return k.keeper.KeepHistory(ctx, b)
}

// Whoever shows a look does not wait, even for a recorder that does not run.
func TestALookIsHandedOverWithoutWaiting(t *testing.T) {
	r := history.NewRecorder(&keeper{}, slog.New(slog.DiscardHandler))
	for range 1000 {
		r.Observe(&snapshot.Snapshot{})
	}
	if r.Missed() == 0 {
		t.Error("Missed: got 0 of 1000 looks that nobody took, want some")
	}
}
