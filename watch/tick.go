package watch

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"watchdog/cycle"
)

// listenEvery is how often an owner asks whether people have said something, where nobody tells it
// by Heed.
const listenEvery = 2 * time.Second

// saidTime is how long it may take to read what people say.
const saidTime = 5 * time.Second

// untilTick is how long the owner may sleep, if no check comes due.
func (o *owner) untilTick() time.Duration {
	wake := o.state.Wake()
	if wake.IsZero() || o.stuck {
		return listenEvery
	}
	return min(listenEvery, max(0, time.Until(wake)))
}

// listenAge is how old what people have said may be by which it is decided between two looks. All
// owners ask for it every listenEvery, so those of many servers share what one of them has read.
const listenAge = 500 * time.Millisecond

// standing is what people have said, as of so long ago at the earliest. Where that cannot be read,
// it is what they said before.
func (o *owner) standing(ctx context.Context, age time.Duration) *cycle.Standing {
	if o.said == nil {
		return nil
	}
	asking, done := context.WithTimeout(ctx, saidTime)
	defer done()
	stands, err := o.said(asking, age)
	if err != nil {
		if ctx.Err() == nil && !o.unheard {
			o.log.Warn("what people say cannot be read", "err", err)
		}
		o.unheard = true
		return o.stands
	}
	o.stands, o.unheard = stands, false
	return stands
}

// heed notes that people have said something. As comeDue, it does not wait.
func (o *owner) heed() {
	select {
	case o.heard <- struct{}{}:
	default:
	}
}

// tickNow ticks, and says where that did not work.
func (o *owner) tickNow(ctx context.Context) {
	err := o.tick(ctx)
	if o.stuck = err != nil; o.stuck {
		o.log.Error("what was due could not be decided", "err", err)
	}
}

// tick decides and commits what is due by the passing of time alone, or by what people said.
func (o *owner) tick(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	if len(o.checks) == 0 {
		return nil
	}
	_, err = o.commit(ctx, o.checks[0].Cycle.Tick(o.state, time.Now().UTC().Truncate(time.Microsecond), o.standing(ctx, listenAge)))
	return err
}
