package rules

import (
	"watchdog/alert"
	"watchdog/snapshot"
)

// subject is what one rule after another is evaluated on.
type subject struct {
	view     *view
	known    alert.Subject
	labels   map[string]string // the server's
	describe func(*alert.Alert)
	data     func() map[string]any // for templates
}

// label is the value of a label for match; known is false when the server did not tell it.
func (s *subject) label(name string) (value string, known bool) {
	switch name {
	case "server":
		return s.known.Server, true
	case "database":
		return s.known.Database, true
	case "doc_id":
		return s.known.DocID, true
	case "source":
		if row := s.view.row; row != nil {
			return row.Source, row.Has(snapshot.FieldSource)
		}
	case "target":
		if row := s.view.row; row != nil {
			return row.Target, row.Has(snapshot.FieldTarget)
		}
	}
	return s.labels[name], true
}

// matches is whether the rule speaks of the subject.
func (r *Rule) matches(s *subject) truth {
	if len(r.match) == 0 {
		return yes
	}
	for _, name := range r.match.Labels() {
		if _, known := s.label(name); !known {
			return unknown
		}
	}
	return truthOf(r.match.Match(func(name string) string {
		value, _ := s.label(name)
		return value
	}))
}

// stepAlert steps the alert of one rule for one subject, and returns the subject's alerts after
// it. before is the state that a replication was in before this snapshot, for events; "" where that is
// not known. Where incomplete, nothing ends.
func (s *step) stepAlert(rule *Rule, on *subject, alerts []*alert.Alert, before snapshot.State, incomplete bool) []*alert.Alert {
	if rule.on != nil {
		s.stepEvent(rule, on, before)
		return alerts
	}
	a := findAlert(alerts, rule.Name)
	matches := rule.matches(on)
	if a == nil && matches != yes {
		return alerts
	}
	var next *alert.Alert
	switch {
	case a == nil:
		next = s.begin(rule, on)
	case a.Status == alert.StatusPending:
		next = s.stepPending(rule, on, a, min(matches, rule.whenTrue(on.view)), incomplete)
	default:
		next = s.stepFiring(rule, on, a, matches, incomplete)
	}
	if next == a {
		return alerts
	}
	on.view.holdsUntil(s.at + 1) // in its new status it asks other questions, which must be put
	if next != nil {
		s.result.Alerts = append(s.result.Alerts, AlertChange{Alert: *next})
	}
	return withAlert(alerts, rule.Name, next)
}

// stepEvent tells a change of state that was seen to happen.
func (s *step) stepEvent(rule *Rule, on *subject, before snapshot.State) {
	if !rule.on.fits(before, on.view.past.state) || rule.matches(on) != yes {
		return
	}
	if rule.when != nil && rule.whenTrue(on.view) != yes {
		return
	}
	a := s.newAlert(rule, on, alert.StatusEvent)
	ends := s.time
	a.EndsAt = &ends
	s.say(alert.ReasonEvent, a)
}

// whenTrue is the condition after on_unknown.
func (r *Rule) whenTrue(v *view) truth {
	t := r.when.eval(v)
	if t == unknown {
		return r.onUnknown.decide()
	}
	return t
}

func (o onUnknown) decide() truth { return [...]truth{hold: unknown, fire: yes, resolve: no}[o] }

// over is whether a firing alert's condition has ended.
func (r *Rule) over(v *view) truth {
	if r.until == nil {
		return -r.whenTrue(v)
	}
	t := r.until.eval(v)
	if t == unknown {
		return -r.onUnknown.decide()
	}
	return t
}

func (s *step) begin(rule *Rule, on *subject) *alert.Alert {
	if rule.whenTrue(on.view) != yes {
		return nil
	}
	if rule.For > 0 {
		on.view.holdsUntil(s.at.add(rule.For))
		return s.newAlert(rule, on, alert.StatusPending)
	}
	a := s.newAlert(rule, on, alert.StatusFiring)
	s.say(alert.ReasonNew, a)
	return a
}

