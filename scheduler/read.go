package scheduler

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"watchdog/snapshot"
)

const (
	docsPath  = "/_scheduler/docs/"
	jobsPath  = "/_scheduler/jobs"
	tasksPath = "/_active_tasks"

	// allJobs stands against the default limit of 100. The server makes the whole list for any
	// limit, so one request is the cheapest.
	allJobs = "limit=2147483647"
	// noDocs is the listing of a database that does not exist.
	noDocs = `{"total_rows":0,"offset":0,"docs":[]}`
)

// Read looks at the server once: the documents of each replicator database, then all jobs, then
// the active tasks. The snapshot is never nil; what could not be read is among its Gaps. at is
// its time; prev, the snapshot before it, may be nil.
func (c *Client) Read(ctx context.Context, at time.Time, prev *snapshot.Snapshot) *snapshot.Snapshot {
	began := time.Now()
	b := snapshot.NewBuilder(c.Name(), at)
	b.Keep(c.covers)
	b.Reuse(prev)
	heard := c.look(ctx, b)
	c.askSources(ctx, at, slices.Collect(b.Blind()), b.SourcePending)
	b.Latency(time.Since(began))
	if heard {
		c.refreshVersion(ctx)
	}
	b.Version(c.version.value)
	return b.Snapshot()
}

// parts take what a look sees, in the order in which it was seen, and what it could not see. A
// part comes again after a body that was not whole; Fail then ends it, when that was the last.
type parts interface {
	Docs(database string, body io.Reader) error
	Jobs(body io.Reader) error
	Tasks(body io.Reader) error
	Fail(part snapshot.Part, database string, err error)
}

// look reads everything in the order that makes it consistent: a job that is seen after its
// document is the newer truth. Nothing more is asked of a server that turns out to be out of
// reach. Heard means that the server gave at least one part whole.
func (c *Client) look(ctx context.Context, into parts) (heard bool) {
	databases, err := c.replicatorDBs(ctx)
	if err != nil {
		for _, glob := range c.globs() {
			into.Fail(snapshot.Docs, glob, err)
		}
	}
	down := unreachable(err)
	for _, r := range requests(databases, into) {
		if !down {
			err = c.fetch(ctx, r.path, r.query, func(a *answer) error { return r.take(a) })
			down = unreachable(err)
		}
		var e *Error
		switch {
		case err == nil:
			heard = true
		case r.part == snapshot.Docs && errors.As(err, &e) && e.missing():
			r.take(strings.NewReader(noDocs))
		default:
			into.Fail(r.part, r.database, err) // what was taken before stands
		}
	}
	if heard && !down {
		if err := c.awayNodes(ctx); err != nil {
			into.Fail(snapshot.Nodes, "", err)
		}
	}
	return heard
}

// request is for one part of a look.
type request struct {
	part        snapshot.Part
	database    string
	path, query string
	take        func(body io.Reader) error
}

func requests(databases []string, into parts) []request {
	var rs []request
	for _, db := range databases {
		take := func(body io.Reader) error { return into.Docs(db, body) }
		rs = append(rs, request{snapshot.Docs, db, docsPath + escape(db), "", take})
	}
	return append(rs,
		request{snapshot.Jobs, "", jobsPath, allJobs, into.Jobs},
		request{snapshot.Tasks, "", tasksPath, "", into.Tasks},
	)
}
