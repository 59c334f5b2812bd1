package notify

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/diag"
)

// RouteSpec is a route as it is written in YAML.
type RouteSpec struct {
	// Match is label to globs, of which one must fit; empty takes everything. Labels are rule,
	// severity, server, database, doc_id, state, source, target and the alert's own.
	Match    map[string][]string `yaml:"match"`
	To       []string            `yaml:"to"`       // names of sinks
	Continue bool                `yaml:"continue"` // go on to the routes that follow; default false
	// GroupBy are the labels of which each combination makes one message; nil means server and
	// rule, an empty list means one group for all.
	GroupBy []string `yaml:"group_by"`
	// GroupWait is how long a group waits for more after its first transition; default 0: the
	// transitions of one check form one message, and nothing waits.
	GroupWait time.Duration `yaml:"group_wait"`
	// RepeatInterval is after how long an alert that still fires is told again; default never.
	RepeatInterval time.Duration `yaml:"repeat_interval"`
	// ReminderBackoff is by how much the interval grows with each reminder; default 1: not at
	// all.
	ReminderBackoff float64 `yaml:"reminder_backoff"`
	// Mute are names of windows in which nothing is told; what still fires when one ends is
	// told then.
	Mute []string `yaml:"mute"`
	// Escalate are further sinks that are told of an alert which has fired for so long, unless
	// it was acknowledged.
	Escalate Escalation `yaml:"escalate"`
}

// Escalation is one step or several.
type Escalation []EscalateSpec

// EscalateSpec is one step of an escalation.
type EscalateSpec struct {
	After time.Duration `yaml:"after"` // since the alert was first told
	To    []string      `yaml:"to"`    // names of sinks
}

// Spec is everything that says who hears what.
type Spec struct {
	Routes  []RouteSpec
	Inhibit []InhibitSpec
	Windows []Window
	// Followers are the sinks that are also told when people acknowledge or silence an alert they
	// know, and when that ends.
	Followers []string
	Link      string // external_url: where messages link to; may be empty
}

// Router says who hears what, and when. It is immutable.
type Router struct {
	routes  []route
	inhibit []inhibition
	// followers are sinks, each once, in order.
	followers []string
	windows   []Window // all that the config has
	link      string
}

type route struct {
	number   int    // from 1
	text     string // its match, for people
	match    alert.Matchers
	to       []string
	goOn     bool
	groupBy  []string
	wait     time.Duration
	repeat   time.Duration
	backoff  float64
	mute     []Window
	escalate Escalation
}

var defaultGroupBy = []string{"server", "rule"}

// NewRouter checks a config; problem fields are "routes[0].to", "inhibit[1].equal" and so on.
// That the sinks exist is for the config to check.
func NewRouter(s Spec) (*Router, []diag.Problem) {
	r := &Router{windows: s.Windows, link: strings.TrimSuffix(s.Link, "/"), followers: slices.Compact(slices.Sorted(slices.Values(s.Followers)))}
	if r.link != "" {
		r.link += "/"
	}
	var problems []diag.Problem
	for i, spec := range s.Routes {
		one, found := newRoute(i, spec, s.Windows)
		r.routes, problems = append(r.routes, one), append(problems, found...)
	}
	for i, spec := range s.Inhibit {
		one, found := newInhibition(i, spec)
		r.inhibit, problems = append(r.inhibit, one), append(problems, found...)
	}
	return r, problems
}

func newRoute(i int, spec RouteSpec, windows []Window) (route, []diag.Problem) {
	field := func(name string) string { return fmt.Sprintf("routes[%d].%s", i, name) }
	var problems []diag.Problem
	if len(spec.To) == 0 {
		problems = append(problems, diag.Problemf(field("to"), "name one or more sinks, as in to: [oncall]", "the route leads nowhere"))
	}
	if spec.ReminderBackoff != 0 && spec.ReminderBackoff < 1 {
		problems = append(problems, diag.Problemf(field("reminder_backoff"), "write 2 to wait twice as long each time", "reminders cannot come faster and faster"))
	}
	r := route{
		number: i + 1, text: matchText(spec.Match), match: alert.NewMatchers(spec.Match), to: spec.To, goOn: spec.Continue, groupBy: spec.GroupBy,
		wait: spec.GroupWait, repeat: spec.RepeatInterval, backoff: max(1, spec.ReminderBackoff), escalate: spec.Escalate,
	}
	if r.groupBy == nil {
		r.groupBy = defaultGroupBy
	}
	for j, name := range spec.Mute {
		k := slices.IndexFunc(windows, func(w Window) bool { return w.Name == name })
		if k < 0 {
			problems = append(problems, diag.Problemf(field(fmt.Sprintf("mute[%d]", j)), windowHint(name, windows), "there is no window %q", name))
			continue
		}
		r.mute = append(r.mute, windows[k])
	}
	for j, e := range spec.Escalate {
		if e.After <= 0 || len(e.To) == 0 {
			problems = append(problems, diag.Problemf(field(fmt.Sprintf("escalate[%d]", j)), "write escalate: {after: 15m, to: [manager]}", "a step needs a time and a sink"))
		}
	}
	slices.SortStableFunc(r.escalate, func(a, b EscalateSpec) int { return int(a.After - b.After) })
	return r, problems
}

// sinksFor gives each sink that hears of an alert, once, with the route that leads there.
func (r *Router) sinksFor(a *alert.Alert) iter.Seq2[string, *route] {
	return func(yield func(string, *route) bool) {
		var told []string
		for i := range r.routes {
			route := &r.routes[i]
			if !route.match.Match(func(name string) string { return Label(a, name) }) {
				continue
			}
			for _, sink := range route.to {
				if slices.Contains(told, sink) {
					continue
				}
				told = append(told, sink)
				if !yield(sink, route) {
					return
				}
			}
			if !route.goOn {
				return
			}
		}
	}
}

// leadsTo is a route that leads to a sink, by escalation too; nil when none does any more.
func (r *Router) leadsTo(sink string) *route {
	for i := range r.routes {
		one := &r.routes[i]
		if slices.Contains(one.to, sink) || slices.ContainsFunc(one.escalate, func(e EscalateSpec) bool { return slices.Contains(e.To, sink) }) {
			return one
		}
	}
	return nil
}

func (r *route) groupLabels(a *alert.Alert) map[string]string {
	labels := make(map[string]string, len(r.groupBy))
	for _, name := range r.groupBy {
		labels[name] = Label(a, name)
	}
	return labels
}

// Label is a label of an alert, for match and group_by; "" when it has none of that name.
func Label(a *alert.Alert, name string) string {
	switch name {
	case "rule":
		return a.Rule
	case "severity":
		return a.Severity.String()
	case "server":
		return a.Server
	case "database":
		return a.Database
	case "doc_id":
		return a.DocID
	case "state":
		return a.State
	case "source":
		return a.Source
	case "target":
		return a.Target
	default:
		return a.Labels[name]
	}
}
