package notify

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"watchdog/alert"
	"watchdog/diag"
)

// RouteSpec is a route as it is written in YAML (SPEC 5).
type RouteSpec struct {
	// Match is label to globs, of which one must fit; empty takes everything. Labels are rule,
	// severity, server, database, doc_id, state, source, target and the alert's own.
	Match    map[string][]string `yaml:"match"`
	To       []string            `yaml:"to"`       // names of sinks
	Continue bool                `yaml:"continue"` // go on to the routes that follow; default false
	// GroupBy are the labels of which each combination makes one message; nil means server and
	// rule, an empty list means one group for all.
	GroupBy []string `yaml:"group_by"`
}

// Router holds the routes in order. It is immutable.
type Router struct {
	routes []route
	link   string
}

type route struct {
	number  int // from 1
	match   alert.Matchers
	to      []string
	goOn    bool
	groupBy []string
}

var defaultGroupBy = []string{"server", "rule"}

// NewRouter checks the routes of a config; problem fields are "[0].to" and so on. That the
// sinks exist is for the config to check.
func NewRouter(routes []RouteSpec) (*Router, []diag.Problem) {
	r := &Router{}
	var problems []diag.Problem
	for i, spec := range routes {
		if len(spec.To) == 0 {
			problems = append(problems, diag.Problemf(fmt.Sprintf("[%d].to", i),
				"name one or more sinks, as in to: [oncall]", "the route leads nowhere"))
		}
		one := route{number: i + 1, match: alert.NewMatchers(spec.Match), to: spec.To, goOn: spec.Continue, groupBy: spec.GroupBy}
		if one.groupBy == nil {
			one.groupBy = defaultGroupBy
		}
		r.routes = append(r.routes, one)
	}
	return r, problems
}

// WithLink is the router whose messages link to the page at this URL (external_url).
func (r *Router) WithLink(url string) *Router {
	linked := *r
	linked.link = strings.TrimSuffix(url, "/")
	if linked.link != "" {
		linked.link += "/"
	}
	return &linked
}

// group is a message in the making.
type group struct {
	sink   string
	labels map[string]string
	alerts []alert.Transition
}

// Plan makes the messages for the transitions of one check: for each the routes in order, the
// first that fits, and on while it says continue. A sink hears of a transition once, however
// many routes lead to it.
func (r *Router) Plan(transitions []alert.Transition) []Message {
	var groups []*group
	byKey := map[string]*group{}
	for _, t := range transitions {
		for sink, route := range r.sinksFor(&t) {
			labels := route.groupLabels(&t)
			key := sink + " " + groupKey(labels)
			g := byKey[key]
			if g == nil {
				g = &group{sink: sink, labels: labels}
				byKey[key] = g
				groups = append(groups, g)
			}
			g.alerts = append(g.alerts, r.linked(t))
		}
	}
	var messages []Message
	for _, g := range groups {
		messages = append(messages, r.messages(g)...)
	}
	return messages
}

// sinksFor gives each sink that hears of a transition, once, with the route that leads there.
func (r *Router) sinksFor(t *alert.Transition) iter.Seq2[string, *route] {
	return func(yield func(string, *route) bool) {
		var told []string
		for i := range r.routes {
			route := &r.routes[i]
			if !route.match.Match(func(name string) string { return Label(t, name) }) {
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

func (r *Router) linked(t alert.Transition) alert.Transition {
	if r.link != "" {
		t.URL = r.link + "#" + t.Fingerprint
	}
	return t
}

// messages cuts a group into messages that a receiver can take.
func (r *Router) messages(g *group) []Message {
	slices.SortStableFunc(g.alerts, compareForReader)
	var out []Message
	for part := range slices.Chunk(g.alerts, MaxAlerts) {
		at := part[0].At
		out = append(out, Message{
			ID: messageID(at, g.sink, g.labels, part), Sink: g.sink, Group: g.labels,
			At: at, URL: r.link, Alerts: part,
		})
	}
	return out
}

// compareForReader puts first what matters most: what fires, critical first.
func compareForReader(a, b alert.Transition) int {
	if c := int(b.Severity) - int(a.Severity); c != 0 {
		return c
	}
	return strings.Compare(a.Rule+"\xff"+a.Subject().String(), b.Rule+"\xff"+b.Subject().String())
}

func (r *route) groupLabels(t *alert.Transition) map[string]string {
	labels := make(map[string]string, len(r.groupBy))
	for _, name := range r.groupBy {
		labels[name] = Label(t, name)
	}
	return labels
}

// Label is a label of a transition, for match and group_by; "" when it has none of that name.
func Label(t *alert.Transition, name string) string {
	switch name {
	case "rule":
		return t.Rule
	case "severity":
		return t.Severity.String()
	case "server":
		return t.Server
	case "database":
		return t.Database
	case "doc_id":
		return t.DocID
	case "state":
		return t.State
	case "source":
		return t.Source
	case "target":
		return t.Target
	default:
		return t.Labels[name]
	}
}
