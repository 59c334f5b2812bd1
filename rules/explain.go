package rules

import (
	"fmt"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/snapshot"
)

// Explanation is why a rule does or does not fire for one replication.
type Explanation struct {
	Rule     string         `json:"rule"`
	Severity alert.Severity `json:"severity"`
	// When is the value of the condition now: "true", "false" or "unknown".
	When string `json:"when"`
	// Parts are the pieces of when and until between the connectives, with the value of each.
	Parts []PartValue `json:"parts"`
	// Status is the alert's, "" when there is none; Since is when its condition became true.
	Status alert.Status `json:"status"`
	Since  *time.Time   `json:"since"`
	// Waits says what is still to wait for, "" for nothing that time alone brings.
	Waits string `json:"waits"`
}

// PartValue is one piece of an expression and its value.
type PartValue struct {
	Field string `json:"field"` // of the rule: match, when or until
	Text  string `json:"text"`
	Value string `json:"value"`
	Why   string `json:"why"` // of unknown: what was not given
}

// Explain says of each rule of the set what it makes of one replication now. The row is what
// was seen last; what is remembered is not changed.
func (s *Set) Explain(m *Memory, row *snapshot.Replication, now time.Time) []Explanation {
	at := stampOf(now)
	view := newReplicationView(m.server, s.labels, at)
	var before entry
	if e := m.replications.get(row.Key); e != nil {
		before = *e
	}
	past := before.past.open()
	past.observe(row, s.follows, at)
	view.look(row, &past)
	on := &subject{
		view: &view.view, labels: s.labels,
		known: alert.Subject{Server: m.server, Database: row.Database, DocID: row.DocID},
	}
	var all []Explanation
	for _, r := range s.replication {
		all = append(all, r.explain(on, findAlert(before.alerts, r.Name), at))
	}
	return all
}

func (r *Rule) explain(on *subject, a *alert.Alert, at stamp) Explanation {
	e := Explanation{Rule: r.Name, Severity: r.Severity, When: yes.String()}
	if a != nil {
		since := a.StartsAt
		e.Status, e.Since = a.Status, &since
	}
	matches := r.matches(on)
	if len(r.match) > 0 {
		e.Parts = append(e.Parts, PartValue{Field: "match", Text: joinWords(r.match.Labels()), Value: matches.String()})
	}
	if r.on != nil {
		e.Parts = append(e.Parts, PartValue{Field: "on", Text: r.on.String(), Value: no.String(), Why: "it is told when the state changes"})
		e.When = no.String()
	}
	if r.when != nil {
		e.Parts = append(e.Parts, partValues("when", r.when, on.view)...)
		if r.on == nil {
			e.When = min(matches, r.when.eval(on.view)).String()
		}
	}
	if r.until != nil && a != nil && a.Status == alert.StatusFiring {
		e.Parts = append(e.Parts, partValues("until", r.until, on.view)...)
	}
	e.Waits = r.waits(a, at)
	return e
}

// waits says when time alone will change the alert.
func (r *Rule) waits(a *alert.Alert, at stamp) string {
	switch {
	case a == nil:
		return ""
	case a.Status == alert.StatusPending:
		return fmt.Sprintf("fires in %s, if it stays so", stampOf(a.StartsAt).add(r.For).sub(at).Round(time.Second))
	case a.QuietSince != nil:
		return fmt.Sprintf("resolves in %s, if it stays so", stampOf(*a.QuietSince).add(r.keepFiringFor).sub(at).Round(time.Second))
	default:
		return ""
	}
}

// partValues gives the parts of a condition, from left to right.
func partValues(field string, c condition, v *view) []PartValue {
	switch c := c.(type) {
	case and:
		return slices.Concat(partValues(field, c.left, v), partValues(field, c.right, v))
	case or:
		return slices.Concat(partValues(field, c.left, v), partValues(field, c.right, v))
	case not:
		return partValues(field, c.of, v)
	case choose:
		return slices.Concat(partValues(field, c.cond, v), partValues(field, c.then, v), partValues(field, c.otherwise, v))
	case answer:
		value := c.eval(v)
		return []PartValue{{Field: field, Text: c.call.text, Value: value.String(), Why: c.call.unknownWhy(v, value)}}
	case part:
		value := c.eval(v)
		return []PartValue{{Field: field, Text: c.text, Value: value.String(), Why: c.unknownWhy(v, value)}}
	default:
		return nil
	}
}

// unknownWhy names what the part needs and does not have.
func (c part) unknownWhy(v *view, value truth) string {
	if value != unknown {
		return ""
	}
	if missing := missingFields(c.needs &^ v.known); len(missing) > 0 {
		return "the server did not give " + joinWords(missing)
	}
	for _, call := range c.calls {
		if known, raise := call.answer(v); !known || raise != nil {
			return call.text + " has not been seen for its whole window"
		}
	}
	return "it cannot be evaluated"
}

func (c *call) unknownWhy(v *view, value truth) string {
	switch {
	case value != unknown:
		return ""
	case !v.row.Has(snapshot.FieldState):
		return "the server did not give state"
	case v.row.State != snapshot.Running:
		return "it is held while the replication is " + string(v.row.State)
	case !v.row.Has(snapshot.FieldChangesPending):
		return "the server did not give changes_pending, so nobody knows whether work waits"
	default:
		return "it has not been seen for its whole window"
	}
}

func missingFields(missing needs) []string {
	var names []string
	for name, need := range replicationNeeds {
		if need != 0 && missing&need == need {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (e *event) String() string {
	words := func(states []snapshot.State) string {
		names := make([]string, len(states))
		for i, s := range states {
			names[i] = string(s)
		}
		return joinWords(names)
	}
	if e.from == nil {
		return "to " + words(e.to)
	}
	return "from " + words(e.from) + " to " + words(e.to)
}
