package scheduler_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/snapshot"
)

// newMany is a server of so many jobs that some can be asked for, of which every tenth runs.
func newMany(t *testing.T) *long {
	t.Helper()
	l := &long{T: t, srv: couchtest.New(couchtest.Options{})}
	for i := range 1000 {
		spec := numbered(couchtest.Spec{State: couchtest.Pending, Docs: 5}, i)
		if i%10 == 0 {
			spec.State, spec.Rate = couchtest.Running, 1
		}
		l.srv.Put("_replicator", fmt.Sprintf("doc%03d", i), spec)
	}
	l.c = bubble(t, l, scheduler.Spec{})
	l.look()
	l.look()
	return l
}

// whole compares the last look with one that lists.
func (l *long) whole(when string) {
	l.Helper()
	l.srv.ClearFaults()
	want := read(l.T, bubble(l.T, l.srv, scheduler.Spec{}))
	if diff := cmp.Diff(want.Replications, l.snap.Replications); diff != "" {
		l.Errorf("replications %s (-listed +followed):\n%s", when, diff)
	}
}

func TestWhatHappensToJobsIsFoundWithoutAListing(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(l *long)
		asks int // jobs that are asked for
	}{
		{"nothing", func(*long) {}, 0},
		{"progress", func(*long) { time.Sleep(30 * time.Second) }, 0},
		{"a crash", func(l *long) { l.doc(10).Crash("db_not_found") }, 1},
		{"a stop, and the start of the one that waited longest", func(l *long) { l.doc(10).Stop(); l.doc(1).Start() }, 2},
		{"a crash and the next start", func(l *long) { l.doc(10).Crash("timeout"); l.doc(10).Start() }, 1},
		{"a one-shot that completes", func(l *long) { l.doc(20).Complete() }, 1},
		{"a deletion of one that waits", func(l *long) { l.doc(5).Delete() }, 1},
		{"a deletion of one that runs", func(l *long) { l.doc(30).Delete() }, 1},
		{"a new document", func(l *long) {
			l.srv.Put("_replicator", "new", numbered(couchtest.Spec{State: couchtest.Pending}, 5000))
		}, 1},
		{"a document that is written anew and waits", func(l *long) { l.doc(40).Rewrite() }, 1},
		{"a task that is not there any more", func(l *long) { l.doc(50).HideTask(true) }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newMany(t)
				test.do(l)
				asked := l.look()
				got := map[string]int{}
				for _, path := range asked {
					got[path]++
				}
				if got["/_scheduler/jobs"] != 0 || got[askedJob] != test.asks {
					t.Errorf("got %d listings and %d jobs asked for, want 0 and %d; requests: %q",
						got["/_scheduler/jobs"], got[askedJob], test.asks, asked)
				}
				l.whole("after " + test.name)
			})
		})
	}
}

func TestACrashLoopIsFoundWithoutAListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMany(t)
		l.doc(10).Crash("timeout")
		l.expect("after the first crash", followedDocs, askedJobs)
		time.Sleep(time.Minute)
		l.doc(10).Start()
		l.doc(10).Crash("timeout")
		l.expect("when it was tried and crashed between two looks", followedDocs, askedJobs)
		l.whole("after the second crash")
		if got := find(l.snap, "_replicator", "doc010"); got.ErrorCount != 2 || got.State != snapshot.Crashing {
			t.Errorf("got state %s with error_count %d, want crashing with 2", got.State, got.ErrorCount)
		}
	})
}

func TestTheLastNumbersOfAStoppedJobAreAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMany(t)
		l.doc(10).Stop()
		l.expect("after the stop", followedDocs, askedJobs)
		l.doc(10).SetCounters(func(c *couchtest.Counters) { c.DocsWritten += 7 }) // the scheduler had not taken them yet
		l.expect("at the next look", followedDocs, askedJobs)
		l.whole("after the last numbers")
		l.expect("after that", followedDocs, followedJobs)
	})
}

func TestJobsAreListedWhereTheyMayDiffer(t *testing.T) {
	refused := func(l *long) {
		l.srv.Inject(couchtest.Fault{Path: "/_node/", Do: couchtest.Status(http.StatusForbidden)})
	}
	for _, test := range []struct {
		name string
		do   func(l *long)
	}{
		{"every ten minutes", func(*long) { time.Sleep(10 * time.Minute) }},
		{"when the server was started again", func(l *long) { l.srv.Restart() }},
		{"when more has happened than is asked for one by one", func(l *long) {
			for i := range 11 {
				l.doc(10 * i).Crash("timeout")
			}
		}},
		{"when a job that waits started and crashed out of turn", func(l *long) {
			l.doc(555).Start()
			l.doc(555).Crash("timeout")
		}},
		{"when a job cannot be asked for", func(l *long) {
			l.doc(10).Crash("timeout")
			l.srv.Inject(couchtest.Fault{Path: "/_scheduler/jobs/", Do: couchtest.Garbage()})
		}},
		{"when the tasks cannot be read", func(l *long) {
			l.srv.Inject(couchtest.Fault{Path: "/_active_tasks", Times: 1, Do: couchtest.Garbage()})
		}},
		{"when the counters must not be read", refused},
		{"when the nodes are not told", func(l *long) {
			l.srv.Inject(couchtest.Fault{Path: "/_membership", Do: couchtest.Status(http.StatusInternalServerError)})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newMany(t)
				test.do(l)
				listings := 0
				for _, path := range l.look() {
					if path == "/_scheduler/jobs" {
						listings++
					}
				}
				if listings != 1 {
					t.Errorf("got %d listings of the jobs, want 1", listings)
				}
				l.whole(test.name)
			})
		})
	}
}

func TestCountersThatMustNotBeReadAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMany(t)
		l.srv.Inject(couchtest.Fault{Path: "/_node/", Do: couchtest.Status(http.StatusForbidden)})
		l.look()
		asIsListed := []string{"/_scheduler/jobs", "/_active_tasks"}
		time.Sleep(9 * time.Minute)
		l.expect("within ten minutes", followedDocs, asIsListed)
		time.Sleep(time.Minute)
		l.expect("after them", listedDocs, listedJobs)
	})
}

func TestFollowingThatKeepsFailingIsTriedLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMany(t)
		tries := 0
		for i := range 60 {
			time.Sleep(time.Second)
			l.doc(501 + i%400).Start()
			l.doc(501 + i%400).Crash("timeout")
			for _, path := range l.look() {
				if path == askedJob {
					tries++
					break
				}
			}
		}
		if tries > 6 {
			t.Errorf("following the jobs was tried at %d of 60 looks, want at most 6", tries)
		}
		l.whole("after all that")
	})
}
