package notify

import "watchdog/diag"

// RouteSpec is a route as it is written in YAML (SPEC 5).
type RouteSpec struct {
	// Match is label to globs, of which one must fit; empty takes everything. Labels are rule,
	// severity, server, database, doc_id, state, source, target and the alert's own.
	Match    map[string][]string `yaml:"match"`
	To       []string            `yaml:"to"` // names of sinks
	Continue bool                `yaml:"continue"`
	// GroupBy are the labels of which each combination makes one message; nil means server and
	// rule, an empty list means one group for all.
	GroupBy []string `yaml:"group_by"`
}

// Router holds the routes in order. It is immutable.
type Router struct{}

// NewRouter checks the routes of a config; problem fields are "[0].match" and so on. That the
// sinks exist is for the config to check.
func NewRouter(routes []RouteSpec) (*Router, []diag.Problem) { return &Router{}, nil }
