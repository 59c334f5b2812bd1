package rules

import (
	"maps"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/snapshot"
)

// Set is the rules that one check evaluates on one server. It is immutable.
type Set struct {
	labels      map[string]string
	replication []*Rule
	server      []*Rule
	active      map[string]bool
	follows     []follow // of all rules, so that every check keeps the windows of the others going
}

// SetSpec says what a set is made of.
type SetSpec struct {
	Labels map[string]string // the server's own
	Rules  []*Rule           // those of the check
	// All are the rules of every check that watches the server. An alert of a rule that is not
	// among them ends; and their events are seen by every check, since the change of state that
	// makes one is seen only once. Nil means Rules.
	All []*Rule
}

// NewSet makes a set.
func NewSet(spec SetSpec) *Set {
	s := &Set{labels: spec.Labels, active: map[string]bool{}}
	for _, r := range spec.Rules {
		if r.Server {
			s.server = append(s.server, r)
		} else {
			s.replication = append(s.replication, r)
		}
		s.active[r.Name] = true
		s.follow(r)
	}
	for _, r := range spec.All {
		if r.on != nil && !s.active[r.Name] {
			s.replication = append(s.replication, r)
		}
		s.active[r.Name] = true
		s.follow(r)
	}
	return s
}

func (s *Set) follow(r *Rule) {
	for _, f := range r.follows {
		if !slices.Contains(s.follows, f) {
			s.follows = append(s.follows, f)
		}
	}
}

// Step evaluates the set on one snapshot, given what is remembered. It changes neither.
func (s *Set) Step(m *Memory, snap *snapshot.Snapshot) *Result {
	at := stampOf(snap.At)
	st := &step{
		set: s, memory: m, snap: snap, at: at, time: at.time(), incomplete: snap.Failed(),
		result: &Result{At: at.time()},
		view:   newReplicationView(m.server, s.labels, at),
	}
	for _, row := range snap.Replications {
		st.stepReplication(row)
	}
	for _, key := range slices.SortedFunc(maps.Keys(snap.Asked), snapshot.Key.Compare) {
		switch answer := snap.Asked[key]; {
		case answer.Replication != nil:
			st.stepReplication(answer.Replication)
		case answer.Missing:
			st.forget(key)
		}
	}
	st.stepServer()
	st.result.sort()
	return st.result
}

// step is one Step under way.
type step struct {
	set        *Set
	memory     *Memory
	snap       *snapshot.Snapshot
	at         stamp
	time       time.Time
	incomplete bool // nothing may end
	result     *Result
	view       *replicationView
}

func (s *step) stepServer() {
	r := s.result
	r.health = s.memory.health.observe(s.snap)
	if *r.health != *s.memory.health {
		r.Server = r.health
	}
	v, env := serverView(s.set, r.health, s.snap, s.at)
	if !s.incomplete {
		v.census = &census{step: s, view: newReplicationView(s.memory.server, s.set.labels, s.at)}
	}
	r.server = s.memory.alerts
	subject := s.serverSubject(v, env)
	for _, rule := range s.set.server {
		// What a server rule sees is whole even when the check is not: that is its subject.
		r.server = s.stepAlert(rule, subject, r.server, nil, false)
	}
	r.server = s.endInactive(r.server)
}

func (s *step) stepReplication(row *snapshot.Replication) {
	before := s.memory.replications[row.Key]
	changed := before == nil || !before.saw(row)
	if !changed && before.evaluated(s.set, s.at) {
		return
	}
	next := &entry{}
	if before != nil {
		*next = *before
	}
	if changed {
		next.past, next.row = observe(next.past, row, s.set.follows, s.at), row
		next.revision++
		next.marks = nil
	}
	until := s.evaluate(before, next)
	done := mark{set: s.set, revision: next.revision, until: until}
	if before != nil && !changed && slices.Equal(before.alerts, next.alerts) {
		s.result.marks = append(s.result.marks, markChange{before, done})
		return
	}
	next.marks = slices.Clone(next.marks)
	next.setMark(done)
	s.remember(before, row.Key, next)
}

// evaluate steps every rule for one replication. It returns until when the answers hold if the
// row stays as it is.
func (s *step) evaluate(before, next *entry) stamp {
	v := s.view
	v.look(next.row, next.past)
	subject := s.replicationSubject(next.row, next.past)
	var beforePast *past
	if before != nil {
		beforePast = before.past
	}
	for _, rule := range s.set.replication {
		next.alerts = s.stepAlert(rule, subject, next.alerts, beforePast, s.incomplete)
	}
	next.alerts = s.endInactive(next.alerts)
	if s.incomplete && len(next.alerts) > 0 {
		v.holdsUntil(s.at + 1) // what was held may end at the next look, though nothing changes
	}
	return v.until
}

func (s *step) serverSubject(v *view, env *serverEnv) *subject {
	return &subject{
		view: v, known: alert.Subject{Server: s.memory.server}, labels: s.set.labels,
		describe: func(a *alert.Alert) { a.Error = env.Error },
		data:     func() map[string]any { return serverData(env, v.known) },
	}
}

// replicationSubject is the replication that the step's view looks at.
func (s *step) replicationSubject(row *snapshot.Replication, p *past) *subject {
	v := s.view
	return &subject{
		view:     &v.view,
		known:    alert.Subject{Server: s.memory.server, Database: row.Database, DocID: row.DocID},
		labels:   s.set.labels,
		describe: func(a *alert.Alert) { describe(a, row, p) },
		data:     func() map[string]any { return replicationData(&v.fields, v.known) },
	}
}

func (s *step) remember(before *entry, key snapshot.Key, next *entry) {
	s.result.entries = append(s.result.entries, entryChange{key, next})
	if before != nil && before.past != nil && before.past.equal(next.past) {
		return
	}
	s.result.Replications = append(s.result.Replications, ReplicationChange{
		Database: key.Database, DocID: key.DocID, State: string(next.past.state), Memory: next.past,
	})
}

// forget ends what is remembered of a replication that was confirmed not to exist.
func (s *step) forget(key snapshot.Key) {
	e := s.memory.replications[key]
	if e == nil {
		return
	}
	for _, a := range e.alerts {
		s.end(a, alert.ReasonDeleted)
	}
	s.result.entries = append(s.result.entries, entryChange{key: key})
	s.result.Replications = append(s.result.Replications, ReplicationChange{Database: key.Database, DocID: key.DocID})
}

// endInactive ends the alerts of rules that nobody evaluates any more.
func (s *step) endInactive(alerts []*alert.Alert) []*alert.Alert {
	for _, a := range alerts {
		if !s.set.active[a.Rule] {
			s.end(a, alert.ReasonResolved)
			alerts = withAlert(alerts, a.Rule, nil)
		}
	}
	return alerts
}

// describe fills in what is known of a replication. What is not known now stays as it was.
func describe(a *alert.Alert, r *snapshot.Replication, p *past) {
	if r.Has(snapshot.FieldID) {
		a.ReplicationID = r.ID
	}
	if r.Has(snapshot.FieldSource) {
		a.Source = r.Source
	}
	if r.Has(snapshot.FieldTarget) {
		a.Target = r.Target
	}
	a.State, a.PreviousState = string(p.state), string(p.previous)
	if r.Has(snapshot.FieldErrorCount) {
		n := r.ErrorCount
		a.ErrorCount = &n
	}
	if r.Has(snapshot.FieldError) {
		a.Error = r.Error
	}
}
