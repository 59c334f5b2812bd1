package scheduler

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"watchdog/snapshot"
)

// What makes following a database cheaper than listing it, by what was measured (a server with
// 20,000 live jobs): a row of a listing costs it 0.1 ms, one document asked for by its id 2 ms and
// some 2 µs more for each live document, and the sequence of a database 2 ms.
const (
	// cheapRows is the length of a listing that costs no more than following: it is asked for at
	// every look.
	cheapRows = 200
	// maxAsks bounds how many documents of one database a look asks for one by one. Asking for
	// more costs as much as the listing of a database of any length, so that is asked for.
	maxAsks = 50
)

// watched is what is known of a replicator database from one look to the next. It is followed while
// nothing is doubtful: the look before saw all of it, and the jobs and the feed together tell all
// that can have changed since. Otherwise it is listed.
//
// Jobs tell of everything that is scheduled. What they do not tell is written into the document,
// and so comes with the feed: that it was created, changed or deleted, that its replication
// failed or completed. What neither tells, that a document waits to become a job, or cannot
// become one (states `initializing` and `error`), is asked for at every look, as is a document
// whose job is there no more.
type watched struct {
	seq      string // the look before saw all up to here; "" where it cannot be followed
	instance string // tells the database from one made anew under its name; "" in old versions
	listed   time.Time
	rows     int             // of that listing
	open     map[string]bool // documents that no node had claimed when they were asked for
	// unclaimed: the listing had fewer rows than there are documents. Some may be design documents.
	unclaimed bool
	refused   time.Time // when the server did not let the feed be read; zero if it did
}

// following is a look that follows feeds.
type following struct {
	look
	at       time.Time
	b        *snapshot.Builder
	followed bool // the jobs were not listed
}

// trail is what one look finds of one database that it follows.
type trail struct {
	seq   string
	asked map[string]bool // what the feed named, and what was asked for
	open  map[string]bool
	odd   bool // a document could not be read
}

// follow is look, but for databases that can be followed: the order is the same, and so is what
// is seen.
func (c *Client) follow(ctx context.Context, at time.Time, b *snapshot.Builder) (heard bool) {
	l := &following{look: look{client: c, into: b}, at: at, b: b}
	databases := l.databases(ctx)
	trails := map[string]*trail{}
	listed := map[string]*watched{}
	list := func(db string) { listed[db] = l.list(ctx, db) }
	for _, db := range databases {
		if trails[db] = l.begin(ctx, db); trails[db] == nil {
			list(db)
		}
	}
	jobs := l.jobsOf(ctx, trails)
	again := false
	for _, db := range databases {
		if t := trails[db]; t != nil && !(jobs && l.finish(ctx, db, t)) {
			trails[db] = nil
			list(db)
			again = again || jobs
		}
	}
	if again {
		jobs = l.listJobs(ctx) // the later word
	}
	if !l.followed {
		l.rest(ctx)
		l.concludeJobs()
	}
	all := map[string]*watched{}
	for _, db := range databases {
		if t := trails[db]; t != nil {
			all[db] = c.watched[db].after(t)
		} else {
			all[db] = l.conclude(ctx, db, listed[db], jobs)
		}
	}
	c.watched = all
	return l.heard
}

// relist makes the next look list every database, and the jobs.
func (c *Client) relist() {
	for _, w := range c.watched {
		w.seq = ""
	}
	c.jobs.ledger = nil
}

// after is the feed after a look that followed it.
func (f *watched) after(t *trail) *watched {
	next := *f
	next.seq, next.open, next.unclaimed = t.seq, t.open, false
	if t.odd {
		next.seq = ""
	}
	return &next
}

// begin reads what was written since the look before, and asks for it. Nil means that the
// database is to be listed.
func (l *following) begin(ctx context.Context, db string) *trail {
	f := l.client.watched[db]
	if f == nil || f.seq == "" || l.down != nil {
		return nil
	}
	if !l.fresh(f.listed) {
		return nil
	}
	written, seq, err := l.client.writtenSince(ctx, db, f)
	if err != nil {
		if isRefusal(err) {
			f.refused = l.at
		}
		_ = l.note(err)
		return nil
	}
	t := &trail{seq: seq, asked: map[string]bool{}, open: map[string]bool{}}
	var ask []string
	for id, deleted := range written {
		t.asked[id] = true
		if !deleted && !strings.HasPrefix(id, "_design/") {
			ask = append(ask, id)
		}
	}
	for id := range f.open {
		if !t.asked[id] {
			t.asked[id] = true
			ask = append(ask, id)
		}
	}
	if len(ask) > maxAsks {
		return nil
	}
	l.b.Follow(db, t.asked)
	if !l.ask(ctx, db, ask, t) {
		return nil
	}
	return t
}

