package scheduler

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"sync"
	"time"
)

// FollowEvery is how often Follow looks by itself, where it is not told otherwise.
const FollowEvery = 10 * time.Second

// Follow is the row of a replication now, and each time that it has changed, until it completes
// or fails: that row is the last. `error` and `crashing` are no end, since CouchDB tries again.
//
// Changes of the document are followed as they happen. Crashes and progress change no document,
// so the scheduler is asked every so often besides; 0 is FollowEvery.
//
// A look that fails is an error, and Follow goes on, but for two that are the last: a document
// that is not there, or not there any more, is a *NotFoundError; the end of ctx is its cause.
func (r *Replicator) Follow(ctx context.Context, id string, every time.Duration) iter.Seq2[Row, error] {
	every = cmp.Or(every, FollowEvery)
	return func(yield func(Row, error) bool) {
		hearing, cancel := context.WithCancel(ctx)
		var ears sync.WaitGroup
		defer func() { cancel(); ears.Wait() }()
		bell := make(chan struct{}, 1)
		// Only after the first look: that one proves our credentials, which the server may not
		// take for the changes.
		listen := sync.OnceFunc(func() { ears.Go(func() { r.hear(hearing, id, every, bell) }) })
		r.follow(ctx, id, every, bell, func(row Row, err error) bool {
			listen()
			return yield(row, err)
		})
	}
}

// follow looks when the bell rings, and every so often.
func (r *Replicator) follow(ctx context.Context, id string, every time.Duration, bell <-chan struct{}, yield func(Row, error) bool) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for last := []byte(nil); ; {
		row, err := r.client.Doc(ctx, r.database, id)
		var none *NotFoundError
		switch {
		case ctx.Err() != nil:
			yield(Row{}, context.Cause(ctx))
			return
		case err != nil:
			if !yield(row, err) || errors.As(err, &none) {
				return
			}
		case !bytes.Equal(row.JSON, last):
			last = row.JSON
			if !yield(row, nil) || row.State.Terminal() {
				return
			}
		}
		select {
		case <-bell:
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// hear rings the bell at first, for what has changed since the look before, and after each
// change of a document, until ctx ends. Where the changes cannot be read it tries again every so
// often: Follow looks as often by itself.
func (r *Replicator) hear(ctx context.Context, id string, every time.Duration, bell chan<- struct{}) {
	for after := ""; ctx.Err() == nil; {
		changed, last, err := r.changes(ctx, id, after)
		if err != nil {
			sleep(ctx, every)
			continue
		}
		if changed {
			select {
			case bell <- struct{}{}:
			default: // it rings already
			}
		}
		if after != "" && (!changed || last == after) {
			sleep(ctx, time.Second) // whatever answers at once, it is not asked all the time
		}
		after = last
	}
}

// changes waits until something is written after a sequence, and says whether the document was. With
// "" it does not wait: it says where the changes end now, and that anything may have been
// written.
func (r *Replicator) changes(ctx context.Context, id, after string) (changed bool, last string, err error) {
	ask := get(changesPath(r.database), since("now", "limit=1"))
	if after != "" {
		heartbeat := min(max(r.client.spec.Timeout/3, time.Second), maxHeartbeat)
		ask.waits = true
		ask.query = since(after, "feed=longpoll", fmt.Sprintf("heartbeat=%d", heartbeat.Milliseconds()),
			"filter=_doc_ids", "doc_ids="+url.QueryEscape("["+jsonText(id)+"]"))
	}
	changed = after == ""
	var found changes
	err = r.client.attempt(ctx, ask, func(a *answer) (err error) {
		found, err = a.changes(func(row change) { changed = changed || row.ID == id })
		return err
	})
	return changed, found.last, err
}
