package scheduler

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
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
// its time. prev is the snapshot before it, as Read returned it: the documents of a long
// database and a long list of jobs are then not read again but followed. It may be nil.
func (c *Client) Read(ctx context.Context, at time.Time, prev *snapshot.Snapshot) *snapshot.Snapshot {
	began := time.Now()
	ctx, used := withUsage(ctx)
	b := snapshot.NewBuilder(c.Name(), at)
	b.Keep(c.covers)
	b.Reuse(prev)
	if runtime.GOMAXPROCS(0) > 1 {
		var cutting sync.WaitGroup
		defer cutting.Wait()
		b.Beside(cutting.Go)
	}
	if prev == nil || prev != c.last {
		c.relist() // what is known of the databases goes on from another look
	}
	heard := c.follow(ctx, at, b)
	c.askSources(ctx, at, slices.Collect(b.Blind()), b.SourcePending)
	b.Latency(time.Since(began))
	if heard {
		c.refreshVersion(ctx)
	}
	b.Version(c.version.value)
	b.Usage(used.total())
	c.last = c.hide(b.Snapshot())
	c.doorbell.hang(c.watched, time.Since(began), c.unsettled())
	return c.last
}

// parts take what a look sees, in the order in which it was seen, and what it could not see. A
// part comes again after a body that was not whole; Fail then ends it, when that was the last.
type parts interface {
	Docs(database string, body io.Reader) error
	Jobs(body io.Reader) error
	Tasks(body io.Reader) error
	Fail(part snapshot.Part, database string, err error)
}

// look is one look at the server under way.
type look struct {
	client *Client
	into   parts
	heard  bool  // the server gave at least one part whole
	down   error // nobody can be spoken to: nothing more is asked for, and this is why
}

// look lists everything in the order that makes it consistent: a job that is seen after its
// document is the newer truth. Heard means that the server gave at least one part whole.
func (c *Client) look(ctx context.Context, into parts) (heard bool) {
	l := &look{client: c, into: into}
	for _, db := range l.databases(ctx) {
		l.docs(ctx, db)
	}
	l.jobs(ctx)
	l.rest(ctx)
	return l.heard
}

// databases are those to read.
func (l *look) databases(ctx context.Context) []string {
	databases, err := l.client.replicatorDBs(ctx)
	if err != nil {
		for _, glob := range l.client.globs() {
			l.into.Fail(snapshot.Docs, glob, err)
		}
		_ = l.note(err)
	}
	return databases
}

// docs lists the documents of a database. One that does not exist has none.
func (l *look) docs(ctx context.Context, database string) bool {
	take := func(body io.Reader) error { return l.into.Docs(database, body) }
	err := l.fetch(ctx, docsPath+escape(database), "", take)
	if e := (*Error)(nil); errors.As(err, &e) && e.missing() {
		err = take(strings.NewReader(noDocs))
	}
	return l.ended(snapshot.Docs, database, err)
}

func (l *look) jobs(ctx context.Context) bool {
	return l.ended(snapshot.Jobs, "", l.fetch(ctx, jobsPath, allJobs, l.into.Jobs))
}

// rest is what follows the jobs: the active tasks, and whether all nodes answered.
func (l *look) rest(ctx context.Context) {
	l.ended(snapshot.Tasks, "", l.fetch(ctx, tasksPath, "", l.into.Tasks))
	if !l.heard || l.down != nil {
		return
	}
	if err := l.client.awayNodes(ctx); err != nil {
		l.into.Fail(snapshot.Nodes, "", err)
	}
}

// fetch asks, unless the server is known to be out of reach.
func (l *look) fetch(ctx context.Context, path, query string, take func(io.Reader) error) error {
	if l.down != nil {
		return l.down
	}
	return l.note(l.client.fetch(ctx, path, query, func(a *answer) error { return take(a) }))
}

// note remembers that the server is out of reach.
func (l *look) note(err error) error {
	if unreachable(err) {
		l.down = err
	}
	return err
}

// ended notes how reading a part ended. What was taken before an error stands.
func (l *look) ended(part snapshot.Part, database string, err error) bool {
	if err != nil {
		l.into.Fail(part, database, err)
		return false
	}
	l.heard = true
	return true
}
