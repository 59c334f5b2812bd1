package notify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"watchdog/alert"
)

// Headline is the whole message in one line of plain text, the same in every sink:
// "firing: replication-failed, prod/_replicator/orders" for one alert, and
// "3 firing, 1 resolved: replication-failed on prod" for more. A digest says for how long it
// speaks, and what came and went.
func (m *Message) Headline() string {
	var line string
	switch {
	case m.Digest:
		line = m.digestLine()
	case len(m.Alerts) == 0:
		line = "no alerts"
	case len(m.Alerts) == 1:
		a := &m.Alerts[0]
		line = fmt.Sprintf("%s: %s, %s", Told(a), a.Rule, a.Subject())
	default:
		line = m.counts() + m.ofGroup()
	}
	if m.Test {
		return "test message: " + line
	}
	return line
}

// digestLine is "digest of 6h 12m: 3 firing, 14 fired and resolved meanwhile: rule on server".
func (m *Message) digestLine() string {
	s := m.Summary()
	return fmt.Sprintf("digest of %s: %s%s", Lasted(m.At.Sub(s.Since)), s.Counts, m.ofGroup())
}

// ofGroup is ": replication-failed on prod", empty when all is one group.
func (m *Message) ofGroup() string {
	if what := m.GroupName(); what != "" {
		return ": " + what
	}
	return ""
}

func (m *Message) counts() string {
	count := map[alert.Status]int{}
	for i := range m.Alerts {
		count[m.Alerts[i].Status]++
	}
	var parts []string
	for _, status := range []alert.Status{alert.StatusFiring, alert.StatusResolved, alert.StatusEvent} {
		switch n := count[status]; {
		case n > 1 && status == alert.StatusEvent:
			parts = append(parts, fmt.Sprintf("%d events", n))
		case n > 0:
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	return strings.Join(parts, ", ")
}

// GroupName is "replication-failed on prod" for the usual grouping, "team=data, rule=x" for
// another, and empty when all is one group.
func (m *Message) GroupName() string {
	if len(m.Group) == 2 && m.Group["rule"] != "" && m.Group["server"] != "" {
		return m.Group["rule"] + " on " + m.Group["server"]
	}
	var parts []string
	for _, label := range slices.Sorted(maps.Keys(m.Group)) {
		parts = append(parts, label+"="+m.Group[label])
	}
	return strings.Join(parts, ", ")
}

// Told is what happened to an alert, in a word or two: "firing", "firing, severity rose",
// "resolved, deleted".
func Told(t *alert.Transition) string {
	switch t.Reason {
	case "", alert.ReasonNew, alert.ReasonResolved, alert.ReasonEvent:
		return string(t.Status)
	case alert.ReasonSeverity:
		return string(t.Status) + ", severity rose"
	default:
		return string(t.Status) + ", " + string(t.Reason)
	}
}

// SummaryOf is an alert in its rule's words. They were written for one that fires: of one that has
// resolved they tell what was.
func SummaryOf(t *alert.Transition) string {
	if t.Status == alert.StatusResolved && t.Summary != "" {
		return "was: " + t.Summary
	}
	return t.Summary
}

// ShortName names a subject inside a list where the server is known: the document, after its
// database when that is not the usual one; or the server.
func ShortName(s alert.Subject) string {
	switch {
	case s.IsServer():
		return s.Server
	case s.Database == "_replicator":
		return s.DocID
	default:
		return s.Database + "/" + s.DocID
	}
}

// Lasted writes a duration by its two largest units, as people say it: "45s", "12m 30s",
// "3h 5m", "2d 4h". A negative one is "0s".
func Lasted(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	const minute, hour, day = 60, 60 * 60, 24 * 60 * 60
	two := func(n int64, unit string, rest int64, small string) string {
		if rest == 0 {
			return fmt.Sprintf("%d%s", n, unit)
		}
		return fmt.Sprintf("%d%s %d%s", n, unit, rest, small)
	}
	switch {
	case s < minute:
		return fmt.Sprintf("%ds", s)
	case s < hour:
		return two(s/minute, "m", s%minute, "s")
	case s < day:
		return two(s/hour, "h", s%hour/minute, "m")
	default:
		return two(s/day, "d", s%day/hour, "h")
	}
}
