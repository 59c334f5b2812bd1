package rules

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/diag"
	"watchdog/snapshot"
)

// Rule is a compiled Spec. It is immutable.
type Rule struct {
	Name     string
	Severity alert.Severity
	// Server says that the rule speaks of servers, not of replications.
	Server bool
	For    time.Duration

	match         alert.Matchers
	when          condition // nil: on alone
	until         condition // nil: when is false
	keepFiringFor time.Duration
	on            *event
	onUnknown     onUnknown
	labels        map[string]string
	summary       *text
	description   *text
	runbookURL    *text
	windows       []Window
	follows       []follow
}

// event is a change of state that is told once. A nil from means any other state.
type event struct{ from, to []snapshot.State }

func (e *event) fits(from, to snapshot.State) bool {
	return from != "" && from != to && slices.Contains(e.to, to) &&
		(e.from == nil || slices.Contains(e.from, from))
}

// onUnknown is what an unknown condition means for an alert.
type onUnknown int8

const (
	hold    onUnknown = iota // neither fires nor resolves
	fire                     // as if it were true
	resolve                  // as if it were false
)

var onUnknownNames = []string{"hold", "fire", "resolve"}

// Window is a window or hold that a rule looks at, for the lint that compares it with the
// schedule.
type Window struct {
	Field  string // of the spec: "when", "until", "for"
	Offset int    // of the call in the field's text; 0 with Length 0 for the whole
	Length int
	Span   time.Duration
}

// Windows are the rule's hold and the windows of its functions.
func (r *Rule) Windows() []Window { return r.windows }

// ServerUnreachable is the built-in rule. A config redefines it by its name.
var ServerUnreachable = Spec{
	Name:     "server-unreachable",
	Severity: "critical",
	Scope:    "server",
	When:     "failures >= 3",
	Until:    "failures == 0",
	Summary:  "{{ .server }} cannot be read: {{ .error }}",
}

// The scopes.
var (
	replicationScope = scope{name: "replication", env: replicationEnv{}, fields: replicationNeeds, functions: functions}
	serverScope      = scope{name: "server", env: serverEnv{}, fields: serverNeeds, counts: true}
)

// Compile checks a spec and makes it ready to be evaluated. All mistakes are returned at once,
// lints among them; the rule is nil when there is any that is not a lint.
func Compile(s Spec) (*Rule, []diag.Problem) {
	c := specCompiler{spec: s, scope: replicationScope}
	r := c.compile()
	for _, p := range c.problems {
		if p.Level != diag.Lint {
			return nil, c.problems
		}
	}
	return r, c.problems
}

type specCompiler struct {
	spec     Spec
	scope    scope
	problems []diag.Problem
}

func (c *specCompiler) compile() *Rule {
	s := c.spec
	r := &Rule{Name: s.Name, For: s.For, keepFiringFor: s.KeepFiringFor, labels: s.Labels, Severity: alert.Warning}
	if s.Name == "" {
		c.problem("name", "give it a name that says what is wrong, as replication-failed", "a rule has no name")
	}
	switch s.Scope {
	case "", "replication":
	case "server":
		r.Server, c.scope = true, serverScope
	default:
		c.problem("scope", "write replication or server", "unknown scope %q", s.Scope)
	}
	if s.Severity != "" {
		severity, err := alert.ParseSeverity(s.Severity)
		if err != nil {
			c.problem("severity", diag.DidYouMean(s.Severity, alert.Severities()), "%v", err)
		}
		r.Severity = severity
	}
	r.onUnknown = onUnknown(c.choice("on_unknown", s.OnUnknown, onUnknownNames))
	r.match = alert.NewMatchers(s.Match)
	c.conditions(r)
	c.texts(r)
	if s.For > 0 {
		r.windows = append(r.windows, Window{Field: "for", Span: s.For})
	}
	return r
}

// conditions compiles when, until and on, of which at least one must say when the rule speaks.
func (c *specCompiler) conditions(r *Rule) {
	s := c.spec
	switch {
	case s.When == "" && s.On == nil:
		c.problem("when", `add a condition, as when: state == "failed"`, "the rule has neither when nor on")
	case s.On != nil && (s.For > 0 || s.KeepFiringFor > 0 || s.Until != ""):
		c.problem("on", "leave out for, until and keep_firing_for, or on", "an event is told once: it neither holds nor ends")
	case s.On != nil && r.Server:
		c.problem("on", "leave out on, or write scope: replication", "on speaks of the state of a replication")
	}
	if s.When != "" {
		r.when = c.condition(r, "when", s.When)
	}
	if s.Until != "" {
		r.until = c.condition(r, "until", s.Until)
	}
	if s.On != nil {
		r.on = c.event(s.On)
	}
}

func (c *specCompiler) condition(r *Rule, field, source string) condition {
	cond, problems := compileCondition(source, c.scope)
	for _, p := range problems {
		p.Field = field
		c.problems = append(c.problems, p)
	}
	for _, call := range callsOf(cond) {
		if call.follow.window > 0 {
			r.follows = append(r.follows, call.follow)
		}
		if call.window > 0 {
			r.windows = append(r.windows, Window{
				Field: field, Offset: call.at.offset, Length: call.at.length, Span: call.window.sub(0),
			})
		}
	}
	return cond
}

func (c *specCompiler) event(s *EventSpec) *event {
	e := &event{to: c.states("on.to", s.To)}
	if len(s.To) == 0 {
		c.problem("on.to", "write on: {from: [running], to: [completed]}", "on does not say which state is told")
	}
	if len(s.From) > 0 {
		e.from = c.states("on.from", s.From)
	}
	return e
}

func (c *specCompiler) states(field string, names []string) []snapshot.State {
	var states []snapshot.State
	for i, name := range names {
		known := internState(name)
		if !slices.Contains(snapshot.States[:], known) {
			hint := diag.DidYouMean(name, stateNames())
			if hint == "" {
				hint = "the states are " + joinWords(stateNames())
			}
			c.problem(field+"["+strconv.Itoa(i)+"]", hint, "CouchDB has no state %q", name)
		}
		states = append(states, known)
	}
	return states
}

func (c *specCompiler) texts(r *Rule) {
	for _, t := range []struct {
		field, source string
		into          **text
	}{
		{"summary", c.spec.Summary, &r.summary},
		{"description", c.spec.Description, &r.description},
		{"runbook_url", c.spec.RunbookURL, &r.runbookURL},
	} {
		compiled, problems := compileText(t.field, t.source, c.scope)
		*t.into = compiled
		c.problems = append(c.problems, problems...)
	}
}

// choice is the index of the value in names; the first is the default.
func (c *specCompiler) choice(field, value string, names []string) int {
	if value == "" {
		return 0
	}
	i := slices.Index(names, value)
	if i < 0 {
		c.problem(field, "write "+strings.Join(names, ", "), "unknown value %q", value)
	}
	return max(i, 0)
}

func (c *specCompiler) problem(field, hint, format string, args ...any) {
	c.problems = append(c.problems, diag.Problemf(field, hint, format, args...))
}

// allLabels are the labels of an alert of the rule: those of the server, and its own over them.
func (r *Rule) allLabels(server map[string]string) map[string]string {
	all := make(map[string]string, len(server)+len(r.labels))
	maps.Copy(all, server)
	maps.Copy(all, r.labels)
	return all
}
