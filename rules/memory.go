package rules

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"watchdog/alert"
	"watchdog/snapshot"
)

// Memory is everything the rules remember of one server. One goroutine owns it: Step reads it,
// Apply is the only way it changes.
type Memory struct {
	server       string
	health       *health
	alerts       []*alert.Alert // of the server itself
	replications map[snapshot.Key]*entry
}

// entry is what is remembered of one replication. It is replaced, never changed, but for marks.
type entry struct {
	past *past
	// row is as the last step saw it; nil after a start, when nothing has been seen yet.
	row    *snapshot.Replication
	alerts []*alert.Alert // ordered by rule
	// revision counts the rows that differed; marks tell what has been evaluated for which.
	revision uint32
	marks    []mark
}

// mark notes that a set has evaluated a revision, and until when that holds.
type mark struct {
	set      *Set
	revision uint32
	until    stamp
}

// saw reports whether the last step saw the same row.
func (e *entry) saw(row *snapshot.Replication) bool {
	return e.row != nil && e.past != nil && e.row.Equal(row)
}

func (e *entry) evaluated(s *Set, at stamp) bool {
	for i := range e.marks {
		if m := &e.marks[i]; m.set == s {
			return m.revision == e.revision && at < m.until
		}
	}
	return false
}

func (e *entry) setMark(m mark) {
	i := slices.IndexFunc(e.marks, func(o mark) bool { return o.set == m.set })
	if i >= 0 {
		e.marks[i] = m
		return
	}
	e.marks = append(e.marks, m)
}

// NewMemory remembers nothing yet.
func NewMemory(server string) *Memory {
	return &Memory{server: server, health: &health{}, replications: map[snapshot.Key]*entry{}}
}

// Server is the server's name.
func (m *Memory) Server() string { return m.server }

// RestoreServer takes back what Result.Server wrote.
func (m *Memory) RestoreServer(memory []byte) error {
	h, err := decodeHealth(memory)
	if err != nil {
		return fmt.Errorf("what is remembered of server %s cannot be read: %w", m.server, err)
	}
	m.health = h
	return nil
}

// RestoreReplication takes back what one ReplicationChange.Memory wrote. It keeps no reference
// to the bytes.
func (m *Memory) RestoreReplication(database, docID string, memory []byte) error {
	p, err := decodePast(memory)
	if err != nil {
		return fmt.Errorf("what is remembered of %s/%s cannot be read: %w", database, docID, err)
	}
	m.entry(snapshot.Key{Database: database, DocID: docID}).past = p
	return nil
}

// RestoreAlert takes back one alert that has not ended.
func (m *Memory) RestoreAlert(a alert.Alert) {
	if a.Subject().IsServer() {
		m.alerts = withAlert(m.alerts, a.Rule, &a)
		return
	}
	e := m.entry(snapshot.Key{Database: a.Database, DocID: a.DocID})
	e.alerts = withAlert(e.alerts, a.Rule, &a)
}

func (m *Memory) entry(key snapshot.Key) *entry {
	e := m.replications[key]
	if e == nil {
		e = &entry{}
		m.replications[key] = e
	}
	return e
}

// Apply makes a result of Step the memory. It is called after the result is committed, before
// the next Step.
func (m *Memory) Apply(r *Result) {
	m.health, m.alerts = r.health, r.server
	for _, c := range r.entries {
		if c.entry == nil {
			delete(m.replications, c.key)
			continue
		}
		m.replications[c.key] = c.entry
	}
	for _, c := range r.marks {
		c.entry.setMark(c.mark)
	}
}

// Reconsider makes the next step evaluate every replication, though its row is the same, and
// gives up what was noted about the sets so far. It is for when other sets take their place.
func (m *Memory) Reconsider() {
	for _, e := range m.replications {
		e.marks = nil
	}
}

// Alerts are those that are pending or firing, ordered by rule and subject.
func (m *Memory) Alerts() []alert.Alert {
	var all []alert.Alert
	for _, a := range m.alerts {
		all = append(all, *a)
	}
	for _, e := range m.replications {
		for _, a := range e.alerts {
			all = append(all, *a)
		}
	}
	slices.SortFunc(all, func(a, b alert.Alert) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Database, b.Database), cmp.Compare(a.DocID, b.DocID))
	})
	return all
}

// Absent are the replications that are remembered but neither in the snapshot nor asked for,
// although the view of their database is complete: each must be asked for before it can count
// as deleted. In no order.
func (m *Memory) Absent(snap *snapshot.Snapshot) iter.Seq[snapshot.Key] {
	return func(yield func(snapshot.Key) bool) {
		if len(m.replications) == 0 {
			return
		}
		present := make(map[snapshot.Key]struct{}, len(snap.Replications))
		for _, r := range snap.Replications {
			present[r.Key] = struct{}{}
		}
		for key := range m.replications {
			if _, ok := present[key]; ok {
				continue
			}
			if _, asked := snap.Asked[key]; asked || !snap.Complete(key.Database) {
				continue
			}
			if !yield(key) {
				return
			}
		}
	}
}

// findAlert is the alert of a rule, nil when there is none.
func findAlert(alerts []*alert.Alert, rule string) *alert.Alert {
	i, ok := slices.BinarySearchFunc(alerts, rule, func(a *alert.Alert, rule string) int { return cmp.Compare(a.Rule, rule) })
	if !ok {
		return nil
	}
	return alerts[i]
}

// withAlert is the list with the alert of a rule replaced; nil takes it out. The list itself is
// not changed.
func withAlert(alerts []*alert.Alert, rule string, a *alert.Alert) []*alert.Alert {
	out := slices.DeleteFunc(slices.Clone(alerts), func(o *alert.Alert) bool { return o.Rule == rule })
	if a != nil {
		out = append(out, a)
		slices.SortFunc(out, func(a, b *alert.Alert) int { return cmp.Compare(a.Rule, b.Rule) })
	}
	return out
}
