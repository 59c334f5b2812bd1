package rules

import (
	"time"

	"watchdog/snapshot"
)

// scene is one way in which a made-up replication has been for longer than any window.
type scene struct {
	state snapshot.State
	moved bool // its counters have
	// crashed says that it did so again and again within the last hour.
	crashed bool
	silent  bool // nobody knows whether work waits
	zombie  bool // it runs without a task
}

// scenes are those in which rules find something to say, and those that are well.
var scenes = []scene{
	{state: snapshot.Crashing, crashed: true},
	{state: snapshot.Failed},
	{state: snapshot.Running},
	{state: snapshot.Running, moved: true, crashed: true},
	{state: snapshot.Running, silent: true},
	{state: snapshot.Running, zombie: true},
	{state: snapshot.Pending},
	{state: snapshot.Completed, moved: true},
	{state: snapshot.ErrorState},
}

// row is a replication of the scene.
func (c scene) row(doc string, now, since time.Time) *snapshot.Replication {
	r := &snapshot.Replication{
		Key: snapshot.Key{Database: "_replicator", DocID: doc}, Known: ^snapshot.Fields(0),
		ID: "0123456789abcdef0123456789abcdef+continuous", Node: "couchdb@127.0.0.1", State: c.state,
		Source: "https://source.example.com/orders/", Target: "https://target.example.com/orders/", Continuous: true,
		DocsRead: 1200, DocsWritten: 1180, DocWriteFailures: 20, RevisionsChecked: 1200, MissingRevisionsFound: 1200,
		ChangesPending: 4200, BulkGetDocs: 1200, BulkGetAttempts: 1200,
		SourceSeq: "5400-g1AAAA", ThroughSeq: "1200-g1AAAA", CheckpointedSourceSeq: "1200-g1AAAA",
		LastUpdated: since, StartTime: since, PID: "<0.1.0>", User: "admin",
		Active: c.state == snapshot.Running && !c.zombie,
	}
	switch c.state {
	case snapshot.Crashing, snapshot.ErrorState:
		r.ErrorCount = 10
	case snapshot.Failed:
		r.ErrorCount = 1
	case snapshot.Completed:
		r.ChangesPending, r.Continuous = 0, false
	}
	if r.ErrorCount > 0 {
		r.Error = "db_not_found: could not open " + r.Source
	}
	if c.silent {
		r.Known = r.Known.Without(snapshot.FieldChangesPending)
	}
	if c.crashed {
		r.History = crashes(now, r.Error)
	}
	return r
}

// crashes are a history as full as CouchDB keeps it, a crash every three minutes up to a minute ago.
func crashes(now time.Time, reason string) []snapshot.Event {
	var all []snapshot.Event
	for i := range 10 {
		at := now.Add(-time.Minute - 3*time.Duration(i)*time.Minute).Truncate(time.Second)
		all = append(all,
			snapshot.Event{Type: snapshot.Crashed, At: at, Reason: reason},
			snapshot.Event{Type: snapshot.Started, At: at.Add(-time.Minute)})
	}
	return all
}
