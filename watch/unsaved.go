package watch

import (
	"context"
	"fmt"
	"time"

	"watchdog/cycle"
)

const (
	// commitGrace is how long a commit may take after the daemon was told to stop.
	commitGrace = 5 * time.Second
	// commitTime is how long one may take at all, and commitTimeEach how much longer for each thing
	// that has changed: a ledger that does not answer is one that is away.
	commitTime     = 10 * time.Second
	commitTimeEach = time.Millisecond
	// maxUnsaved is how many changes of one server wait for a ledger that is away. One is some
	// hundred bytes.
	maxUnsaved = 50_000
)

// unsaved are the outcomes that took effect in memory and are not committed yet, in order.
type unsaved struct {
	outcomes []*cycle.Outcome
	changes  int
	gap      time.Time // since when nothing is decided, because too much waits; zero: it is
}

// changes is how much there is to an outcome.
func changes(o *cycle.Outcome) int {
	return 1 + len(o.Replications) + len(o.Alerts) + len(o.Transitions) + len(o.Messages) + len(o.Told)
}

// commit stores what waits and then this outcome. An error means that something of it still waits;
// applied says whether the outcome took effect in memory all the same.
func (o *owner) commit(ctx context.Context, outcome *cycle.Outcome) (applied bool, err error) {
	if err := o.flush(ctx); err != nil && o.unsaved.changes >= maxUnsaved {
		if o.unsaved.gap.IsZero() {
			o.unsaved.gap = time.Now()
		}
		return false, fmt.Errorf("too much waits to be committed, so nothing more is decided: %w", err)
	}
	if !outcome.Empty() {
		o.unsaved.outcomes = append(o.unsaved.outcomes, outcome)
		o.unsaved.changes += changes(outcome)
	}
	o.state.Apply(outcome)
	o.changed = o.changed || len(outcome.Alerts) > 0
	if outcome.Empty() && o.committed != nil {
		o.committed(outcome)
	}
	return true, o.flush(ctx)
}

// flush commits what waits, the oldest first.
func (o *owner) flush(ctx context.Context) error {
	for len(o.unsaved.outcomes) > 0 {
		next := o.unsaved.outcomes[0]
		if err := o.store(ctx, next); err != nil {
			return err
		}
		o.unsaved.outcomes = o.unsaved.outcomes[1:]
		o.unsaved.changes -= changes(next)
		if o.committed != nil {
			o.committed(next)
		}
	}
	if !o.unsaved.gap.IsZero() {
		o.log.Warn("a gap: nothing was decided", "from", o.unsaved.gap, "to", time.Now())
	}
	o.unsaved = unsaved{}
	return nil
}

func (o *owner) store(ctx context.Context, outcome *cycle.Outcome) error {
	ctx, done := outlive(ctx, commitGrace)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, commitTime+time.Duration(changes(outcome))*commitTimeEach)
	defer cancel()
	return o.ledger.Commit(ctx, outcome)
}

// part says what is lost when the owner ends, if the ledger is still away: it will be decided anew.
func (o *owner) part(ctx context.Context) {
	if len(o.unsaved.outcomes) == 0 {
		return
	}
	if err := o.flush(ctx); err != nil {
		o.log.Warn("not everything that was decided is committed",
			"decisions", len(o.unsaved.outcomes), "err", err)
	}
}

// outlive is a context that ends a grace after its parent did: what is in hand is finished.
func outlive(parent context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() { stop(); cancel() }
}
