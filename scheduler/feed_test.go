package scheduler_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/snapshot"
)

// long is a server whose _replicator has so many documents that it is followed, and a client
// that has begun to.
type long struct {
	*testing.T
	srv  *couchtest.Server
	c    *scheduler.Client
	snap *snapshot.Snapshot

	mu    sync.Mutex // guards asked
	asked []string
}

const longRows = 201

// newLong makes running documents named doc000 and so on.
func newLong(t *testing.T, put couchtest.Spec) *long {
	t.Helper()
	l := &long{T: t, srv: couchtest.New(couchtest.Options{})}
	put.State = couchtest.Running
	for i := range longRows {
		l.srv.Put("_replicator", fmt.Sprintf("doc%03d", i), numbered(put, i))
	}
	l.c = bubble(t, l, scheduler.Spec{})
	l.look() // its credentials are taken only now
	l.look()
	return l
}

// numbered gives each document a source of its own.
func numbered(s couchtest.Spec, i int) couchtest.Spec {
	s.Source = fmt.Sprintf("orders%03d", i)
	return s
}

func (l *long) doc(i int) *couchtest.Replication {
	return l.srv.Doc("_replicator", fmt.Sprintf("doc%03d", i))
}

// look takes a look and says what it asked for; "GET /" and the members are left out.
func (l *long) look() []string {
	l.Helper()
	l.mu.Lock()
	l.asked = nil
	l.mu.Unlock()
	l.snap = l.c.Read(l.Context(), time.Now(), l.snap)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

// ServeHTTP notes what is asked for, without the name of a document.
func (l *long) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Replace(r.URL.EscapedPath(), "/_replicator", "/{db}", 1)
	for _, asked := range []string{askedDoc, askedJob} {
		if strings.HasPrefix(path, strings.TrimSuffix(asked, "{id}")) {
			path = asked
		}
	}
	if strings.HasPrefix(path, "/_node/") {
		path = counters
	}
	if path != "/" && path != "/_membership" && !strings.HasSuffix(path, "/_all_docs") {
		l.mu.Lock()
		l.asked = append(l.asked, path)
		l.mu.Unlock()
	}
	l.srv.ServeHTTP(w, r)
}

// The requests of a look.
const (
	askedDoc = "/_scheduler/docs/{db}/{id}"
	askedJob = "/_scheduler/jobs/{id}"
	counters = "/_node/{node}/_stats"
)

// Those of a look by how it reads the documents, and by how it reads the jobs.
var (
	followedDocs = []string{"/{db}/_changes"}
	listedDocs   = []string{"/{db}", "/_scheduler/docs/{db}"}
	followedJobs = []string{counters, "/_active_tasks"}
	askedJobs    = []string{counters, "/_active_tasks", askedJob, counters}
	listedJobs   = []string{counters, "/_scheduler/jobs", "/_active_tasks"}
	doubtedJobs  = slices.Concat(followedJobs, listedJobs)
)

func (l *long) expect(when string, parts ...[]string) {
	l.Helper()
	want := slices.Concat(parts...)
	if diff := cmp.Diff(want, l.look()); diff != "" {
		l.Errorf("requests of a look %s (-want +got):\n%s", when, diff)
	}
	if l.snap.Failed() {
		l.Errorf("a look %s: got %v, want no trouble", when, l.snap.Err())
	}
}

// state is what the last look showed of a document; "" where it did not.
func (l *long) state(i int) snapshot.State {
	return find(l.snap, "_replicator", fmt.Sprintf("doc%03d", i)).State
}

func TestALongDatabaseIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLong(t, couchtest.Spec{})
		l.expect("when nothing happened", followedDocs, followedJobs)
		if len(l.snap.Replications) != longRows {
			t.Errorf("replications: got %d, want %d", len(l.snap.Replications), longRows)
		}

		l.doc(3).Crash("db_not_found")
		l.expect("after a crash", followedDocs, askedJobs)
		l.doc(4).Fail("duplicate")
		l.expect("after a failure", followedDocs, []string{"/{db}", askedDoc}, askedJobs)
		l.expect("after that", followedDocs, followedJobs)
		l.doc(5).Delete()
		l.expect("after a deletion", followedDocs, []string{"/{db}"}, askedJobs)
		l.doc(6).Fault("filter_fetch_error")
		l.expect("when a document cannot become a job", followedDocs, askedJobs, []string{askedDoc})
		l.expect("as long as it cannot", followedDocs, followedJobs, []string{askedDoc})
		l.doc(6).Start()
		l.expect("when it can again", followedDocs, askedJobs)
		got := []snapshot.State{l.state(3), l.state(4), l.state(5), l.state(6)}
		if diff := cmp.Diff([]snapshot.State{snapshot.Crashing, snapshot.Failed, "", snapshot.Running}, got); diff != "" {
			t.Errorf("states of 3, 4, 5 and 6 (-want +got):\n%s", diff)
		}
	})
}

func TestADocumentThatNoNodeHasClaimedIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLong(t, couchtest.Spec{})
		doc := l.srv.Put("_replicator", "doc999", couchtest.Spec{State: couchtest.Unclaimed})
		asking := []string{"/{db}/_changes", askedDoc}
		l.expect("when it was written", followedDocs, []string{"/{db}", askedDoc}, followedJobs)
		l.expect("after that", asking, followedJobs)
		doc.Fault("worker_timeout") // which writes nothing
		l.expect("when it cannot become a job", asking, followedJobs)
		if got := l.state(999); got != snapshot.ErrorState {
			t.Errorf("state: got %q, want error", got)
		}
	})
}

