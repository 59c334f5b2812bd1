package scheduler_test

import (
	"strings"
	"testing"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/snapshot"
)

func TestSimulatedServerThroughItsLife(t *testing.T) {
	srv := couchtest.New(couchtest.Options{
		Username: "admin", Password: password, Users: map[string]string{"plain": "word"},
		Databases: []string{"team/_replicator"},
	})
	url, stop, err := srv.Serve("")
	if err != nil {
		t.Fatalf("Serve: %v", err)
	}
	t.Cleanup(stop)
	orders := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
	srv.Put("team/_replicator", "a/b c+d", couchtest.Spec{State: couchtest.Running})
	spec := signedIn()
	spec.URL, spec.ReplicatorDBs = url, []string{"_replicator", "*/_replicator"}
	c := dial(t, spec, nil)
	states := func() string {
		snap := read(t, c)
		var all []string
		for _, r := range snap.Replications {
			all = append(all, r.Database+"/"+r.DocID+" "+string(r.State))
		}
		return strings.Join(append(all, gaps(snap)...), ", ")
	}

	if got, want := states(), "_replicator/orders running, team/_replicator/a/b c+d running"; got != want {
		t.Errorf("Read: got %s, want %s", got, want)
	}
	srv.ExpireSessions()
	orders.Crash("db_not_found")
	if got, want := states(), "_replicator/orders crashing, team/_replicator/a/b c+d running"; got != want {
		t.Errorf("Read after the session ended: got %s, want %s", got, want)
	}
	orders.Delete()
	if got, want := states(), "team/_replicator/a/b c+d running"; got != want {
		t.Errorf("Read after a document was deleted: got %s, want %s", got, want)
	}
	for key, missing := range map[snapshot.Key]bool{
		{Database: "_replicator", DocID: "orders"}:       true,
		{Database: "team/_replicator", DocID: "a/b c+d"}: false,
		{Database: "gone/_replicator", DocID: "orders"}:  true,
	} {
		answer, err := c.Ask(t.Context(), key)
		if err != nil || answer.Missing != missing || (answer.Replication == nil) != missing {
			t.Errorf("Ask(%v): got %+v, %v, want missing %v", key, answer, err, missing)
		}
	}

	spec.Auth = scheduler.Auth{Username: "plain", Password: "word"}
	if err := read(t, dial(t, spec, nil)).Err(); err == nil || !strings.Contains(err.Error(), "the user is no server admin") {
		t.Errorf("Read as a plain user: got %v, want what to do about it", err)
	}
}
