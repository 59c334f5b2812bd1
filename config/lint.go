package config

import (
	"fmt"
	"slices"

	"watchdog/diag"
	"watchdog/notify"
	"watchdog/rules"
)

// The ids of the lints of this package, for the comment that disables one.
const (
	LintRuleUnchecked   = "rule-not-checked"
	LintServerUnchecked = "server-not-checked"
	LintSinkUnrouted    = "sink-not-routed"
	LintNobodyTold      = "nobody-told"
	LintHoldTooShort    = "for-too-short"
	LintWindowTooShort  = "window-too-short"
)

// lint finds what is legal in each part and wrong in the whole. It says nothing that may be so
// only because something else is wrong.
func (l *loader) lint() {
	for _, it := range l.rules {
		if l.cleanItem(it.origin) {
			l.lintRule(it)
		}
	}
	for _, it := range l.servers {
		if l.clean("checks") && l.cleanItem(it.origin) && !l.read(it.spec.Name) {
			l.lintProblem(it.origin, LintServerUnchecked, "add it to the servers of a check",
				fmt.Sprintf("no check reads the server %q", it.spec.Name))
		}
	}
	l.lintSilence()
	for _, it := range l.sinks {
		if l.clean("routes") && l.cleanItem(it.origin) && !l.reached(it.spec.Name) {
			l.lintProblem(it.origin, LintSinkUnrouted, "add it to a route, before one that takes everything",
				fmt.Sprintf("no route leads to the sink %q", it.spec.Name))
		}
	}
}

// lintSilence finds rules without any sink: what they find shows on the page only.
func (l *loader) lintSilence() {
	if len(l.rules) > 0 && len(l.sinks) == 0 && l.clean("sinks") && l.cleanItem(l.rules[0].origin) {
		l.lintProblem(l.rules[0].origin, LintNobodyTold, "add a sink, and a route to it",
			"there are rules, but no sink: nobody is told")
	}
}

func (l *loader) lintProblem(o origin, id, hint, message string) {
	l.problem(o, diag.Problem{Field: "name", Level: diag.Lint, ID: id, Message: message, Hint: hint})
}

// lintRule finds a rule that no check runs, and windows that a check is too slow for.
func (l *loader) lintRule(it item[rules.Spec]) {
	var slowest *plannedCheck
	for i, p := range l.planned {
		runs := slices.ContainsFunc(p.Rules, func(r *rules.Rule) bool { return r.Name == it.spec.Name })
		if runs && (slowest == nil || p.interval > slowest.interval) {
			slowest = &l.planned[i]
		}
	}
	i := slices.IndexFunc(l.config.Rules, func(r *rules.Rule) bool { return r.Name == it.spec.Name })
	if slowest == nil {
		if !l.clean("checks") {
			return
		}
		l.lintProblem(it.origin, LintRuleUnchecked, "add it to the rules of a check",
			fmt.Sprintf("no check runs the rule %q", it.spec.Name))
		return
	}
	for _, w := range l.config.Rules[i].Windows() {
		if w.Span >= 2*slowest.interval {
			continue
		}
		id, what := LintWindowTooShort, "window"
		if w.Field == "for" {
			id, what = LintHoldTooShort, "hold"
		}
		l.problem(it.origin, diag.Problem{
			Field: w.Field, Offset: w.Offset, Length: w.Length, Level: diag.Lint, ID: id,
			Message: fmt.Sprintf("a %s of %s is shorter than two intervals of the check %q, which runs %q",
				what, formatDuration(w.Span), slowest.Name, slowest.Schedule.Text),
			Hint: fmt.Sprintf("write %s or more, or check more often", formatDuration(2*slowest.interval)),
		})
	}
}

// read reports whether a check reads a server.
func (l *loader) read(server string) bool {
	return slices.ContainsFunc(l.planned, func(p plannedCheck) bool { return slices.Contains(p.Servers, server) })
}

// reached reports whether a route leads to a sink: of a sink in use, past the routes that are;
// of any other, as they are written.
func (l *loader) reached(name string) bool {
	routes := specs(l.routes)
	if l.sinkInUse(name) {
		routes = l.keptRoutes
	}
	for _, r := range routes {
		if slices.Contains(r.To, name) || slices.ContainsFunc(r.Escalate, func(e notify.EscalateSpec) bool { return slices.Contains(e.To, name) }) {
			return true
		}
		if l.sinkInUse(name) && len(r.Match) == 0 && !r.Continue {
			return false
		}
	}
	return false
}
