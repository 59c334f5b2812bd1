package rules

import (
	"slices"

	"watchdog/alert"
	"watchdog/snapshot"
)

// entry is what is remembered of one replication.
type entry struct {
	key  snapshot.Key
	past kept
	// row is as the last step saw it; nil after a start, when nothing has been seen yet.
	row    *snapshot.Replication
	alerts []*alert.Alert // ordered by rule
	marks  *mark          // which sets have evaluated row
}

// saw reports whether the last step saw the same row.
func (e *entry) saw(row *snapshot.Replication) bool {
	return e.row != nil && e.past != "" && e.row.Equal(row)
}

// mark notes that a set has evaluated a row, and until when that holds. Marks are never changed, so
// that entries share them: most rows that rest are evaluated once and for all.
type mark struct {
	set   *Set
	until stamp
	next  *mark // of another set
}

// evaluated reports whether what a set said of the row still holds.
func (m *mark) evaluated(s *Set, at stamp) bool {
	for ; m != nil; m = m.next {
		if m.set == s {
			return at < m.until
		}
	}
	return false
}

// with is the marks with one of a set in place of the one before.
func (m *mark) with(s *Set, until stamp) *mark {
	others := m.without(s)
	if others == nil && until == never {
		return s.settled
	}
	return &mark{s, until, others}
}

func (m *mark) without(s *Set) *mark {
	switch {
	case m == nil:
		return nil
	case m.set == s:
		return m.next
	default:
		return &mark{m.set, m.until, m.next.without(s)}
	}
}

// table are the entries of one server, ordered by key, as snapshots order their rows: going along
// both needs no index.
type table []entry

// find is the place of a replication, and whether it is there; else where it belongs. It may well be
// at the place that is expected.
func (t table) find(key snapshot.Key, expected int) (place int, found bool) {
	if expected < len(t) && t[expected].key == key {
		return expected, true
	}
	return slices.BinarySearchFunc(t, key, func(e entry, key snapshot.Key) int { return e.key.Compare(key) })
}

// get is the entry of a replication, nil when there is none. It is valid until the table changes.
func (t table) get(key snapshot.Key) *entry {
	if place, found := t.find(key, len(t)); found {
		return &t[place]
	}
	return nil
}

// merge is the table with others in it, ordered by key, none of which it has.
func (t table) merge(others []entry) table {
	if len(others) == 0 {
		return t
	}
	merged := make(table, 0, len(t)+len(others))
	for len(t) > 0 && len(others) > 0 {
		if t[0].key.Compare(others[0].key) < 0 {
			merged, t = append(merged, t[0]), t[1:]
		} else {
			merged, others = append(merged, others[0]), others[1:]
		}
	}
	return append(append(merged, t...), others...)
}

func byKey(a, b entry) int { return a.key.Compare(b.key) }
