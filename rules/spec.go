package rules

import "time"

// Spec is a rule as it is written in YAML (SPEC 3), not checked yet.
type Spec struct {
	Name     string `yaml:"name"`
	Severity string `yaml:"severity"` // info, warning (default) or critical
	Scope    string `yaml:"scope"`    // replication (default) or server
	// Match narrows the subjects: label to globs, of which one must fit. Labels are server,
	// database, doc_id, source, target and the server's own.
	Match         map[string][]string `yaml:"match"`
	When          string              `yaml:"when"`
	Until         string              `yaml:"until"` // default: when is false
	For           time.Duration       `yaml:"for"`
	KeepFiringFor time.Duration       `yaml:"keep_firing_for"`
	On            *EventSpec          `yaml:"on"`
	OnUnknown     string              `yaml:"on_unknown"` // hold (default), fire or resolve
	Labels        map[string]string   `yaml:"labels"`
	Summary       string              `yaml:"summary"`     // Go templates
	Description   string              `yaml:"description"` //
	RunbookURL    string              `yaml:"runbook_url"` //
}

// EventSpec is a one-shot event: a change of state from one of From to one of To. An empty From
// means from any other state that has been seen.
type EventSpec struct {
	From []string `yaml:"from"`
	To   []string `yaml:"to"`
}
