package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// settle decides what becomes of items that were tried, says so, and notes it.
func (w *Worker) settle(ctx context.Context, ended []result) {
	var notes []Note
	for _, r := range ended {
		notes = append(notes, w.verdict(r))
	}
	w.note(ctx, notes)
	for _, r := range ended {
		delete(w.inHand, r.item.ID)
	}
}

// verdict decides what becomes of one item, and says so.
func (w *Worker) verdict(r result) Note {
	now, id := time.Now(), r.item.ID
	log := w.log.With("delivery", id, "attempt", r.item.Attempts+1)
	retryAt, err := w.judge(now, r)
	switch {
	case err == nil:
		log.Info("delivered", "elapsed", r.elapsed)
		return Sent(id, now, r.memory)
	case retryAt.IsZero():
		logFailure(log, slog.LevelError, "delivery given up", err)
		return Bury(id, now, err.Error(), r.memory)
	default:
		logFailure(log.With("retry_at", retryAt), slog.LevelWarn, "delivery failed", err)
		return Retry(id, retryAt, err.Error(), r.memory)
	}
}

// judge says when to try again, and why: at no time when that is pointless, with no error when
// the receiver has it. It keeps the sink's pause.
func (w *Worker) judge(now time.Time, r result) (retryAt time.Time, err error) {
	switch {
	case r.err == nil:
		w.sink = w.sink.worked()
		return time.Time{}, nil
	case permanent(r.err):
		w.sink = w.sink.worked() // it answered
		return time.Time{}, r.err
	case r.cut:
		return now, fmt.Errorf("cut off by the shutdown: %w", r.err)
	}
	chance := w.opt.Rand()
	if _, own := errors.AsType[*panicked](r.err); !own {
		w.sink = w.sink.failed(now, func(n int) time.Duration { return max(backoff(n, chance, longWait), retryAfter(r.err)) })
	}
	last := r.item.Created.Add(w.opt.GiveUpAfter)
	if !now.Before(last) {
		return time.Time{}, fmt.Errorf("given up after %s: %w", w.opt.GiveUpAfter, r.err)
	}
	next := earlier(now.Add(backoff(r.item.Attempts+1, chance, longWait)), last)
	return later(next, w.sink.until), r.err
}

// note writes results until they are written. It tries even when Run is to stop, and then leaves
// it at one failure.
func (w *Worker) note(ctx context.Context, notes []Note) {
	for n := 1; ; n++ {
		stopping := ctx.Err() != nil
		err := w.tryNote(ctx, notes)
		w.noticeQueue(err)
		if err == nil {
			return
		}
		if stopping {
			for _, note := range notes {
				w.lost = errors.Join(w.lost, fmt.Errorf("note the result of delivery %s: %w", note.ID, err))
			}
			return
		}
		select {
		case <-time.After(w.queueWait(n)):
		case <-ctx.Done():
		}
	}
}

// tryNote has a context of its own: what was sent is noted even while everything ends.
func (w *Worker) tryNote(ctx context.Context, notes []Note) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), queueTimeout)
	defer done()
	return w.opt.Queue.Note(ctx, notes...)
}

// noticeQueue logs an error of the queue when it is a new one, and its end.
func (w *Worker) noticeQueue(err error) {
	said := ""
	if err != nil {
		said = err.Error()
	}
	switch said {
	case w.queueSaid:
		return
	case "":
		w.log.Info("queue works again")
	default:
		w.log.Error("queue failed", "err", err)
	}
	w.queueSaid = said
}

// logFailure logs a failed attempt. A panic is our own bug: it is an error and shows where.
func logFailure(log *slog.Logger, level slog.Level, message string, err error) {
	if p, ok := errors.AsType[*panicked](err); ok {
		level, log = slog.LevelError, log.With("stack", string(p.stack))
	}
	log.Log(context.Background(), level, message, "err", err)
}

// panicked is a panic of Deliver.
type panicked struct {
	value any
	stack []byte
}

func newPanicked(value any) *panicked { return &panicked{value, debug.Stack()} }

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }
