package scheduler

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"watchdog/snapshot"
)

const (
	// maxBells bounds how many databases of a server have a long poll open. What is written into
	// the others is seen by the schedule.
	maxBells = 32
	// burst is how long a ring waits for more of what is written at once.
	burst = 20 * time.Millisecond
	// restAtLeast is the time between two rings; restFactor times what a look takes is another
	// bound, so that a server of many jobs spends no more than a sixth of its time on rings.
	restAtLeast = 100 * time.Millisecond
	restFactor  = 5
	restAtMost  = 10 * time.Second // the look that took so long was a whole one
	// The row of a document that was just written often says nothing yet. Then the ring has
	// echoes: 1, 2 and 4 seconds after it, while there are such rows.
	firstEcho = time.Second
	maxEchoes = 3

	firstBellWait = time.Second // before a poll that failed is tried again, doubling
	maxBellWait   = 5 * time.Minute
	maxHeartbeat  = 30 * time.Second
)

// doorbell is what Listen knows of the looks.
type doorbell struct {
	looked    chan struct{} // of one: the databases may have changed
	databases atomic.Pointer[map[string]string]
	// took is nanoseconds, of the quicker one of the last two looks: one that was held up by something
	// else must not hold up what fails after it.
	took      atomic.Int64
	last      time.Duration // of the last look; of the goroutine that looks
	unsettled atomic.Bool   // the last look found rows that will say more in a moment
}

// hang tells the doorbell of a look: the databases, and from which sequences on nothing has been
// seen.
func (d *doorbell) hang(all map[string]*watched, took time.Duration, unsettled bool) {
	databases := make(map[string]string, len(all))
	for name, w := range all {
		databases[name] = w.seq
	}
	d.databases.Store(&databases)
	d.took.Store(int64(min(took, d.last)))
	d.last = took
	d.unsettled.Store(unsettled)
	select {
	case d.looked <- struct{}{}:
	default:
	}
}

// unsettled reports whether the last look found documents that were written a moment ago.
func (c *Client) unsettled() bool {
	for _, w := range c.watched {
		if len(w.open) > 0 || w.unclaimed {
			return true
		}
	}
	return slices.ContainsFunc(c.last.Replications, func(r *snapshot.Replication) bool {
		return r.Has(snapshot.FieldState) && r.State == snapshot.Initializing
	})
}

// Listen calls ring when something was written into a replicator database, which CouchDB does
// when a replication fails or completes, until ctx ends. It begins with the first Read, and rings
// once where it cannot tell what was written meanwhile. Where a database cannot be listened to it
// tells trouble once, and goes on trying. Where the spec has no doorbell it returns at once.
func (c *Client) Listen(ctx context.Context, ring func(), trouble func(error)) {
	if !*c.spec.Doorbell {
		return
	}
	var listening sync.WaitGroup
	defer listening.Wait()
	bell := make(chan struct{}, 1)
	listening.Go(func() { c.ringing(ctx, bell, ring) })
	open := map[string]context.CancelFunc{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.doorbell.looked:
		}
		databases := *c.doorbell.databases.Load()
		for db, stop := range open {
			if _, there := databases[db]; !there {
				stop()
				delete(open, db)
			}
		}
		for db, seq := range databases {
			if open[db] != nil || len(open) == maxBells {
				continue
			}
			polling, stop := context.WithCancel(ctx)
			open[db] = stop
			listening.Go(func() {
				defer stop()
				c.poll(polling, db, seq, bell, trouble)
			})
		}
	}
}

// ringing rings for the bell, not too often, and its echoes.
func (c *Client) ringing(ctx context.Context, bell <-chan struct{}, ring func()) {
	echo := time.NewTimer(time.Hour)
	echo.Stop()
	echoes := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-bell:
			echoes = 0
		case <-echo.C:
			if !c.doorbell.unsettled.Load() {
				continue
			}
		}
		if !sleep(ctx, burst) {
			return
		}
		select {
		case <-bell:
			echoes = 0
		default:
		}
		ring()
		if echoes < maxEchoes {
			echo.Reset(firstEcho << echoes)
			echoes++
		}
		took := time.Duration(c.doorbell.took.Load())
		if !sleep(ctx, min(max(restAtLeast, restFactor*took), restAtMost)) {
			return
		}
	}
}

// poll keeps a long poll open on one database, from a sequence on; "" is from now on.
func (c *Client) poll(ctx context.Context, db, seq string, bell chan<- struct{}, trouble func(error)) {
	wait, told, heard := firstBellWait, false, seq
	for {
		next, written, err := c.await(ctx, db, seq)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			if seq != "" {
				wait, told = firstBellWait, false
			}
			if next == heard {
				written = false
			}
			seq, heard = next, next
			pause := restAtLeast
			if written {
				select {
				case bell <- struct{}{}:
				default: // it rings already
				}
			} else {
				pause = firstBellWait // whoever answers without a reason is not asked all the time
			}
			if !sleep(ctx, pause) {
				return
			}
			continue
		}
		if !told && !c.told(err) {
			trouble(fmt.Errorf("listen to %s: %w", db, err))
			told = true
		}
		seq = "" // begin anew, and ring if something was written meanwhile
		if !sleep(ctx, wait/2+rand.N(wait)) {
			return
		}
		wait = min(2*wait, maxBellWait)
	}
}

// told reports whether an error is one that a look tells too.
func (c *Client) told(err error) bool {
	var backOff *BackOffError
	return errors.Is(err, errNotAccepted) || errors.As(err, &backOff) || unreachable(err)
}

// await waits until something is written into a database after a sequence. Where there is none
// it says what the sequence is now, and that something may have been written.
func (c *Client) await(ctx context.Context, db, seq string) (next string, written bool, err error) {
	if seq == "" {
		next, _, err = c.databaseNow(ctx, db)
		return next, true, err
	}
	heartbeat := min(max(c.spec.Timeout/3, time.Second), maxHeartbeat)
	ask := get(changesPath(db), since(seq, "feed=longpoll", "heartbeat="+strconv.FormatInt(heartbeat.Milliseconds(), 10)))
	ask.waits = true
	var found changes
	err = c.optional(ctx, ask, func(a *answer) (err error) {
		found, err = a.changes(func(change) { written = true })
		return err
	})
	if err == nil && wentBack(seq, found.last) {
		err = errors.New("the database is not the same any more")
	}
	return found.last, written, err
}
