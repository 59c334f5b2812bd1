package outbox_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"watchdog/outbox"
	"watchdog/outbox/outboxtest"
)

// stage is one worker with its queue and its receiver, in a synctest bubble. Times are told
// since the bubble began.
type stage struct {
	queue  outboxtest.Queue
	worker *outbox.Worker
	log    bytes.Buffer
	began  time.Time
	many   bool         // attempts run at the same time
	end    func() error // stops the worker and gives the error of Run

	mu      sync.Mutex // guards what follows
	answers script
	saw     []sight
	recalls []string // what each attempt of a thread found in its memory
}

// sight is one attempt that the receiver saw.
type sight struct {
	after time.Duration
	id    string
}

// script is what the receiver answers for each item, attempt by attempt, and after that yes.
type script map[string][]answer

type answer func(ctx context.Context) error

// newStage starts a worker whose back-off has no jitter, after change. It returns when the worker
// has looked for the first time.
func newStage(t *testing.T, answers script, change func(*outbox.Options)) *stage {
	s := &stage{answers: answers, began: time.Now()}
	options := outbox.Options{
		Sink: "hook", Queue: &s.queue, Deliver: s.deliver, Rand: middle,
		Log: slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{ReplaceAttr: s.sinceBegan})),
	}
	if change != nil {
		change(&options)
	}
	s.many = options.Concurrency > 1
	s.worker = outbox.NewWorker(options)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.worker.Run(ctx) }()
	s.end = sync.OnceValue(func() error { stop(); return <-ended })
	t.Cleanup(func() { _ = s.end() })
	synctest.Wait()
	return s
}

// add commits items as the store does: first the items, then the call.
func (s *stage) add(items ...outbox.Item) {
	s.queue.Add(items...)
	s.worker.Wake()
}

func (s *stage) deliver(ctx context.Context, item outbox.Item) ([]byte, error) {
	s.mu.Lock()
	s.saw = append(s.saw, sight{time.Since(s.began), item.ID})
	if item.Thread != "" {
		s.recalls = append(s.recalls, string(item.Memory))
	}
	next := yes
	if left := s.answers[item.ID]; len(left) > 0 {
		next, s.answers[item.ID] = left[0], left[1:]
	}
	s.mu.Unlock()
	err := next(ctx)
	return []byte(string(item.Memory) + item.ID), err
}

// seen is every attempt the receiver saw, in order: "0s a, 1s a". Those that begin together have
// no order; they are told by name.
func (s *stage) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	saw := slices.Clone(s.saw)
	if s.many {
		slices.SortFunc(saw, func(a, b sight) int {
			return cmp.Or(cmp.Compare(a.after, b.after), cmp.Compare(a.id, b.id))
		})
	}
	attempts := make([]string, len(saw))
	for i, a := range saw {
		attempts[i] = fmt.Sprint(a.after, " ", a.id)
	}
	return strings.Join(attempts, ", ")
}

// noted is what the queue knows of each item: "a sent 0s, b retrying 4s after 2: 503".
func (s *stage) noted() string {
	var notes []string
	for _, e := range s.queue.Entries() {
		note := e.ID + " " + string(e.Status)
		switch e.Status {
		case outboxtest.Sent:
			note += fmt.Sprint(" ", e.Done.Sub(s.began))
		case outboxtest.Dead:
			note += fmt.Sprintf(" %v after %d: %s", e.Done.Sub(s.began), e.Attempts, e.Cause)
		case outboxtest.Retrying:
			note += fmt.Sprintf(" %v after %d: %s", e.Next.Sub(s.began), e.Attempts, e.Cause)
		}
		notes = append(notes, note)
	}
	return strings.Join(notes, ", ")
}

// sinceBegan writes times as seen tells them, and leaves out where a stack leads.
func (s *stage) sinceBegan(_ []string, a slog.Attr) slog.Attr {
	switch {
	case a.Value.Kind() == slog.KindTime:
		return slog.Duration(a.Key, a.Value.Time().Sub(s.began))
	case a.Key == "stack":
		return slog.Bool(a.Key, strings.Contains(a.Value.String(), "outbox_test"))
	}
	return a
}

func middle() float64 { return 0.5 }

func letter(id string, keys ...string) outbox.Item {
	return outbox.Item{ID: id, Sink: "hook", Keys: keys, Created: time.Now()}
}

func yes(context.Context) error     { return nil }
func down(context.Context) error    { return errors.New("503") }
func refused(context.Context) error { return fmt.Errorf("post: %w", refusal(true)) }
func unsure(context.Context) error  { return fmt.Errorf("post: %w", refusal(false)) }
func panics(context.Context) error  { panic("no such block") }
func exits(context.Context) error   { runtime.Goexit(); return nil }

// busy asks to be left alone.
func busy(after time.Duration) answer {
	return func(context.Context) error { return fmt.Errorf("post: %w", wait(after)) }
}

// slow takes its time before the answer, but no longer than it has.
func slow(d time.Duration, then answer) answer {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return then(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func times(n int, a answer) []answer {
	answers := make([]answer, n)
	for i := range answers {
		answers[i] = a
	}
	return answers
}

type refusal bool

func (refusal) Error() string     { return "410" }
func (r refusal) Permanent() bool { return bool(r) }

type wait time.Duration

func (w wait) Error() string             { return "429" }
func (w wait) RetryAfter() time.Duration { return time.Duration(w) }