// finish asks for the documents that nothing has told of. False means that the database is to be
// listed.
func (l *following) finish(ctx context.Context, db string, t *trail) bool {
	loose := l.b.Loose(db, t.asked)
	return len(t.asked)+len(loose) <= maxAsks && l.ask(ctx, db, loose, t)
}

// ask asks for documents one by one. False means that it went wrong in a way in which a listing
// would too, and tell.
func (l *following) ask(ctx context.Context, db string, ids []string, t *trail) bool {
	for _, id := range ids {
		t.asked[id] = true
		key := snapshot.Key{Database: db, DocID: id}
		row, err := l.client.getSmall(ctx, docsPath+escape(db)+"/"+escape(id))
		var e *Error
		switch {
		case err == nil:
			claimed, err := l.b.Row(key, row)
			if err != nil {
				t.odd = true
			} else if !claimed {
				t.open[id] = true
			}
		case errors.As(err, &e) && e.missing():
		case errors.As(err, &e) && e.Status >= http.StatusInternalServerError:
			l.b.Unread(key, err) // of this one: CouchDB before 3.5.2 does so
			t.odd = true
		default:
			_ = l.note(err)
			return false
		}
	}
	return true
}

// list lists a database. What it can be followed from is read before, so that nothing is lost
// between the two.
func (l *following) list(ctx context.Context, db string) *watched {
	before := l.client.watched[db]
	next := &watched{listed: l.at}
	switch {
	case l.down != nil:
	case before != nil && !before.refused.IsZero() && l.fresh(before.refused):
		next.refused = before.refused
	case before == nil || before.rows > l.client.cheapRows:
		seq, instance, err := l.client.databaseNow(ctx, db)
		if err == nil {
			next.seq, next.instance = seq, instance
		} else if isRefusal(err) {
			next.refused = l.at
		}
	}
	if !l.docs(ctx, db) {
		next.seq = ""
	}
	return next
}

// conclude is the feed after a look that listed a database: it can be followed where the listing
// is long, and left nothing open.
func (l *following) conclude(ctx context.Context, db string, f *watched, jobs bool) *watched {
	rows, total := l.b.Listed(db)
	f.rows, f.unclaimed = rows, rows < total
	switch {
	case f.seq == "":
	case !jobs, rows <= l.client.cheapRows, l.b.Odd(db), !l.b.JobsTell(db):
		f.seq = ""
	case rows < total && rows+l.client.designDocs(ctx, db) < total:
		f.seq = "" // the listing leaves out what no node has claimed, and the feed has told of it
	}
	return f
}

// writtenSince are the documents that were written since the look before, true for those that
// were deleted, and the sequence after them.
func (c *Client) writtenSince(ctx context.Context, db string, f *watched) (map[string]bool, string, error) {
	written := map[string]bool{}
	var found changes
	query := since(f.seq, fmt.Sprintf("limit=%d", maxAsks+1))
	err := c.optional(ctx, get(changesPath(db), query), func(a *answer) (err error) {
		found, err = a.changes(func(row change) { written[row.ID] = row.Deleted })
		return err
	})
	switch {
	case err != nil:
		return nil, "", err
	case len(written) > maxAsks:
		return nil, "", errors.New("too much was written")
	case wentBack(f.seq, found.last):
		return nil, "", errors.New("the database is not the same any more")
	case len(written) > 0:
		if _, instance, err := c.databaseNow(ctx, db); err != nil || instance != f.instance {
			return nil, "", errors.New("the database may not be the same any more")
		}
	}
	return written, found.last, nil
}

// databaseNow is the present sequence of a database, and what tells it from another of its name.
func (c *Client) databaseNow(ctx context.Context, db string) (seq, instance string, err error) {
	var info struct {
		UpdateSeq sequence `json:"update_seq"`
		Instance  string   `json:"instance_start_time"`
	}
	err = c.optional(ctx, get("/"+escape(db), ""), func(a *answer) error { return a.decode(&info) })
	return string(info.UpdateSeq), info.Instance, err
}

// designDocs is how many design documents a database has: they count as documents, and the
// scheduler lists none of them. 0 where it cannot be found out.
func (c *Client) designDocs(ctx context.Context, db string) int {
	var list struct{ Rows []struct{} }
	const query = `startkey=%22_design%2F%22&endkey=%22_design0%22`
	if c.optional(ctx, get("/"+escape(db)+"/_all_docs", query), func(a *answer) error { return a.decode(&list) }) != nil {
		return 0
	}
	return len(list.Rows)
}

// isRefusal reports whether the server does not let something be read.
func isRefusal(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status/100 == 4 && !e.missing() && e.Status != http.StatusTooManyRequests
}
