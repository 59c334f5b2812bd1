package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"watchdog/snapshot"
)

const (
	// askSourceEvery is how long what a source said is good, and how often it is asked at most
	// about one replication.
	askSourceEvery = time.Minute
	// Bounds of one look: how many replications it asks about, at a time, and for how long in
	// all. What is left is asked about by the looks that follow, the longest unasked first. An
	// answer takes a source some 2 ms.
	maxSourceAsks = 1000
	sourceWorkers = 4
	maxSourceTime = 5 * time.Second
)

// waiting is what was found out about the work that waits for one replication.
type waiting struct {
	source, through string // of which it was asked
	at              time.Time
	pending         int64
	err             error // why it is not known
}

// holds reports whether what was found out still counts.
func (w *waiting) holds(r *snapshot.Replication, at time.Time) bool {
	return w.source == r.Source && w.through == r.ThroughSeq && w.recent(at)
}

// recent reports whether it is too early to ask again. A clock that went back makes nothing
// recent.
func (w *waiting) recent(at time.Time) bool {
	age := at.Sub(w.at)
	return 0 <= age && age < askSourceEvery
}

// askSources finds out how much waits for replications of which their server does not say it,
// and tells what it finds. An answer counts until the replication moves, or a minute is over.
func (c *Client) askSources(ctx context.Context, at time.Time, blind []*snapshot.Replication, tell func(snapshot.Key, int64)) {
	if !*c.spec.AskSources {
		return
	}
	found := make(map[snapshot.Key]*waiting, len(blind))
	var due []*snapshot.Replication
	for _, r := range blind {
		w := c.waiting[r.Key]
		if w != nil {
			found[r.Key] = w
		}
		switch {
		case w == nil || !w.recent(at):
			due = append(due, r)
		case w.err == nil && w.holds(r, at):
			tell(r.Key, w.pending)
		}
	}
	for key, w := range c.waiting { // one that is not blind now may be so again in a moment
		if found[key] == nil && w.recent(at) {
			found[key] = w
		}
	}
	slices.SortStableFunc(due, func(a, b *snapshot.Replication) int {
		return asked(c.waiting[a.Key]).Compare(asked(c.waiting[b.Key]))
	})
	for key, w := range c.askAll(ctx, at, due[:min(len(due), maxSourceAsks)]) {
		found[key] = w
		if w.err == nil {
			tell(key, w.pending)
		}
	}
	c.waiting = found
	c.troubles.Store(troubles(found))
}

func asked(w *waiting) time.Time {
	if w == nil {
		return time.Time{}
	}
	return w.at
}

func troubles(all map[snapshot.Key]*waiting) *map[snapshot.Key]error {
	errs := map[snapshot.Key]error{}
	for key, w := range all {
		if w.err != nil {
			errs[key] = w.err
		}
	}
	return &errs
}

// SourceTrouble is why the last look could not find out from its source how much waits for a
// replication; nil where it could, or had no need to. Any goroutine may call it.
func (c *Client) SourceTrouble(key snapshot.Key) error {
	if errs := c.troubles.Load(); errs != nil {
		return (*errs)[key]
	}
	return nil
}

// askAll asks about some replications, a few at a time. A source that does not answer is left
// alone for the rest of the look; what was not asked about is not among the answers.
func (c *Client) askAll(ctx context.Context, at time.Time, due []*snapshot.Replication) map[snapshot.Key]*waiting {
	ctx, cancel := context.WithTimeout(ctx, maxSourceTime)
	defer cancel()
	answers := map[snapshot.Key]*waiting{}
	silent := map[string]bool{} // by scheme and host
	var mu sync.Mutex           // guards answers and silent
	var workers sync.WaitGroup
	next := make(chan *snapshot.Replication)
	for range min(sourceWorkers, len(due)) {
		workers.Go(func() {
			for r := range next {
				host := hostOf(r.Source)
				mu.Lock()
				skip := silent[host]
				mu.Unlock()
				if skip || ctx.Err() != nil {
					continue
				}
				w := &waiting{source: r.Source, through: r.ThroughSeq, at: at}
				w.pending, w.err = c.askSource(ctx, r)
				mu.Lock()
				answers[r.Key] = w
				if errors.Is(w.err, errNotAccepted) {
					delete(answers, r.Key) // its own look signs in first
				}
				var e *Error
				if errors.As(w.err, &e) && e.Status == 0 {
					silent[host] = true
				}
				mu.Unlock()
			}
		})
	}
	for _, r := range due {
		next <- r
	}
	close(next)
	workers.Wait()
	return answers
}

// askSource asks the source of one replication how much comes after what it has done.
func (c *Client) askSource(ctx context.Context, r *snapshot.Replication) (int64, error) {
	if !r.Has(snapshot.FieldSource) || !r.Has(snapshot.FieldThroughSeq) || r.ThroughSeq == "" {
		return 0, errors.New("the server does not say how far the replication has come")
	}
	source, err := parseSource(r.Source)
	if err != nil {
		return 0, err
	}
	asker, path, err := c.asker(source)
	if errors.Is(err, errNoCredentials) && c.spec.UseReplicationCredentials {
		return c.askAsReplication(ctx, r)
	}
	if err != nil {
		return 0, err
	}
	if slices.Contains(c.sources.Load().watched, asker) {
		return pendingAfter(r.ThroughSeq, func(query string, take func(*answer) error) error {
			return asker.optional(ctx, get(path+"/_changes", query), take)
		})
	}
	return asker.pendingAfter(ctx, path, r.ThroughSeq)
}

// pendingAfter is how many changes a database, named by its path, has after a sequence.
func (c *Client) pendingAfter(ctx context.Context, path, seq string) (int64, error) {
	return pendingAfter(seq, func(query string, take func(*answer) error) error {
		return c.attempt(ctx, get(path+"/_changes", query), take)
	})
}

func pendingAfter(seq string, ask func(query string, take func(*answer) error) error) (int64, error) {
	var found changes
	err := ask(since(seq, "limit=0"), func(a *answer) (err error) {
		found, err = a.changes(func(change) {})
		return err
	})
	switch {
	case err != nil:
		return 0, fmt.Errorf("ask the source: %w", err)
	case found.pending == nil:
		return 0, errors.New("the source does not say how many changes are pending: it is older than CouchDB 2")
	}
	return *found.pending, nil
}
