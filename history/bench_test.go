package history_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"watchdog/history"
	"watchdog/snapshot"
	"watchdog/store"
)

// server is one whose replications write documents.
type server struct {
	at   time.Time
	rows []*snapshot.Replication
}

func newServer(n int) *server {
	s := &server{at: epoch}
	for i := range n {
		s.rows = append(s.rows, &snapshot.Replication{
			Key:   snapshot.Key{Database: "_replicator", DocID: fmt.Sprintf("replication-of-department-%05d", i)},
			State: snapshot.Running, Known: snapshot.Fields(0).With(fields[:]...).With(snapshot.FieldState),
		})
	}
	return s
}

// look is the next look, 30 s later: some of the replications moved, each in its own way.
func (s *server) look(moving int) *snapshot.Snapshot {
	s.at = s.at.Add(30 * time.Second)
	rows := make([]*snapshot.Replication, len(s.rows))
	copy(rows, s.rows)
	for i := range moving {
		r := *rows[i]
		n := int64(i*7919)%3000 + s.at.Unix()%97
		r.DocsWritten, r.DocsRead, r.RevisionsChecked = r.DocsWritten+n, r.DocsRead+n, r.RevisionsChecked+2*n
		r.ChangesPending = (r.ChangesPending + n) % 10_000
		rows[i] = &r
	}
	s.rows = rows
	return &snapshot.Snapshot{Server: "prod", At: s.at, Replications: rows}
}

// BenchmarkTenMinutes is what history costs of 20,000 replications that are looked at every 30 s:
// twenty looks, and keeping what they showed.
func BenchmarkTenMinutes(b *testing.B) {
	for _, moving := range []int{200, 20_000} {
		b.Run(fmt.Sprintf("%d of 20000 move", moving), func(b *testing.B) {
			kept := open(b, filepath.Join(b.TempDir(), "watchdog.db"))
			r := history.NewRecorder(kept, slog.New(slog.DiscardHandler))
			s := newServer(20_000)
			r.Look(b.Context(), s.look(20_000))
			for b.Loop() {
				for range 20 {
					b.StopTimer()
					look := s.look(moving)
					b.StartTimer()
					r.Look(b.Context(), look)
				}
				if err := r.Keep(b.Context()); err != nil {
					b.Fatal(err)
				}
				if _, err := kept.FoldHistory(b.Context(), s.at); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(100*b.Elapsed().Seconds()/float64(b.N)/600, "%core")
		})
	}
}

// BenchmarkOnDisk is how large history grows: the bytes of a replication that moves at every look.
func BenchmarkOnDisk(b *testing.B) {
	const replications = 100
	for _, days := range []int{1, 90} {
		b.Run(fmt.Sprintf("%d days", days), func(b *testing.B) {
			for b.Loop() {
				path := filepath.Join(b.TempDir(), "watchdog.db")
				kept := open(b, path)
				r := history.NewRecorder(kept, slog.New(slog.DiscardHandler))
				s := newServer(replications)
				for range days * 144 {
					for range 20 {
						r.Look(b.Context(), s.look(replications))
					}
					if err := r.Keep(b.Context()); err != nil {
						b.Fatal(err)
					}
					if _, err := kept.FoldHistory(b.Context(), s.at); err != nil {
						b.Fatal(err)
					}
				}
				if err := kept.Close(); err != nil {
					b.Fatal(err)
				}
				info, err := os.Stat(path)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(info.Size())/replications, "B/replication")
			}
		})
	}
}

func open(b *testing.B, path string) *store.DB {
	b.Helper()
	kept, err := store.Open(b.Context(), path, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { kept.Close() })
	return kept
}
