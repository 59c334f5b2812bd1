package notify

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"watchdog/alert"
)

// Digest puts messages of one group that wait for one sink into the first of them, when together
// they tell of more than so many transitions; and says how many it took: as many as one message
// holds, the oldest first. Where there is nothing to put together it gives 1.
//
// The digest has the id of the first, the time and the link of the last, and every transition, in
// the order in which they happened.
func Digest(waiting []Message, above int) (Message, int) {
	first, total, taken := waiting[0], 0, 0
	for i := range waiting {
		if n := total + len(waiting[i].Alerts); n <= MaxAlerts || i == 0 {
			total, taken = n, i+1
			continue
		}
		break
	}
	if taken < 2 || total <= above {
		return first, 1
	}
	digest := first
	digest.Digest = true
	digest.Alerts = make([]alert.Transition, 0, total)
	for _, m := range waiting[:taken] {
		digest.Alerts = append(digest.Alerts, m.Alerts...)
		digest.At, digest.URL = m.At, m.URL
		digest.Said = saidLater(digest.Said, &m)
	}
	return digest, taken
}

// saidLater is what people have said in the end: of an alert what its last message says.
func saidLater(before map[string]Said, m *Message) map[string]Said {
	after := maps.Clone(before)
	for i := range m.Alerts {
		fingerprint := m.Alerts[i].Fingerprint
		said, ok := m.Said[fingerprint]
		switch {
		case !ok:
			delete(after, fingerprint)
		case after == nil:
			after = map[string]Said{fingerprint: said}
		default:
			after[fingerprint] = said
		}
	}
	return after
}

// Summary is what a person wants to know of a digest: of each alert how it ended.
type Summary struct {
	Since time.Time // the first that it tells of
	Counts
	Rules []RuleCounts // the most severe first
	// Worst are the alerts that fire in the end and the events, the most severe first; of those
	// the oldest.
	Worst []alert.Transition
}

// Counts are how many alerts fire in the end, have resolved, and have fired and resolved
// meanwhile; and how many events happened.
type Counts struct{ Firing, Resolved, Meanwhile, Events int }

// RuleCounts are those of one rule, and the highest severity among them.
type RuleCounts struct {
	Rule     string
	Severity alert.Severity
	Counts
}

// Summary sums up what a message tells.
func (m *Message) Summary() Summary {
	s := Summary{Since: m.At}
	rules := map[string]*RuleCounts{}
	for fate, t := range m.fates() {
		rule := rules[t.Rule]
		if rule == nil {
			rule = &RuleCounts{Rule: t.Rule}
			rules[t.Rule] = rule
		}
		rule.Severity = max(rule.Severity, t.Severity)
		*fate(&s.Counts)++
		*fate(&rule.Counts)++
		if t.Status != alert.StatusResolved {
			s.Worst = append(s.Worst, *t)
		}
	}
	for i := range m.Alerts {
		if at := m.Alerts[i].At; !at.IsZero() && at.Before(s.Since) {
			s.Since = at
		}
	}
	for _, rule := range rules {
		s.Rules = append(s.Rules, *rule)
	}
	slices.SortFunc(s.Rules, func(a, b RuleCounts) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Rule, b.Rule))
	})
	slices.SortStableFunc(s.Worst, func(a, b alert.Transition) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), a.StartsAt.Compare(b.StartsAt))
	})
	return s
}

// fates gives the last transition of each alert, and every event, with where it counts.
func (m *Message) fates() iter.Seq2[func(*Counts) *int, *alert.Transition] {
	first, last := map[string]*alert.Transition{}, map[string]*alert.Transition{}
	for i := range m.Alerts {
		t := &m.Alerts[i]
		if first[t.Fingerprint] == nil {
			first[t.Fingerprint] = t
		}
		last[t.Fingerprint] = t
	}
	return func(yield func(func(*Counts) *int, *alert.Transition) bool) {
		for i := range m.Alerts {
			t := &m.Alerts[i]
			fate := func(c *Counts) *int { return &c.Resolved }
			switch {
			case t.Status == alert.StatusEvent:
				fate = func(c *Counts) *int { return &c.Events }
			case t != last[t.Fingerprint]:
				continue
			case t.Status == alert.StatusFiring:
				fate = func(c *Counts) *int { return &c.Firing }
			case begins(first[t.Fingerprint]):
				fate = func(c *Counts) *int { return &c.Meanwhile }
			}
			if !yield(fate, t) {
				return
			}
		}
	}
}

// begins reports whether the alert begins with a transition, for who is told.
func begins(t *alert.Transition) bool {
	return t.Status == alert.StatusFiring && (t.Reason == alert.ReasonNew || t.Reason == alert.ReasonUnmuted || t.Reason == alert.ReasonEscalated)
}

// Shown are the alerts that a person is shown one by one, as many as there is room for: all, but
// of a digest the worst.
func (m *Message) Shown() []alert.Transition {
	if m.Digest {
		return m.Summary().Worst
	}
	return m.Alerts
}

// String is "3 firing, 1 resolved, 14 fired and resolved meanwhile, 2 events".
func (c Counts) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{{c.Firing, "firing"}, {c.Resolved, "resolved"}, {c.Meanwhile, "fired and resolved meanwhile"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprint(part.n, " ", part.what))
		}
	}
	switch {
	case c.Events == 1:
		parts = append(parts, "1 event")
	case c.Events > 1:
		parts = append(parts, fmt.Sprint(c.Events, " events"))
	}
	return strings.Join(parts, ", ")
}

// String is "replication-failed: 3 firing, 1 resolved".
func (c RuleCounts) String() string { return c.Rule + ": " + c.Counts.String() }
