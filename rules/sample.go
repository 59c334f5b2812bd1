package rules

import (
	"fmt"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/snapshot"
)

// Sample is what the rule would say of a made-up subject of a server at a time: to see a
// message before there is a reason for one. Of the subjects that it makes up it takes one of which
// the condition is true; where it is true of none, one of which it is not known to be false.
func (r *Rule) Sample(server string, labels map[string]string, now time.Time) alert.Transition {
	at := stampOf(now)
	s := &step{
		set: NewSet(SetSpec{Labels: labels, Rules: []*Rule{r}}), memory: NewMemory(server),
		at: at, time: at.time(), result: &Result{}, view: newReplicationView(server, labels, at),
	}
	status, reason := alert.StatusFiring, alert.ReasonNew
	if r.on != nil {
		status, reason = alert.StatusEvent, alert.ReasonEvent
	}
	s.say(reason, s.newAlert(r, s.sampleSubject(r), status))
	return s.result.Transitions[0]
}

// sampleSubject is the first of those made up that fits the rule best.
func (s *step) sampleSubject(r *Rule) *subject {
	best, fits := 0, no
	made := s.samples(r)
	for i, sample := range made {
		if is := r.fitsSample(sample()); is > fits {
			best, fits = i, is
		}
	}
	return made[best]() // made anew, for they share the step's view
}

func (r *Rule) fitsSample(on *subject) truth {
	switch {
	case r.on != nil && !r.on.fits(on.view.past.previous, on.view.past.state):
		return no
	case r.when == nil:
		return yes
	default:
		return r.when.eval(on.view)
	}
}

// samples makes up subjects, one after another.
func (s *step) samples(r *Rule) []func() *subject {
	made := make([]func() *subject, len(scenes))
	for i, c := range scenes {
		made[i] = func() *subject {
			if r.Server {
				return s.sampleServer(c)
			}
			row, p := s.sampleReplication(c, "example")
			if r.on != nil && r.on.from != nil {
				p.previous = r.on.from[0]
			}
			s.view.look(row, p)
			return s.replicationSubject(row, p)
		}
	}
	if r.Server {
		made = slices.Insert(made, 0, s.sampleUnreachable)
	}
	return made
}

// sampleReplication is a replication as in a scene, and what is remembered of it.
func (s *step) sampleReplication(c scene, doc string) (*snapshot.Replication, *past) {
	longAgo := s.at - stamp((longestWindow + time.Hour).Microseconds())
	now := c.row(doc, s.time, longAgo.time())
	before := *now
	before.History = nil
	if c.moved {
		before.DocsRead, before.DocsWritten, before.DocWriteFailures, before.RevisionsChecked = 0, 0, 0, 0
	}
	p := &past{}
	p.observe(&before, s.set.follows, longAgo)
	p.observe(now, s.set.follows, s.at)
	if p.previous = snapshot.Running; c.state == snapshot.Running {
		p.previous = snapshot.Pending
	}
	return now, p
}

// sampleServer is a server all of whose replications are as in a scene.
func (s *step) sampleServer(c scene) *subject {
	const many = 20
	s.snap = &snapshot.Snapshot{Server: s.memory.server, Version: "3.5.0", Latency: 20 * time.Millisecond}
	remembered := map[snapshot.Key]kept{}
	for i := range many {
		row, p := s.sampleReplication(c, fmt.Sprintf("example-%d", i+1))
		s.snap.Replications = append(s.snap.Replications, row)
		remembered[row.Key] = kept(p.append(nil))
	}
	v, env := serverView(s.set, &health{}, s.snap, s.at)
	v.census = &census{step: s, view: newReplicationView(s.memory.server, s.set.labels, s.at), changed: remembered}
	return s.serverSubject(v, env)
}

// sampleUnreachable is a server that does not answer.
func (s *step) sampleUnreachable() *subject {
	h := &health{failures: 3, error: "read jobs: connection refused"}
	v, env := serverView(s.set, h, &snapshot.Snapshot{Server: s.memory.server, Version: "3.5.0", Latency: time.Second}, s.at)
	return s.serverSubject(v, env)
}
