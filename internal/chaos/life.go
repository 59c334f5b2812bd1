//go:build linux

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/scheduler/couchtest"
)

const (
	patient = 3 // replications whose every trouble lasts until it was told, and so does its end
	hasty   = 3 // those whose troubles come and go
)

// lives moves the replications through their lives until ctx ends, and leaves all of them well. It
// returns when all that must be told has been told, or patience has ended.
func (w *world) lives(ctx, patience context.Context, seed uint64, running func(func())) {
	for i := range patient + hasty {
		l := &life{
			world: w, doc: fmt.Sprint("doc", i), patient: i < patient,
			spec: couchtest.Spec{}, chance: rand.New(rand.NewPCG(seed, uint64(100+i))),
		}
		if i%2 == 1 {
			l.spec.Node = secondNode
		}
		running(func() { l.live(ctx, patience) })
	}
}

// life is that of one replication.
type life struct {
	*world
	doc         string
	patient     bool
	spec        couchtest.Spec
	replication *couchtest.Replication
	chance      *rand.Rand
}

func (l *life) live(ctx, patience context.Context) {
	l.replication = l.couch.Put("_replicator", l.doc, l.spec)
	for n := 0; ctx.Err() == nil && patience.Err() == nil; n++ {
		if !pause(ctx, l.some(time.Second)) {
			return
		}
		l.trouble(ctx, patience, n)
	}
}

func (l *life) some(most time.Duration) time.Duration {
	return time.Duration(l.chance.Int64N(int64(most)))
}

// trouble is one time in which it is not well.
func (l *life) trouble(ctx, patience context.Context, n int) {
	t := Trouble{Doc: l.doc, Rule: ruleFailed, Error: fmt.Sprintf("trouble-%04d of %s.", n, l.doc)}
	crashes := l.chance.IntN(2) == 0
	if crashes {
		t.Rule = ruleCrashing
	}
	index := l.ledger.begin(t)
	l.noteOf(l.doc, "%s is %s: %s", l.doc, t.Rule, t.Error)
	if crashes {
		l.replication.Crash(t.Error)
	} else {
		l.replication.Fail(t.Error)
	}
	var startsAt time.Time
	awaited := l.patient && l.await(patience, func(told *alert.Transition) bool {
		startsAt = told.StartsAt
		return told.DocID == l.doc && told.Status == alert.StatusFiring && strings.Contains(told.Error, t.Error)
	})
	pause(ctx, l.some(2*time.Second))
	deleted := l.chance.IntN(4) == 0
	l.ledger.end(index, deleted, l.patient)
	l.noteOf(l.doc, "%s is well again; deleted: %t", l.doc, deleted)
	l.recover(ctx, crashes, deleted)
	if awaited {
		l.await(patience, func(told *alert.Transition) bool {
			return told.DocID == l.doc && told.Status == alert.StatusResolved && told.StartsAt.Equal(startsAt)
		})
	}
}

func (l *life) recover(ctx context.Context, crashed, deleted bool) {
	switch {
	case deleted:
		l.replication.Delete()
		pause(ctx, l.some(2*time.Second))
		l.replication = l.couch.Put("_replicator", l.doc, l.spec)
	case crashed:
		l.replication.Recover()
	default:
		l.replication.Rewrite()
		l.replication.Start()
	}
}

// await waits until every receiver was told something that fits.
func (l *life) await(patience context.Context, fits func(*alert.Transition) bool) bool {
	for _, r := range l.receivers {
		if !r.await(patience, fits) {
			return false
		}
	}
	return true
}
