package scheduler

import (
	"context"
	"errors"
	"io"
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
	b.Latency(time.Since(began))
	if heard {
		c.refreshVersion(ctx)
	}
	b.Version(c.version.value)
	return b.Snapshot()
}

// parts take what a look sees, in the order in which it was seen, and what it could not see. A
// body that they cannot take they must note as a failure themselves.
type parts interface {
	Docs(database string, body io.Reader) error
	Jobs(body io.Reader) error
	Tasks(body io.Reader) error
	Fail(part snapshot.Part, database string, err error)
}

// look reads everything in the order that makes it consistent: a job that is seen after its
// document is the newer truth. Nothing more is asked of a server that turns out to be out of
// reach. Heard means that the server gave at least one answer.
func (c *Client) look(ctx context.Context, into parts) (heard bool) {
	l := looker{client: c, ctx: ctx, into: into}
	databases, err := c.replicatorDBs(ctx)
	if err != nil {
		for _, glob := range c.globs() {
			l.failed(snapshot.Docs, glob, err)
		}
	}
	for _, db := range databases {
		l.read(snapshot.Docs, db, docsPath+escape(db), "", func(body io.Reader) error { return into.Docs(db, body) })
	}
	l.read(snapshot.Jobs, "", jobsPath, allJobs, into.Jobs)
	l.read(snapshot.Tasks, "", tasksPath, "", into.Tasks)
	return l.heard
}

// looker is one look under way.
type looker struct {
	client *Client
	ctx    context.Context
	into   parts
	heard  bool
	down   error // why the server is out of reach
}

// read reads one part. A body that broke off may be read again; what the last try left stands.
func (l *looker) read(part snapshot.Part, database, path, query string, take func(io.Reader) error) {
	if l.down != nil {
		l.into.Fail(part, database, l.down)
		return
	}
	taken := false
	err := l.client.fetch(l.ctx, path, query, func(a *answer) error {
		taken = true
		return take(a)
	})
	var e *Error
	switch {
	case err == nil:
		l.heard = true
	case part == snapshot.Docs && errors.As(err, &e) && e.missing():
		take(strings.NewReader(noDocs))
	case !taken:
		l.failed(part, database, err)
	}
}

func (l *looker) failed(part snapshot.Part, database string, err error) {
	l.into.Fail(part, database, err)
	if unreachable(err) {
		l.down = err
	}
}
