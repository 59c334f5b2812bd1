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
	at           stamp // of the last look; after a start, the latest moment that is remembered
	health       *health
	alerts       []*alert.Alert // of the server itself
	replications table
}

// NewMemory remembers nothing yet.
func NewMemory(server string) *Memory {
	return &Memory{server: server, health: &health{}}
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
	past := kept(memory)
	p, err := readPast(string(past))
	if err != nil {
		return fmt.Errorf("what is remembered of %s/%s cannot be read: %w", database, docID, err)
	}
	m.at = max(m.at, p.latest())
	if n := len(m.replications); n > 0 && m.replications[n-1].key.Database == database {
		database = m.replications[n-1].key.Database // once for all
	}
	m.entry(snapshot.Key{Database: database, DocID: docID}).past = past
	return nil
}

// RestoreAlert takes back one alert that has not ended.
func (m *Memory) RestoreAlert(a alert.Alert) {
	m.at = max(m.at, latestOf([]*alert.Alert{&a}))
	if a.Subject().IsServer() {
		m.alerts = withAlert(m.alerts, a.Rule, &a)
		return
	}
	e := m.entry(snapshot.Key{Database: a.Database, DocID: a.DocID})
	e.alerts = withAlert(e.alerts, a.Rule, &a)
}

// entry is what is remembered of a replication; one that is not known is added. It is valid until
// another is. A store gives them in order, so that the new one most often comes last.
func (m *Memory) entry(key snapshot.Key) *entry {
	t := m.replications
	if n := len(t); n == 0 || t[n-1].key.Compare(key) < 0 {
		m.replications = append(m.replications, entry{key: key})
		return &m.replications[n]
	}
	place, found := t.find(key, len(t))
	if !found {
		m.replications = slices.Insert(t, place, entry{key: key})
	}
	return &m.replications[place]
}

// Apply makes a result of Step the memory. It is called after the result is committed, before
// the next Step.
func (m *Memory) Apply(r *Result) {
	m.at, m.health, m.alerts = stampOf(r.At), r.health, r.server
	var added []entry
	forgotten := false
	for _, c := range r.entries {
		switch {
		case c.place < 0:
			added = append(added, c.entry)
		case c.entry.past == "":
			m.replications[c.place], forgotten = entry{key: c.entry.key}, true
		default:
			m.replications[c.place] = c.entry
		}
	}
	for _, c := range r.marks {
		e := &m.replications[c.place]
		e.key, e.row, e.marks = c.row.Key, c.row, c.marks
	}
	if forgotten {
		m.replications = slices.DeleteFunc(m.replications, func(e entry) bool { return e.past == "" && e.alerts == nil })
	}
	slices.SortFunc(added, byKey)
	m.replications = m.replications.merge(added)
}

// Reconsider makes the next step evaluate every replication, though its row is the same, and
// gives up what was noted about the sets so far. It is for when other sets take their place.
func (m *Memory) Reconsider() {
	for i := range m.replications {
		m.replications[i].marks = nil
	}
}

// Alerts are those that are pending or firing, ordered by rule and subject.
func (m *Memory) Alerts() []alert.Alert {
	var all []alert.Alert
	for _, a := range m.alerts {
		all = append(all, *a)
	}
	for i := range m.replications {
		for _, a := range m.replications[i].alerts {
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
// as deleted. In the order of their keys.
func (m *Memory) Absent(snap *snapshot.Snapshot) iter.Seq[snapshot.Key] {
	return func(yield func(snapshot.Key) bool) {
		rows := snap.Replications
		for i := range m.replications {
			key := m.replications[i].key
			for len(rows) > 0 && rows[0].Key.Compare(key) < 0 {
				rows = rows[1:]
			}
			if len(rows) > 0 && rows[0].Key == key {
				rows = rows[1:]
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
