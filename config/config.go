// Package config turns watchdog.yaml into one checked value that nobody changes again.
//
// It sits on top of all that it configures. Each package owns the type of its part and the
// checks of it; this one owns YAML: it decodes strictly, fills in variables and secret files,
// follows includes, resolves references by name, and puts every mistake that it or a part finds
// at its place in a file. All mistakes of all files come at once, and none shows a secret.
package config

import (
	"time"

	"watchdog/diag"
	"watchdog/heartbeat"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/scheduler"
	"watchdog/web/gate"
)

// Config is everything that was configured: complete, checked, defaults filled in. It and all
// that it refers to must not be changed.
type Config struct {
	Path string // of the main file, as it was given
	Inputs

	Store       string // a path, from the working directory, or a URL
	HTTP        gate.Spec
	ExternalURL string         // without a slash at its end; "" when links cannot be made
	Heartbeat   heartbeat.Spec // without a URL where none is called
	Retention   time.Duration
	Lease       time.Duration  // of several replicas
	Location    *time.Location // of schedules that name none

	Servers []scheduler.Spec // those in use
	Sources []scheduler.SourceSpec
	Rules   []*rules.Rule  // all, the built-in one included
	Checks  []Check        // those that read a server in use
	Sinks   []Sink         // those in use
	Router  *notify.Router // leads to sinks in use only
	Written *notify.Router // leads to all sinks, in use or not; for tests of the config

	// Vocabulary is which labels alerts can have.
	Vocabulary notify.Vocabulary

	// Places are where the servers and sinks stand, by "server NAME" and "sink NAME": file, line
	// and column only.
	Places map[string]diag.Diagnostic

	// LeftOut is what the file names and the environment leaves unused, for the log at start.
	LeftOut []LeftOut

	// Understood is the whole configuration as one file would say it: includes merged, defaults
	// filled in, what is left out still there.
	Understood File
}

// Inputs are what a config was read from, whether it is good or not.
type Inputs struct {
	// Files are all that were read, the main one first: included files, and those that a
	// ${file:…} names. A change of one of them asks for a reload.
	Files []string
	// Globs are the includes that have a wildcard. A file that begins to match one asks for a
	// reload too.
	Globs []string
}

// Check is a schedule, and what is read and evaluated on it.
type Check struct {
	Name     string
	Schedule Schedule
	Servers  []string // names, at least one
	Rules    []*rules.Rule
	Timeout  time.Duration
	Jitter   time.Duration // each run starts up to this much late
}

// Sink is a place to tell.
type Sink struct {
	Name string
	SinkKind
	Timeout     time.Duration // of one attempt
	GiveUpAfter time.Duration // of all attempts at one delivery
	RateLimit   Rate
	DigestAbove int // of how many transitions of a group that wait more are told as one
}

// LeftOut is something that was configured and is not used, and why.
type LeftOut struct {
	Kind string // server, check, sink or route
	Name string // of a route, where it stands
	Why  string
}

// String is "sink oncall: it is optional and has no address".
func (l LeftOut) String() string { return l.Kind + " " + l.Name + ": " + l.Why }
