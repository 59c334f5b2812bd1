package outbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/outbox"
	"watchdog/outbox/outboxtest"
)

var errFull = errors.New("disk full")

// failing fails the named calls of a queue.
func failing(calls ...string) func(string) error {
	return func(call string) error {
		for _, c := range calls {
			if c == call {
				return errFull
			}
		}
		return nil
	}
}

func TestWorkerWithAQueueThatFails(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fails   string // this call, from the beginning and for 10 s
		answers script
		seen    string
		noted   string
	}{
		{
			name: "what cannot be claimed is sent when it can", fails: "Claim",
			seen: "12s a, 12s b", noted: "a sent 12s, b sent 12s",
		},
		{
			name: "what cannot be noted as sent is not sent again, nor anything else, until it can", fails: "Sent",
			seen: "0s a, 12s b", noted: "a sent 0s, b sent 12s",
		},
		{
			name: "what cannot be noted as failed is not tried again until it can", fails: "Retry",
			answers: script{"a": {down}},
			seen:    "0s a, 12s b, 12s a", noted: "a sent 12s, b sent 12s",
		},
		{
			name: "what cannot be buried is not tried again", fails: "Bury",
			answers: script{"a": {refused}},
			seen:    "0s a, 12s b", noted: "a dead 0s after 1: post: 410, b sent 12s",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, tt.answers, nil)
				s.queue.Fail(failing(tt.fails))
				s.add(letter("a"), letter("b"))
				for range 10 {
					time.Sleep(time.Second)
					s.worker.Wake() // which does not make it ask more often
				}
				s.queue.Fail(nil)
				time.Sleep(time.Minute)
				if err := s.end(); err != nil {
					t.Errorf("Run: got error %v, want none", err)
				}
				if got := s.seen(); got != tt.seen {
					t.Errorf("attempts:\n got %s\nwant %s", got, tt.seen)
				}
				if got := s.noted(); got != tt.noted {
					t.Errorf("notes:\n got %s\nwant %s", got, tt.noted)
				}
			})
		})
	}
}

func TestWorkerGoesOnSoonAfterAQueueThatWasAwayForLong(t *testing.T) {
	for _, call := range []string{"Claim", "Sent"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, nil, nil)
				s.queue.Fail(failing(call))
				s.add(letter("a"))
				time.Sleep(10 * time.Minute)
				s.queue.Fail(nil)
				s.add(letter("b"))
				time.Sleep(5 * time.Second)
				if got := s.noted(); strings.Contains(got, "queued") {
					t.Errorf("5 s after the queue is back: got %s, want both sent", got)
				}
			})
		})
	}
}

func TestWorkerLogsAFailingQueueOncePerChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil, nil)
		s.queue.Fail(failing("Claim"))
		s.worker.Wake()
		time.Sleep(20 * time.Second)
		s.queue.Fail(func(string) error { return errors.New("disk gone") })
		time.Sleep(20 * time.Second)
		s.queue.Fail(nil)
		time.Sleep(time.Minute)
		if err := s.end(); err != nil {
			t.Errorf("Run: got error %v, want none", err)
		}
		want := strings.TrimLeft(`
time=0s level=ERROR msg="queue failed" sink=hook err="disk full"
time=22s level=ERROR msg="queue failed" sink=hook err="disk gone"
time=42s level=INFO msg="queue works again" sink=hook
`, "\n")
		if diff := cmp.Diff(want, s.log.String()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestWorkerStopsWhileItsQueueFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil, nil)
		s.queue.Fail(failing("Sent"))
		s.add(letter("a"))
		time.Sleep(time.Minute)
		err := s.end()
		if got, want := time.Since(s.began), time.Minute; got != want {
			t.Errorf("Run returned after %v, want %v", got, want)
		}
		if !errors.Is(err, errFull) {
			t.Errorf("Run: got error %v, want %v", err, errFull)
		}
		if got, want := err.Error(), "note the result of delivery a: disk full"; got != want {
			t.Errorf("Run: got error %q, want %q", got, want)
		}
		if got, want := s.noted(), "a queued"; got != want {
			t.Errorf("notes: got %s, want %s", got, want)
		}
	})
}

func TestWorkerStopsWhileItsQueueFailsAndNotesWhatItCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil, nil)
		s.queue.Fail(failing("Sent"))
		s.add(letter("a"))
		time.Sleep(time.Minute)
		s.queue.Fail(nil) // its next try would be at 1m2s
		if err := s.end(); err != nil {
			t.Errorf("Run: got error %v, want none", err)
		}
		if got, want := s.noted(), "a sent 0s"; got != want {
			t.Errorf("notes: got %s, want %s", got, want)
		}
	})
}

// oddQueue answers Claim in its own way.
type oddQueue struct {
	*outboxtest.Queue
	claim func(ctx context.Context, now time.Time) (next time.Time, err error)
}

func (q oddQueue) Claim(ctx context.Context, r outbox.Request) ([]outbox.Item, time.Time, error) {
	next, err := q.claim(ctx, r.Now)
	return nil, next, err
}

func (oddQueue) ClockSet(context.Context, outbox.ClockSetting) error { return nil }

func TestWorkerSendsNothingWhileItsQueueDoesNotKnowTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil, func(o *outbox.Options) { o.Queue.(*outboxtest.Queue).Fail(failing("ClockSet")) })
		s.add(letter("a"))
		time.Sleep(10 * time.Second)
		s.queue.Fail(nil)
		time.Sleep(time.Minute)
		s.queue.Fail(failing("ClockSet")) // it is not told again, where nobody sets the clock
		s.add(letter("b"))
		time.Sleep(time.Minute)
		if err := s.end(); err != nil {
			t.Errorf("Run: got error %v, want none", err)
		}
		if got, want := s.seen(), "12s a, 1m10s b"; got != want {
			t.Errorf("attempts:\n got %s\nwant %s", got, want)
		}
	})
}

func TestWorkerWithAQueueThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil, func(o *outbox.Options) {
			o.Queue = oddQueue{claim: func(ctx context.Context, _ time.Time) (time.Time, error) {
				<-ctx.Done()
				return time.Time{}, ctx.Err()
			}}
		})
		time.Sleep(7 * time.Second) // the second call has begun at 6 s
		if err := s.end(); err != nil {
			t.Errorf("Run: got error %v, want none", err)
		}
		if got, want := time.Since(s.began), 7*time.Second; got != want {
			t.Errorf("Run returned after %v, want %v", got, want)
		}
		want := "time=5s level=ERROR msg=\"queue failed\" sink=hook err=\"context deadline exceeded\"\n"
		if diff := cmp.Diff(want, s.log.String()); diff != "" {
			t.Errorf("log; being told to stop is no failure of the queue (-want +got):\n%s", diff)
		}
	})
}

func TestWorkerWithAQueueThatRoundsTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := newStage(t, nil, func(o *outbox.Options) {
			o.Queue = oddQueue{claim: func(_ context.Context, now time.Time) (time.Time, error) {
				calls++
				return now.Truncate(time.Second), nil // due, but not given
			}}
		})
		time.Sleep(time.Second)
		if err := s.end(); err != nil {
			t.Errorf("Run: got error %v, want none", err)
		}
		if calls < 10 || calls > 101 {
			t.Errorf("the worker asked %d times in a second, want 10 to 101", calls)
		}
	})
}
