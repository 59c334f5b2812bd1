package ruletest

import "slices"

// fits reports whether an item is all that is wanted of it.
func (w *wanted) fits(it item) bool {
	for _, f := range w.fields {
		if it.field(f.Name) != f.Text {
			return false
		}
	}
	if !w.asksAlerts {
		return true
	}
	missing, extra := match(w.alerts, it.alerts)
	return len(missing) == 0 && len(extra) == 0
}

// likeness is how many fields of the item are as wanted.
func (w *wanted) likeness(it item) int {
	n := 0
	for _, f := range w.fields {
		if it.field(f.Name) == f.Text {
			n++
		}
	}
	return n
}

// match gives each wanted one an item of its own, as many as possible, and returns the indexes
// of those that are left. Since a wanted one may fit several items, one that has taken an item
// gives way where it fits another.
func match(wants []wanted, items []item) (missing, extra []int) {
	takenBy := make([]int, len(items))
	for i := range items {
		takenBy[i] = -1
	}
	for w := range wants {
		if !assign(w, wants, items, takenBy, make([]bool, len(items))) {
			missing = append(missing, w)
		}
	}
	for i, w := range takenBy {
		if w < 0 {
			extra = append(extra, i)
		}
	}
	return missing, extra
}

// assign finds an item for a wanted one; tried are the items that were asked for on the way.
func assign(w int, wants []wanted, items []item, takenBy []int, tried []bool) bool {
	for i := range items {
		if tried[i] || !wants[w].fits(items[i]) {
			continue
		}
		tried[i] = true
		if takenBy[i] < 0 || assign(takenBy[i], wants, items, takenBy, tried) {
			takenBy[i] = w
			return true
		}
	}
	return false
}

// pair puts beside each other what was expected in vain and what was not expected, the most
// alike first. What has nothing in common with anything stands alone.
func pair(wants []wanted, missing []int, items []item, extra []int) (pairs [][2]int) {
	type candidate struct{ w, i, likeness int }
	var candidates []candidate
	for _, w := range missing {
		for _, i := range extra {
			if n := wants[w].likeness(items[i]); n > 0 {
				candidates = append(candidates, candidate{w, i, n})
			}
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return b.likeness - a.likeness })
	usedWants, usedItems := map[int]bool{}, map[int]bool{}
	for _, c := range candidates {
		if !usedWants[c.w] && !usedItems[c.i] {
			usedWants[c.w], usedItems[c.i] = true, true
			pairs = append(pairs, [2]int{c.w, c.i})
		}
	}
	for _, w := range missing {
		if !usedWants[w] {
			pairs = append(pairs, [2]int{w, -1})
		}
	}
	for _, i := range extra {
		if !usedItems[i] {
			pairs = append(pairs, [2]int{-1, i})
		}
	}
	return pairs
}