func TestALongDatabaseIsListed(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(l *long)
		want [][]string
	}{
		{"every ten minutes", func(l *long) { time.Sleep(10 * time.Minute) }, [][]string{listedDocs, listedJobs}},
		{"when more was written than is asked for one by one", func(l *long) {
			for i := range scheduler.MaxAsks + 1 {
				l.doc(i).Fail("duplicate")
			}
		}, [][]string{followedDocs, listedDocs, doubtedJobs}},
		{"when more lost their jobs", func(l *long) {
			for i := range scheduler.MaxAsks + 1 {
				l.doc(i).Fault("filter_fetch_error")
			}
		}, [][]string{followedDocs, followedJobs, {counters, "/_scheduler/jobs"}, listedDocs, listedJobs}},
		{"when the database was made anew", func(l *long) {
			l.srv.DeleteDatabase("_replicator")
			l.srv.CreateDatabase("_replicator")
		}, [][]string{followedDocs, listedDocs, doubtedJobs}},
		{"when it was made anew and more was written into it than before", func(l *long) {
			l.doc(0).Fail("duplicate")
			l.look()
			l.srv.DeleteDatabase("_replicator")
			for i := range longRows + 20 {
				l.srv.Put("_replicator", fmt.Sprintf("doc%03d", 100+i%10), couchtest.Spec{State: couchtest.Running, JobID: fmt.Sprint(i)})
			}
		}, [][]string{followedDocs, {"/{db}"}, listedDocs, doubtedJobs}},
		{"when it is gone", func(l *long) { l.srv.DeleteDatabase("_replicator") }, [][]string{followedDocs, listedDocs, doubtedJobs}},
		{"when the feed fails", func(l *long) {
			l.srv.Inject(couchtest.Fault{Path: "/_replicator/_changes", Times: 1, Do: couchtest.Truncate(30)})
		}, [][]string{followedDocs, listedDocs, followedJobs}},
		{"when the look before is not known", func(l *long) { l.snap = nil }, [][]string{listedDocs, listedJobs}},
		{"when the clock went back", func(l *long) { l.snap = l.c.Read(l.Context(), time.Now().Add(time.Hour), l.snap) }, [][]string{listedDocs, listedJobs}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLong(t, couchtest.Spec{})
				test.do(l)
				if diff := cmp.Diff(slices.Concat(test.want...), l.look()); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				l.srv.ClearFaults()
				whole := bubble(t, l.srv, scheduler.Spec{})
				if diff := cmp.Diff(databases(read(t, whole)), databases(l.snap)); diff != "" {
					t.Errorf("replications by database (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAFeedThatMustNotBeReadIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLong(t, couchtest.Spec{})
		l.srv.Inject(couchtest.Fault{Path: "/_replicator/_changes", Do: couchtest.Status(http.StatusForbidden)})
		docs := listedDocs[1:]
		l.expect("when it is refused", followedDocs, docs, followedJobs)
		time.Sleep(9 * time.Minute)
		l.expect("within ten minutes", docs, followedJobs)
		time.Sleep(time.Minute)
		l.expect("after them", listedDocs, listedJobs)
		l.expect("after that", followedDocs, docs, followedJobs)
	})
}

func TestADatabaseThatJobsDoNotTellOfIsListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLong(t, couchtest.Spec{Docs: 5})
		silent := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(&rewriter{ResponseWriter: w, from: `"info"`, to: `"none"`}, r)
		}
		l.srv.Inject(couchtest.Fault{Path: "/_scheduler/jobs", Do: silent})
		time.Sleep(10 * time.Minute)
		l.expect("when the jobs begin to tell less than the documents", listedDocs, listedJobs)
		l.expect("after that", listedDocs, followedJobs)
		if !find(l.snap, "_replicator", "doc007").Has(snapshot.FieldDocsWritten) {
			t.Error("docs_written: got none, want that of the document")
		}
	})
}

// rewriter changes what is written, to text of the same length.
type rewriter struct {
	http.ResponseWriter
	from, to string
}

func (r *rewriter) Write(b []byte) (int, error) {
	if _, err := r.ResponseWriter.Write([]byte(strings.ReplaceAll(string(b), r.from, r.to))); err != nil {
		return 0, err
	}
	return len(b), nil
}

func TestAShortDatabaseIsListedAtEveryLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &long{T: t, srv: couchtest.New(couchtest.Options{})}
		for i := range longRows - 1 {
			l.srv.Put("_replicator", fmt.Sprintf("doc%03d", i), numbered(couchtest.Spec{State: couchtest.Running}, i))
		}
		l.c = bubble(t, l, scheduler.Spec{})
		for range 3 {
			l.expect("at a short database", listedDocs[1:], []string{"/_scheduler/jobs", "/_active_tasks"})
		}
	})
}

func TestADocumentThatCannotBeReadIsOneError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLong(t, couchtest.Spec{})
		l.doc(4).Fail("duplicate")
		l.srv.Inject(couchtest.Fault{Path: "/_scheduler/docs/_replicator/doc004", Do: couchtest.Status(http.StatusInternalServerError)})
		l.look()
		if len(l.snap.RowErrors) != 1 || l.snap.Failed() || l.snap.Complete("_replicator") || len(l.snap.Replications) != longRows-1 {
			t.Errorf("got row errors %v, failed %v, complete %v, %d replications; want one error, and the others, of a view that is not complete",
				l.snap.RowErrors, l.snap.Failed(), l.snap.Complete("_replicator"), len(l.snap.Replications))
		}
		l.expect("after that", listedDocs, followedJobs)
		if got := l.state(4); got != snapshot.Failed {
			t.Errorf("state as listed: got %q, want failed", got)
		}
	})
}
