package store_test

import (
	"fmt"
	"testing"
	"time"

	"watchdog/outbox"
)

func BenchmarkCommitChanges(b *testing.B) {
	for _, n := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, o := open(b, newFile(b)), changes(n)
			for b.Loop() {
				if err := s.Commit(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "changes/s")
		})
	}
}

func BenchmarkFirstLoadOf100000(b *testing.B) {
	o := changes(100_000)
	for name, place := range map[string]func(testing.TB) string{"sqlite": newFile, "postgres": postgres.Schema} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := open(b, place(b)).Commit(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCommitOfThreeChangesToPostgres(b *testing.B) {
	s, o := open(b, postgres.Schema(b)), changes(3)
	for b.Loop() {
		if err := s.Commit(b.Context(), o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommitAlarmsOf1000(b *testing.B) {
	s, from := open(b, newFile(b)), 0
	for b.Loop() {
		if err := s.Commit(b.Context(), alarm(1000, from)); err != nil {
			b.Fatal(err)
		}
		from += 1000
	}
}

func BenchmarkLoad100000(b *testing.B) {
	s := open(b, newFile(b))
	if err := s.Commit(b.Context(), changes(100_000)); err != nil {
		b.Fatal(err)
	}
	var got count
	for b.Loop() {
		if err := s.Restore(b.Context(), "prod", &got); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(got.replications)/b.Elapsed().Seconds(), "replications/s")
}

// BenchmarkClaimAmong100000 claims from queues that are full in different ways.
func BenchmarkClaimAmong100000(b *testing.B) {
	now := epoch.Add(time.Hour)
	for _, test := range []struct {
		name   string
		groups int
		state  string // SQL
	}{
		{"behind a hundred that are not due", 100, "UPDATE outbox SET status = 'retrying', next_at = 1<<60 WHERE behind IS NULL"},
		{"never tried", 100_000, ""},
		{"not due", 100_000, "UPDATE outbox SET status = 'retrying', next_at = 1<<60"},
		{"due again", 100_000, "UPDATE outbox SET status = 'retrying', next_at = 1 + seq * 7919 % 100000"},
	} {
		b.Run(test.name, func(b *testing.B) {
			s, o := open(b, newFile(b)), alarm(100_000, 0)
			for i := range o.Messages {
				o.Messages[i].Group = map[string]string{"n": fmt.Sprint(i % test.groups)}
			}
			if err := s.Commit(b.Context(), o); err != nil {
				b.Fatal(err)
			}
			if _, err := s.Writer().ExecContext(b.Context(), test.state); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, _, err := s.Claim(b.Context(), outbox.Request{Sink: "oncall", Now: now, Limit: 16}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
