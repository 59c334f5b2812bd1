package scheduler_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/snapshot"
)

func TestANodeThatIsAwayTakesFromAbsenceWhatItProves(t *testing.T) {
	srv := couchtest.New(couchtest.Options{Nodes: []string{"couchdb@a", "couchdb@b"}})
	srv.Put("_replicator", "here", couchtest.Spec{State: couchtest.Running, Node: "couchdb@a"})
	srv.Put("_replicator", "there", couchtest.Spec{State: couchtest.Running, Node: "couchdb@b"})
	c := bubble(t, srv, scheduler.Spec{})
	expect := func(when string, complete bool, docs ...string) {
		t.Helper()
		snap := read(t, c)
		var got []string
		for _, r := range snap.Replications {
			got = append(got, r.DocID)
		}
		if diff := cmp.Diff(docs, got); diff != "" {
			t.Errorf("%s: replications (-want +got):\n%s", when, diff)
		}
		for _, database := range []string{"_replicator", snapshot.TransientDatabase} {
			if snap.Complete(database) != complete {
				t.Errorf("%s: Complete(%s): got %v, want %v", when, database, !complete, complete)
			}
		}
		if err := snap.Err(); err != nil {
			t.Errorf("%s: got %v, want a look that did not fail: what it shows is true", when, err)
		}
		if named := strings.Contains(strings.Join(gaps(snap), ""), "couchdb@b"); named == complete {
			t.Errorf("%s: got gaps %v, want the node named while it is away", when, gaps(snap))
		}
	}
	expect("with both nodes", true, "here", "there")
	srv.NodeDown("couchdb@b", true)
	expect("with one of two", false, "here")
	srv.NodeDown("couchdb@b", false)
	expect("with both again", true, "here", "there")
}

func TestARecordingSaysThatANodeWasAway(t *testing.T) {
	srv := couchtest.New(couchtest.Options{Nodes: []string{"couchdb@a", "couchdb@b"}})
	srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
	srv.NodeDown("couchdb@b", true)
	line := bubble(t, srv, scheduler.Spec{}).Record(t.Context(), time.Now())
	text, err := json.Marshal(line)
	if err != nil {
		t.Fatalf("Marshal: %v", err)
	}
	var again snapshot.Line
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatalf("Unmarshal: %v", err)
	}
	snap, err := again.Snapshot(nil)
	if err != nil {
		t.Fatalf("Snapshot: %v", err)
	}
	if snap.Complete("_replicator") || snap.Failed() || len(snap.Replications) != 1 {
		t.Errorf("replayed: got complete %v, failed %v, %d replications, want one that was seen, and absence that proves nothing",
			snap.Complete("_replicator"), snap.Failed(), len(snap.Replications))
	}
}

func TestMembershipIsAskedForAsOftenAsItCanChange(t *testing.T) {
	cluster := text(200, "application/json", `{"all_nodes":["a","b"],"cluster_nodes":["a","b"]}`)
	for _, test := range []struct {
		name   string
		answer any
		want   int // requests in 61 looks, one a minute
	}{
		{"a server of one node: once an hour", "membership", 2},
		{"a cluster: at every look", cluster, 61},
		{"not a server admin: once an hour", text(401, "application/json", `{"error":"unauthorized","reason":"You are not a server admin."}`), 2},
		{"not known there: once an hour", text(404, "application/json", `{"error":"not_found","reason":"missing"}`), 2},
		{"trouble: at every look", text(500, "application/json", `{"error":"internal","reason":"no"}`), 61},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				s := newCouch(map[string]any{members: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					asked++
					if recording, ok := test.answer.(string); ok {
						play(w, recording)
						return
					}
					test.answer.(http.HandlerFunc)(w, r)
				})})
				c := bubble(t, s, scheduler.Spec{})
				for range 61 {
					snap := read(t, c)
					if len(snap.Gaps) > 0 || !snap.Complete("_replicator") {
						t.Fatalf("Read: got gaps %v, want none", gaps(snap))
					}
					time.Sleep(time.Minute)
				}
				if asked != test.want {
					t.Errorf("requests for the members: got %d, want %d", asked, test.want)
				}
			})
		})
	}
}

func TestNodesAreNotAskedOfAServerThatDoesNotAnswer(t *testing.T) {
	s := newCouch(nil)
	for request := range s.answers {
		s.answer(request, text(503, "application/json", `{"error":"service_unavailable","reason":"no"}`))
	}
	synctest.Test(t, func(t *testing.T) {
		snap := read(t, bubble(t, s, scheduler.Spec{}))
		if !snap.Failed() || slices.Contains(s.asked, members) {
			t.Errorf("Read: got %v and requests %v, want a failed look that asks for no more", snap.Err(), s.asked)
		}
	})
}

func TestDatabasesAreDiscoveredAsOftenAsTheSpecSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{Databases: []string{"a/_replicator"}})
		c := bubble(t, srv, scheduler.Spec{ReplicatorDBs: []string{"*/_replicator"}, DiscoverEvery: 5 * time.Minute})
		read(t, c)
		srv.Put("b/_replicator", "orders", couchtest.Spec{State: couchtest.Failed})
		var found []int
		for range 7 {
			found = append(found, len(read(t, c).Replications))
			time.Sleep(time.Minute)
		}
		if diff := cmp.Diff([]int{0, 0, 0, 0, 0, 1, 1}, found); diff != "" {
			t.Errorf("replications by minute, of a database that came after the first look (-want +got):\n%s", diff)
		}
	})
}

func TestAClusterThatDoesNotTellItsNodesMayHaveLostSome(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusInternalServerError} {
		synctest.Test(t, func(t *testing.T) {
			srv := couchtest.New(couchtest.Options{Nodes: []string{"couchdb@a", "couchdb@b"}})
			c := bubble(t, srv, scheduler.Spec{})
			read(t, c)
			remove := srv.Inject(couchtest.Fault{Path: "/_membership", Do: couchtest.Status(status)})
			if snap := read(t, c); snap.Complete("_replicator") || snap.Failed() {
				t.Errorf("after %d: got complete %v, failed %v, want absence to prove nothing", status, snap.Complete("_replicator"), snap.Failed())
			}
			remove()
			if snap := read(t, c); !snap.Complete("_replicator") {
				t.Errorf("when it tells again: got gaps %v, want none", gaps(snap))
			}
		})
	}
}
