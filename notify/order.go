package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
)

// OrderKeys are what the message keeps its order with: two messages of one sink that have a key
// in common are sent in the order in which they were decided. They are the fingerprints of its
// alerts and one key for its group; sorted, each once.
func (m *Message) OrderKeys() []string {
	keys := make([]string, 0, len(m.Alerts)+1)
	keys = append(keys, m.Thread())
	for i := range m.Alerts {
		keys = append(keys, m.Alerts[i].Fingerprint)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Thread names what a receiver shows together, message after message: the group. It is one of the
// OrderKeys.
func (m *Message) Thread() string { return groupKey(m.Group) }

// groupKey names a group, the same on every machine. No fingerprint begins like it.
func groupKey(group map[string]string) string {
	h := sha256.New()
	for _, label := range slices.Sorted(maps.Keys(group)) {
		for _, part := range [...]string{label, group[label]} {
			h.Write([]byte(part))
			h.Write([]byte{0xff}) // no byte of UTF-8 text, so parts cannot run together
		}
	}
	return "group:" + hex.EncodeToString(h.Sum(nil)[:8])
}

// Chronology are the indices of the alerts in the order in which they happened, for a receiver that
// keeps a state: of an alert that fired and resolved meanwhile the resolution has to come last.
func (m *Message) Chronology() []int {
	order := make([]int, len(m.Alerts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return m.Alerts[a].At.Compare(m.Alerts[b].At) })
	return order
}
