package scheduler_test

import (
	"testing"
	"time"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/snapshot"
)

// A look says what it cost: what the server itself counted.
func TestALookSaysWhatItCost(t *testing.T) {
	srv := couchtest.New(couchtest.Options{Username: "admin", Password: "secret"})
	for _, doc := range []string{"orders", "audit", "users"} {
		srv.Put("_replicator", doc, couchtest.Spec{State: couchtest.Running})
	}
	c := dial(t, scheduler.Spec{URL: "http://admin:secret@couch.example:5984", AskSources: new(false)}, direct{srv})
	var snap *snapshot.Snapshot
	for look := range 3 {
		want := cost(srv, func() { snap = c.Read(t.Context(), time.Now(), snap) })
		if got := (traffic{snap.Usage.Requests, snap.Usage.Bytes}); got != want || got.requests == 0 {
			t.Errorf("look %d: got %+v, want %+v", look, got, want)
		}
		if err := snap.Err(); err != nil {
			t.Fatal(err)
		}
	}
	gone := dial(t, scheduler.Spec{URL: "http://127.0.0.1:1"}, nil)
	if got := gone.Read(t.Context(), time.Now(), nil).Usage; got.Requests == 0 || got.Bytes != 0 {
		t.Errorf("a server that is not there: got %+v, want requests and no byte", got)
	}
}
