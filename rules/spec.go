package rules

import "time"

// Spec is a rule as it is written in YAML, not checked yet.
type Spec struct {
	// Name is unique; alerts keep their state by it.
	Name     string `yaml:"name"`
	Severity string `yaml:"severity"` // info, warning (default) or critical
	Scope    string `yaml:"scope"`    // replication (default) or server
	// Match narrows the subjects: label to globs, of which one must fit. Labels are server,
	// database, doc_id, source, target and the server's own.
	Match map[string][]string `yaml:"match"`
	// When is the condition, over the fields and functions of the scope. Required, unless on is
	// given.
	When  string `yaml:"when"`
	Until string `yaml:"until"` // when a firing alert ends; default: when is false
	// For is how long when must hold before the alert fires; default 0.
	For time.Duration `yaml:"for"`
	// KeepFiringFor is how long the alert goes on firing after it ended, so that one that flaps
	// is told once; default 0.
	KeepFiringFor time.Duration `yaml:"keep_firing_for"`
	// On makes it an event, told once, in place of an alert that fires and resolves.
	On *EventSpec `yaml:"on"`
	// OnUnknown is what an unknown condition means: hold (default), fire or resolve.
	OnUnknown string `yaml:"on_unknown"`
	// Labels are added to the server's, for routing.
	Labels  map[string]string `yaml:"labels"`
	Summary string            `yaml:"summary"` // one line for people; a Go template over the fields
	// Description is more for people; a Go template over the fields.
	Description string `yaml:"description"`
	// RunbookURL says what to do; a Go template over the fields.
	RunbookURL string `yaml:"runbook_url"`
}

// EventSpec is a one-shot event: a change of state that is told once.
type EventSpec struct {
	From []string `yaml:"from"` // default: any other state that has been seen
	To   []string `yaml:"to"`   // at least one state
}
