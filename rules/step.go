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
	settled     *mark    // that it has evaluated a row once and for all
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
	s.settled = &mark{set: s, until: never}
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
	moved := m.afterSetting(snap)
	m = moved.Memory
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
	moved.keep(st.result)
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
	next       int    // the place of the memory where the next row most likely is
	past       past   // of the replication that is looked at
	packed     []byte // scratch
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
		r.server = s.stepAlert(rule, subject, r.server, "", false)
	}
	r.server = s.endInactive(r.server)
}

func (s *step) stepReplication(row *snapshot.Replication) {
	t := s.memory.replications
	place, found := t.find(row.Key, s.next)
	var before entry
	if found {
		before = t[place]
		s.next = place + 1
	} else {
		place = -1
	}
	changed := !before.saw(row)
	if !changed && before.marks.evaluated(s.set, s.at) {
		if before.row != row {
			s.result.marks = append(s.result.marks, markChange{place, row, before.marks})
		}
		return
	}
	next := before
	s.past = before.past.open()
	state := s.past.state
	if changed {
		s.past.observe(row, s.set.follows, s.at)
		next.key, next.row, next.marks = row.Key, row, nil
		s.packed = s.past.append(s.packed[:0])
		if string(s.packed) != string(before.past) {
			next.past = kept(s.packed)
		}
	}
	until := s.evaluate(&next, state)
	next.marks = next.marks.with(s.set, until)
	if found && !changed && slices.Equal(before.alerts, next.alerts) {
		s.result.marks = append(s.result.marks, markChange{place, row, next.marks})
		return
	}
	s.result.entries = append(s.result.entries, entryChange{place, next})
	if next.past != before.past {
		s.result.Replications = append(s.result.Replications, ReplicationChange{
			Database: row.Database, DocID: row.DocID, State: string(s.past.state), Memory: next.past,
		})
	}
}

// evaluate steps every rule for one replication, whose past is open, and which was in a state
// before. It returns until when the answers hold if the row stays as it is.
func (s *step) evaluate(next *entry, before snapshot.State) stamp {
	v := s.view
	v.look(next.row, &s.past)
	subject := s.replicationSubject(next.row, &s.past)
	for _, rule := range s.set.replication {
		next.alerts = s.stepAlert(rule, subject, next.alerts, before, s.incomplete)
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

// forget ends what is remembered of a replication that was confirmed not to exist.
func (s *step) forget(key snapshot.Key) {
	t := s.memory.replications
	place, found := t.find(key, len(t))
	if !found {
		return
	}
	for _, a := range t[place].alerts {
		s.end(a, alert.ReasonDeleted)
	}
	s.result.entries = append(s.result.entries, entryChange{place, entry{key: key}})
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
