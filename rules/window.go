package rules

import (
	"slices"

	"watchdog/snapshot"
)

// stalled is whether a counter has stood still for the window while work waited, and until
// when that answer holds if nothing else changes. counters are indexes into tracked, all of
// which must have stood still.
func (p *past) stalled(row *snapshot.Replication, counters []int, window stamp, at stamp) (truth, stamp) {
	if p.state.Terminal() {
		return no, never
	}
	still, moved := stamp(0), stamp(0)
	stands := true
	for _, i := range counters {
		c := &p.counters[i]
		stands = stands && c.still != 0
		still, moved = max(still, c.still), max(moved, c.moved)
	}
	recent := moved != 0 && at < moved+window
	switch {
	case row.State != snapshot.Running || !row.Has(snapshot.FieldState):
		return unknown, never // crashing, pending: held
	case !row.Has(snapshot.FieldChangesPending):
		if recent {
			return no, moved + window
		}
		return unknown, never
	case row.ChangesPending == 0:
		return no, never
	case !stands:
		return unknown, never // a counter that was never given
	case at >= still+window:
		return yes, never
	case !recent && at < p.seen+window:
		return unknown, still + window // it may have stood still before it was first seen
	default:
		return no, still + window
	}
}

// blindFor is whether nobody has known for the window whether the replication has work to do.
func (p *past) blindFor(row *snapshot.Replication, window stamp, at stamp) (truth, stamp) {
	switch {
	case p.state.Terminal():
		return no, never
	case !row.Has(snapshot.FieldState) || row.State != snapshot.Running:
		return unknown, never
	case row.Has(snapshot.FieldChangesPending) || p.blind == 0:
		return no, never
	case at >= p.blind+window:
		return yes, never
	default:
		return no, p.blind + window
	}
}

// crashesWithin is how many crashes the job had in the window before at, and until when that
// holds if nothing else changes. It is a lower bound where whole is false: the job crashed more
// often than its history can tell.
func (p *past) crashesWithin(window stamp, at stamp) (n int64, whole bool, until stamp, known bool) {
	if !p.history && !p.state.Terminal() {
		return 0, false, never, false
	}
	first, _ := slices.BinarySearch(p.crashes, at-window+1)
	until = never
	if first < len(p.crashes) {
		until = p.crashes[first] + window
	}
	whole = at-window >= p.crashesFrom
	if !whole {
		until = min(until, p.crashesFrom+window)
	}
	return int64(len(p.crashes) - first), whole, until, true
}
