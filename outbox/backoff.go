package outbox

import (
	"errors"
	"time"
)

const (
	firstWait = time.Second
	longWait  = 5 * time.Minute
	// longQueueWait is for the queue, which is ours: when it is back, everybody waits for it.
	longQueueWait = 5 * time.Second
	// longRetryAfter bounds what a receiver may ask for, so that an odd answer cannot silence
	// a sink for a day.
	longRetryAfter = time.Hour
	// jitter is how much of a wait is left to chance, half of it either way: sinks that failed
	// together do not come back together.
	jitter = 0.4
)

// backoff is how long to wait after the nth failure in a row: 1 s, 2 s, 4 s … up to longest, each
// up to a fifth shorter or longer. Chance is in [0, 1).
func backoff(n int, chance float64, longest time.Duration) time.Duration {
	wait := firstWait
	for i := 1; i < n && wait < longest; i++ {
		wait *= 2
	}
	wait = min(wait, longest)
	return wait + time.Duration(float64(wait)*jitter*(chance-0.5))
}

// pause is when something that failed may be asked again. The zero value is one that works.
type pause struct {
	failures int // in a row
	until    time.Time
}

// failed is the pause after one more failure: what wait gives for so many in a row. Failures that
// arrive while it lasts are of attempts that ran together: they can lengthen it, but are one
// failure.
func (p pause) failed(now time.Time, wait func(failures int) time.Duration) pause {
	if !now.Before(p.until) {
		p.failures++
	}
	p.until = later(p.until, now.Add(wait(p.failures)))
	return p
}

// worked ends the row of failures. A pause that was asked for lasts all the same.
func (p pause) worked() pause {
	p.failures = 0
	return p
}

// permanent reports whether the receiver will never take the item.
func permanent(err error) bool {
	refusal, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	return ok && refusal.Permanent()
}

// retryAfter is how long the receiver asked to be left alone, at most longRetryAfter.
func retryAfter(err error) time.Duration {
	busy, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err)
	if !ok {
		return 0
	}
	return min(busy.RetryAfter(), longRetryAfter)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
