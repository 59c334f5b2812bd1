//go:build linux

package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/internal/chaos"
	"watchdog/scheduler/couchtest"
)

// hasty is of how many replications one has trouble that comes and goes. That of the others lasts
// until it was told, and so does its end.
const hasty = 10

// rest is how long a replication is well at most, in lease times.
const rest = 6

// lives moves the replications through their lives until cease, and leaves all of them well. Each
// ends when all that must be told of it has been told, or with giveUp.
func (w *world) lives(running func(func())) {
	for i, s := range w.servers.all {
		l := &life{
			world: w, doc: docName(i), patient: i%hasty > 0, replication: s.Put("_replicator", docName(i), couchtest.Spec{}),
			chance: rand.New(rand.NewPCG(w.Seed, uint64(100+i))),
		}
		running(l.live)
	}
}

// life is that of one replication.
type life struct {
	*world
	doc         string
	patient     bool
	replication *couchtest.Replication
	chance      *rand.Rand
}

func (l *life) live() {
	for n := 0; ; n++ {
		if !pause(l.living, time.Duration(l.chance.Float64()*rest*float64(l.Lease))) {
			return
		}
		l.trouble(n)
	}
}

// trouble is one time in which it is not well.
func (l *life) trouble(n int) {
	t := chaos.Trouble{Rule: ruleFailed, Doc: l.doc, Error: fmt.Sprintf("trouble-%04d of %s.", n, l.doc), Began: time.Now(), Awaited: l.patient}
	l.replication.Fail(t.Error)
	var startsAt time.Time
	awaited := l.patient && l.receiver.await(l.waiting, l.doc, func(told *alert.Transition) bool {
		startsAt = told.StartsAt
		return told.Status == alert.StatusFiring && strings.Contains(told.Error, t.Error)
	})
	if !l.patient {
		pause(l.living, time.Duration(l.chance.Float64()*float64(l.Lease)))
	}
	t.Over = time.Now()
	l.replication.Rewrite()
	l.replication.Start()
	l.happened(t)
	if awaited {
		l.receiver.await(l.waiting, l.doc, func(told *alert.Transition) bool {
			return told.Status == alert.StatusResolved && told.StartsAt.Equal(startsAt)
		})
	}
}

// pause waits; false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
