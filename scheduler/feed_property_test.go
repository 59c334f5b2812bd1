package scheduler_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/snapshot"
)

// TestFollowingSeesWhatListingSees drives a simulated server at random. One client follows its
// databases, another lists them at every look; the server's clock stands still while both look.
func TestFollowingSeesWhatListingSees(t *testing.T) {
	rapid.Check(t, func(draw *rapid.T) {
		choices := rapid.SliceOfN(rapid.IntRange(0, 1<<16), 40, 80).Draw(draw, "choices")
		var wrong any
		synctest.Test(t, func(*testing.T) {
			defer func() { wrong = recover() }()
			newDrive(choices).run()
		})
		if wrong != nil {
			draw.Fatal(wrong)
		}
	})
}

// drive is one random story.
type drive struct {
	choices         []int // to come
	srv             *couchtest.Server
	now             time.Time
	follow, list    *scheduler.Client
	followed, whole *snapshot.Snapshot
	faulty          string
	story           []string
}

var (
	driveDatabases = []string{"_replicator", "team/_replicator"}
	driveDocs      = []string{"a", "b c", "d/e+f"}
	driveNodes     = []string{"couchdb@a", "couchdb@b"}
)

func newDrive(choices []int) *drive {
	d := &drive{choices: choices, now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	d.srv = couchtest.New(couchtest.Options{
		Now: func() time.Time { return d.now }, Databases: driveDatabases[1:], Nodes: driveNodes, Manual: true,
	})
	spec := scheduler.Spec{
		Name: "prod", URL: "http://couch.example:5984", ReplicatorDBs: driveDatabases,
		AskSources: new(false), FullEvery: 20 * time.Minute,
	}
	for _, c := range []**scheduler.Client{&d.follow, &d.list} {
		var err error
		if *c, err = scheduler.New(scheduler.Options{Spec: spec, Transport: call{d.srv}}); err != nil {
			panic(err)
		}
		(*c).FollowFrom(0)
	}
	return d
}

func (d *drive) run() {
	steps := map[string]func(){
		"put":            d.put,
		"put another":    d.put,
		"put a third":    d.put,
		"put many":       d.putMany,
		"crash":          d.each(func(r *couchtest.Replication) { r.Crash("db_not_found: could not open it") }),
		"fail":           d.each(func(r *couchtest.Replication) { r.Fail("duplicate") }),
		"complete":       d.each((*couchtest.Replication).Complete),
		"delete":         d.each((*couchtest.Replication).Delete),
		"rewrite":        d.each((*couchtest.Replication).Rewrite),
		"start":          d.each((*couchtest.Replication).Start),
		"stop":           d.each((*couchtest.Replication).Stop),
		"cannot start":   d.each(func(r *couchtest.Replication) { r.Fault("filter_fetch_error") }),
		"cannot begin":   d.each(func(r *couchtest.Replication) { r.Fault("worker_timeout") }),
		"progress":       d.each(progress),
		"crash loop":     d.each(func(r *couchtest.Replication) { r.Start(); r.Crash("timeout"); r.Start(); r.Crash("timeout") }),
		"start and stop": d.each(func(r *couchtest.Replication) { r.Start(); r.Stop() }),
		"lose its task":  d.each(func(r *couchtest.Replication) { r.HideTask(d.upTo(2) == 1) }),
		"restart":        d.srv.Restart,
		"node":           func() { d.srv.NodeDown(d.one(driveNodes), true) },
		"node back":      d.nodesBack,
		"nodes back":     d.nodesBack,
		"all nodes back": d.nodesBack,
		"transient":      func() { d.srv.Transient(couchtest.Spec{Source: d.one(driveDocs)}) },
		"design":         d.design,
		"drop":           func() { d.srv.DeleteDatabase(driveDatabases[1]) },
		"make anew":      func() { d.srv.DeleteDatabase(driveDatabases[1]); d.srv.CreateDatabase(driveDatabases[1]) },
		"create":         func() { d.srv.CreateDatabase(driveDatabases[1]) },
		"trouble":        d.trouble,
		"time":           func() { d.now = d.now.Add(time.Duration(1+d.upTo(400)) * time.Second) },
		"nothing at all": func() {},
	}
	names := make([]string, 0, len(steps))
	for name := range steps {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, node := range driveNodes { // their jobs prove that it was not started again
		d.srv.Put("_replicator", "steady on "+node, couchtest.Spec{State: couchtest.Running, Source: node, Node: node, Docs: 5})
	}
	d.look() // now both know that the cluster has two nodes; who is refused that at first takes it for one
	for len(d.choices) > 0 {
		for range d.upTo(4) {
			name := d.one(names)
			d.story = append(d.story, name)
			steps[name]()
		}
		d.look()
	}
}

// upTo is the next choice among n.
func (d *drive) upTo(n int) int {
	if len(d.choices) == 0 {
		return 0
	}
	next := d.choices[0]
	d.choices = d.choices[1:]
	return next % n
}

func (d *drive) one(of []string) string { return of[d.upTo(len(of))] }

// fail ends the story with what is wrong.
func (d *drive) fail(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (d *drive) put() {
	states := []couchtest.State{
		couchtest.Unclaimed, couchtest.Initializing, couchtest.Erroring, couchtest.Pending,
		couchtest.Running, couchtest.Crashing, couchtest.Completed, couchtest.Failed,
	}
	db, doc := d.one(driveDatabases), d.one(driveDocs)
	spec := couchtest.Spec{
		State: states[d.upTo(len(states))], Source: db + doc, Error: "no",
		Node: d.one(driveNodes), OneShot: d.upTo(2) == 1, Docs: 5, Rate: 1,
		Silent: d.upTo(6) == 1,
	}
	if d.upTo(6) == 1 {
		spec.Source = "the same"
	}
	d.story = append(d.story, fmt.Sprint(db, "/", doc, " ", spec.State))
	d.srv.Put(db, doc, spec)
}

// putMany puts more documents than a look asks for one by one.
func (d *drive) putMany() {
	state := []couchtest.State{couchtest.Running, couchtest.Erroring, couchtest.Completed}[d.upTo(3)]
	for i := range scheduler.MaxAsks + 5 {
		d.srv.Put("_replicator", fmt.Sprintf("many%02d", i), couchtest.Spec{State: state, Error: "no"})
	}
}

func (d *drive) nodesBack() {
	for _, node := range driveNodes {
		d.srv.NodeDown(node, false)
	}
}

// each moves one of the documents that there are.
func (d *drive) each(move func(*couchtest.Replication)) func() {
	return func() {
		db, doc := d.one(driveDatabases), d.one(driveDocs)
		d.story = append(d.story, db+"/"+doc)
		if r := d.srv.Doc(db, doc); r != nil {
			move(r)
		}
	}
}

// progress is of what runs: the simulated server would let an ended one count on too.
func progress(r *couchtest.Replication) {
	if r.State() == couchtest.Running {
		r.Progress(3)
	}
}

func (d *drive) design() {
	r := httptest.NewRequest(http.MethodPut, "/_replicator/_design/"+d.one([]string{"x", "y"}), strings.NewReader(`{}`))
	d.srv.ServeHTTP(httptest.NewRecorder(), r)
}

// trouble makes some requests of the next look go wrong.
func (d *drive) trouble() {
	behaviours := map[string]couchtest.Behaviour{
		"500": couchtest.Status(500), "503": couchtest.Status(503), "404": couchtest.HTML(404), "403": couchtest.Status(403),
		"garbage": couchtest.Garbage(), "truncated": couchtest.Truncate(60), "odd row": couchtest.OddRow(""),
	}
	kind := d.one([]string{"500", "503", "404", "403", "garbage", "truncated", "odd row"})
	d.faulty = d.one([]string{
		"/_scheduler/jobs", "/_scheduler/docs/_replicator", "/_scheduler/docs/_replicator/", "/_scheduler/docs/team",
		"/_replicator/_changes", "/_replicator", "/team%2F_replicator", "/_active_tasks", "/_membership",
		"/_scheduler/jobs/", "/_node/", "/_node/couchdb@b",
	})
	d.story = append(d.story, kind+" of "+d.faulty)
	d.srv.Inject(couchtest.Fault{
		Path: d.faulty, Do: behaviours[kind],
		Skip: d.upTo(3), Times: 1 + d.upTo(4),
	})
}

func (d *drive) look() {
	ctx, at := context.Background(), d.now
	d.followed = d.follow.Read(ctx, at, d.followed)
	d.srv.ClearFaults()
	d.whole = d.list.Read(ctx, at, nil)
	d.story = append(d.story, "look")
	if d.whole.Failed() {
		d.fail("the look of the client that lists failed: %v", gaps(d.whole))
	}
	if d.faulty != "" {
		d.faulty = ""
		d.compareTroubled()
		time.Sleep(5 * time.Minute) // until what was refused is tried again; the server's clock stands still
		return
	}
	if diff := cmp.Diff(d.shown(d.whole), d.shown(d.followed)); diff != "" {
		d.fail("after %s\nwhat following sees (-listing +following):\n%s", strings.Join(d.story, ", "), diff)
	}
}

// view is what the rules see of a snapshot.
type view struct {
	Replications []snapshot.Replication
	Complete     []string
	Gaps         []string
	RowErrors    int
}

func (d *drive) shown(s *snapshot.Snapshot) view {
	v := view{RowErrors: len(s.RowErrors)}
	for _, r := range s.Replications {
		v.Replications = append(v.Replications, *r)
	}
	for _, db := range append([]string{snapshot.TransientDatabase}, driveDatabases...) {
		if s.Complete(db) {
			v.Complete = append(v.Complete, db)
		}
	}
	for _, g := range s.Gaps {
		v.Gaps = append(v.Gaps, string(g.Part)+" "+g.Database)
	}
	return v
}

// compareTroubled compares a look that went wrong with one that did not: what it shows is true,
// and what it does not show it does not call absent.
func (d *drive) compareTroubled() {
	for _, r := range d.followed.Replications {
		truth := find(d.whole, r.Database, r.DocID)
		if truth.DocID == "" || r.State != truth.State {
			if d.followed.Failed() && truth.DocID != "" {
				continue // the later of two words was not heard
			}
			d.fail("after %s\n%s/%s is %q, want %q", strings.Join(d.story, ", "), r.Database, r.DocID, r.State, truth.State)
		}
	}
	for _, r := range d.whole.Replications {
		if find(d.followed, r.Database, r.DocID).DocID == "" && d.followed.Complete(r.Database) {
			d.fail("after %s\n%s/%s is absent from a view that is called complete", strings.Join(d.story, ", "), r.Database, r.DocID)
		}
	}
}
