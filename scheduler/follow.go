package scheduler

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
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
	for since := ""; ctx.Err() == nil; {
		changed, last, err := r.changes(ctx, id, since)
		if err != nil || last == "" {
			sleep(ctx, every)
			continue
		}
		if changed {
			select {
			case bell <- struct{}{}:
			default: // it rings already
			}
		}
		if since != "" && (!changed || last == since) {
			sleep(ctx, time.Second) // whatever answers at once, it is not asked all the time
		}
		since = last
	}
}

// feed is an answer of _changes.
type feed struct {
	Results []struct{ ID string }
	LastSeq sequence `json:"last_seq"`
}

// sequence is text, or what CouchDB 1 wrote, a number: as it is sent back.
type sequence string

func (s *sequence) UnmarshalJSON(data []byte) error {
	text, err := strconv.Unquote(string(data))
	if err != nil {
		text = string(data)
	}
	*s = sequence(text)
	return nil
}

// changes waits until something is written after since, and says whether the document was. With
// since "" it does not wait: it says where the changes end now, and that anything may have been
// written.
func (r *Replicator) changes(ctx context.Context, id, since string) (changed bool, last string, err error) {
	ask := call{method: http.MethodGet, path: "/" + escape(r.database) + "/_changes", query: "since=now&limit=1"}
	if since != "" {
		heartbeat := max(r.client.spec.Timeout/3, time.Second)
		ask.waits = true
		ask.query = url.Values{
			"feed": {"longpoll"}, "since": {since}, "heartbeat": {strconv.FormatInt(heartbeat.Milliseconds(), 10)},
			"filter": {"_doc_ids"}, "doc_ids": {"[" + jsonText(id) + "]"},
		}.Encode()
	}
	var f feed
	if err := r.client.attempt(ctx, ask, func(a *answer) error { return a.decode(&f) }); err != nil {
		return false, since, err
	}
	changed = since == ""
	for _, change := range f.Results {
		changed = changed || change.ID == id
	}
	return changed, cmp.Or(string(f.LastSeq), since), nil
}
