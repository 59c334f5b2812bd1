package couchtest

import (
	"cmp"
	"slices"
)

// ordered keeps replications in the byte order of a key that is cheap to change and to list.
// Adding in order and removing cost O(1); the next list pays for what is out of order.
type ordered struct {
	key func(*Replication) string
	has func(*Replication) bool // whether one is still to be listed

	all   []*Replication
	dirty bool
	tidy  int // how many there were when it was last in order
}

func (o *ordered) add(r *Replication) {
	if n := len(o.all); n > 0 && o.key(o.all[n-1]) >= o.key(r) {
		o.dirty = true
	}
	o.all = append(o.all, r)
	if len(o.all) > 2*o.tidy+1000 {
		o.list() // drops what was removed, if nobody has listed for long
	}
}

// remove notes that has will say no of one of them.
func (o *ordered) remove() { o.dirty = true }

// list is all of them, in order. Nobody changes the slice any more, so it may be read without
// the lock; what it points to may not.
func (o *ordered) list() []*Replication {
	if o.dirty {
		all := make([]*Replication, 0, len(o.all))
		for _, r := range o.all {
			if o.has(r) {
				all = append(all, r)
			}
		}
		slices.SortFunc(all, func(a, b *Replication) int { return cmp.Compare(o.key(a), o.key(b)) })
		o.all, o.dirty = slices.Compact(all), false
	}
	o.tidy = len(o.all)
	return o.all[:len(o.all):len(o.all)]
}
