package rules

import (
	"time"

	"watchdog/alert"
	"watchdog/snapshot"
)

// Sample is what the rule would say of a made-up subject of a server at a time: to see a
// message before there is a reason for one.
func (r *Rule) Sample(server string, labels map[string]string, now time.Time) alert.Transition {
	at := stampOf(now)
	s := &step{
		set: NewSet(SetSpec{Labels: labels, Rules: []*Rule{r}}), memory: NewMemory(server),
		at: at, time: at.time(), result: &Result{}, view: newReplicationView(server, labels, at),
	}
	on := s.sampleReplication(at)
	if r.Server {
		on = s.sampleServer(at)
	}
	status, reason := alert.StatusFiring, alert.ReasonNew
	if r.on != nil {
		status, reason = alert.StatusEvent, alert.ReasonEvent
	}
	s.say(reason, s.newAlert(r, on, status))
	return s.result.Transitions[0]
}

func (s *step) sampleReplication(at stamp) *subject {
	row := &snapshot.Replication{
		Key: snapshot.Key{Database: "_replicator", DocID: "example"}, Known: ^snapshot.Fields(0),
		ID: "0123456789abcdef0123456789abcdef+continuous", Node: "couchdb@127.0.0.1", State: snapshot.Crashing,
		Source: "https://source.example.com/orders/", Target: "https://target.example.com/orders/",
		ErrorCount: 3, Error: "db_not_found: could not open https://source.example.com/orders/", Continuous: true,
		DocsRead: 1200, DocsWritten: 1180, DocWriteFailures: 20, RevisionsChecked: 1200, MissingRevisionsFound: 1200,
		ChangesPending: 42, BulkGetDocs: 1200, BulkGetAttempts: 1200,
		SourceSeq: "1200-g1AAAA", ThroughSeq: "1180-g1AAAA", CheckpointedSourceSeq: "1180-g1AAAA",
		LastUpdated: at.time(), StartTime: at.time().Add(-time.Hour), PID: "<0.1.0>", User: "admin",
	}
	p := &past{}
	p.observe(row, nil, at)
	p.previous = snapshot.Running
	s.view.look(row, p)
	return s.replicationSubject(row, p)
}

func (s *step) sampleServer(at stamp) *subject {
	h := &health{failures: 3, error: "read jobs: connection refused"}
	v, env := serverView(s.set, h, &snapshot.Snapshot{Server: s.memory.server, Version: "3.5.0", Latency: time.Second}, at)
	return s.serverSubject(v, env)
}