func (s *step) stepPending(rule *Rule, on *subject, a *alert.Alert, when truth, incomplete bool) *alert.Alert {
	over := stampOf(a.StartsAt).add(rule.For)
	switch {
	case when == yes && s.at >= over:
		next := s.newAlert(rule, on, alert.StatusFiring)
		next.StartsAt = a.StartsAt
		s.say(alert.ReasonNew, next)
		return next
	case when == no && !incomplete:
		s.result.Alerts = append(s.result.Alerts, AlertChange{Alert: *a, Ended: true})
		return nil
	default:
		on.view.holdsUntil(max(over, s.at+1))
		return s.refreshed(on, a)
	}
}

func (s *step) stepFiring(rule *Rule, on *subject, a *alert.Alert, matches truth, incomplete bool) *alert.Alert {
	over := max(-matches, rule.over(on.view))
	if matches == unknown {
		over = min(over, unknown)
	}
	next := s.refreshed(on, a)
	switch {
	case over == yes && !incomplete:
		if rule.keepFiringFor == 0 {
			s.end(next, alert.ReasonResolved)
			return nil
		}
		if next.QuietSince == nil {
			next = clone(next)
			quiet := s.time
			next.QuietSince = &quiet
		}
		ends := stampOf(*next.QuietSince).add(rule.keepFiringFor)
		if s.at >= ends {
			s.end(next, alert.ReasonResolved)
			return nil
		}
		on.view.holdsUntil(ends)
	case over == no && next.QuietSince != nil:
		next = clone(next)
		next.QuietSince = nil
	}
	if rule.Severity != next.Severity {
		rises := rule.Severity > next.Severity
		next = clone(next)
		next.Severity = rule.Severity
		if rises {
			s.say(alert.ReasonSeverity, next)
		}
	}
	return next
}

// newAlert is an alert of the rule that begins now.
func (s *step) newAlert(rule *Rule, on *subject, status alert.Status) *alert.Alert {
	data := on.data()
	a := &alert.Alert{
		Status: status, Rule: rule.Name, Severity: rule.Severity,
		Fingerprint: alert.Fingerprint(rule.Name, on.known),
		Server:      on.known.Server, Database: on.known.Database, DocID: on.known.DocID,
		Labels:     rule.allLabels(on.labels),
		Summary:    rule.summary.render(data),
		RunbookURL: rule.runbookURL.render(data), Description: rule.description.render(data),
		StartsAt: s.time,
	}
	on.describe(a)
	return a
}

// refreshed is the alert with what is known of its subject now; a itself when that is the same.
func (s *step) refreshed(on *subject, a *alert.Alert) *alert.Alert {
	next := clone(a)
	on.describe(next)
	if sameDescription(a, next) {
		return a
	}
	return next
}

func sameDescription(a, b *alert.Alert) bool {
	return a.ReplicationID == b.ReplicationID && a.Source == b.Source && a.Target == b.Target &&
		a.State == b.State && a.PreviousState == b.PreviousState && a.Error == b.Error &&
		(a.ErrorCount == nil) == (b.ErrorCount == nil) && (a.ErrorCount == nil || *a.ErrorCount == *b.ErrorCount)
}

// end ends an alert; one that was only pending was never told and ends unsaid.
func (s *step) end(a *alert.Alert, reason alert.Reason) {
	ended := clone(a)
	if a.Status == alert.StatusFiring {
		ends := s.time
		ended.Status, ended.EndsAt, ended.QuietSince = alert.StatusResolved, &ends, nil
		s.say(reason, ended)
	}
	s.result.Alerts = append(s.result.Alerts, AlertChange{Alert: *ended, Ended: true})
}

func (s *step) say(reason alert.Reason, a *alert.Alert) {
	s.result.Transitions = append(s.result.Transitions, alert.Transition{Reason: reason, At: s.time, Alert: *a})
}

func clone(a *alert.Alert) *alert.Alert {
	c := *a
	return &c
}
