package outbox

import (
	"context"
	"time"
)

// settingFrom is from when on a difference between the two clocks of a time is one that somebody set.
const settingFrom = time.Second

// heedClock tells the queue when somebody has set the clock, and at first that it may have been.
func (w *Worker) heedClock(ctx context.Context, now time.Time) error {
	by := w.setSince(now)
	if by == 0 && !w.heeded.IsZero() {
		w.heeded = now
		return nil
	}
	asking, done := context.WithTimeout(ctx, queueTimeout)
	defer done()
	err := w.opt.Queue.ClockSet(asking, ClockSetting{Sink: w.opt.Sink, Now: now, By: by, Lease: now.Add(w.lease())})
	w.answered(ctx, err)
	if err == nil {
		w.heeded = now
	}
	return err
}

// setSince is by how far the wall clock was set since the queue knew: a time tells by another clock
// besides, which nobody sets.
func (w *Worker) setSince(now time.Time) time.Duration {
	if w.heeded.IsZero() {
		return 0
	}
	set := now.Round(0).Sub(w.heeded.Round(0)) - now.Sub(w.heeded)
	if set.Abs() < settingFrom {
		return 0
	}
	return set
}
