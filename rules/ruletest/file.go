package ruletest

import "time"

// File is a file of rule tests as it is written in YAML.
type File struct {
	// Config is the config whose rules and routes are tested, from the folder of the file. Where
	// neither it nor Rules is given it is the one the command was called with.
	Config string `yaml:"config"`
	// Rules are files of rules, or globs, to test without a config.
	Rules []string `yaml:"rules"`
	// Env are variables of the environment for the config, before those of the process.
	Env      map[string]string `yaml:"env"`
	Interval time.Duration     `yaml:"interval"` // of tests that give none; default 30s
	Tests    []Case            `yaml:"tests"`
}

// Case is one test: what was seen over time, and what that must cause.
type Case struct {
	Name     string        `yaml:"name"`
	Interval time.Duration `yaml:"interval"` // between two samples
	// Server names the server that is seen. The default is the first of the config; "prod" where
	// there is none.
	Server string `yaml:"server"`
	Seen   `yaml:",inline"`
	// Servers are further servers, by name.
	Servers map[string]Seen `yaml:"servers"`
	// Recording is a file of snapshots that takes the place of samples.
	Recording string        `yaml:"recording"`
	Expect    []Expectation `yaml:"expect"`
}

// Seen is what was seen of one server.
type Seen struct {
	Labels map[string]string `yaml:"labels"` // in place of those in the config
	// Check says how each check ended: ok, failed (nothing could be read), partial (the listings
	// broke off; what they showed counts), or the error of a failed one in quotes.
	Check   string `yaml:"check"`
	Version string `yaml:"version"`
	Latency string `yaml:"latency"` // a series of durations
	// Replications are by document id, or by database/id where the database is not _replicator.
	Replications map[string]Replication `yaml:"replications"`
}

// Replication is one replication over time, each field a series. A field that is left out was
// not given by the server. See package ruletest for how a series is written.
type Replication struct {
	// State may also be absent (from the listings, and asking told nothing) or deleted (asking was
	// answered by 404).
	State                 string `yaml:"state"`
	ID                    string `yaml:"id"`
	Node                  string `yaml:"node"`
	Source                string `yaml:"source"`
	Target                string `yaml:"target"`
	ErrorCount            string `yaml:"error_count"` // default: as CouchDB counts it, from the history
	Error                 string `yaml:"error"`       // default: the reason of the last crash
	Continuous            string `yaml:"continuous"`  // default: what the id says
	DocsRead              string `yaml:"docs_read"`
	DocsWritten           string `yaml:"docs_written"`
	DocWriteFailures      string `yaml:"doc_write_failures"`
	RevisionsChecked      string `yaml:"revisions_checked"`
	MissingRevisionsFound string `yaml:"missing_revisions_found"`
	ChangesPending        string `yaml:"changes_pending"`
	BulkGetDocs           string `yaml:"bulk_get_docs"`
	BulkGetAttempts       string `yaml:"bulk_get_attempts"`
	SourceSeq             string `yaml:"source_seq"`
	ThroughSeq            string `yaml:"through_seq"`
	CheckpointedSourceSeq string `yaml:"checkpointed_source_seq"`
	LastUpdated           string `yaml:"last_updated"` // default: the last event of the history
	StartTime             string `yaml:"start_time"`
	PID                   string `yaml:"pid"`
	User                  string `yaml:"user"`
	Active                string `yaml:"active"`

	// Crashes counts the crashes of the job so far. Default: each change of the state to crashing
	// is one.
	Crashes string `yaml:"crashes"`
	// History are the events of the job, in place of all that the state tells. Of those up to a
	// sample it shows the last 20.
	History []Event `yaml:"history"`
}

// Event is one event of a job's history.
type Event struct {
	At     string `yaml:"at"`   // from the first sample, as -1h; or RFC 3339
	Type   string `yaml:"type"` // added, started, stopped or crashed
	Reason string `yaml:"reason"`
}

// Expectation is what must be the case at a moment.
type Expectation struct {
	At string `yaml:"at"` // from the first sample, as 1m30s; in a recording RFC 3339 too
	// Until makes it hold for every sample from At to this one.
	Until string `yaml:"until"`
	// Alerts are all that are pending or firing then, and the events and resolutions which
	// exactly that sample decided. Nil does not ask.
	Alerts []AlertSpec `yaml:"alerts"`
	// Messages are all that exactly that sample makes the routes say. Nil does not ask.
	Messages []MessageSpec `yaml:"messages"`
}

// AlertSpec is an expected alert: only what is given is compared.
type AlertSpec struct {
	Status        *string           `yaml:"status"` // pending, firing, resolved or event
	Reason        *string           `yaml:"reason"` // why this sample tells it; "" for one that only goes on
	Rule          *string           `yaml:"rule"`
	Severity      *string           `yaml:"severity"`
	Server        *string           `yaml:"server"`
	Database      *string           `yaml:"database"`
	DocID         *string           `yaml:"doc_id"`
	ReplicationID *string           `yaml:"replication_id"`
	Source        *string           `yaml:"source"`
	Target        *string           `yaml:"target"`
	State         *string           `yaml:"state"`
	PreviousState *string           `yaml:"previous_state"`
	ErrorCount    *string           `yaml:"error_count"`
	Error         *string           `yaml:"error"`
	Labels        map[string]string `yaml:"labels"`
	Summary       *string           `yaml:"summary"`
	Description   *string           `yaml:"description"`
	RunbookURL    *string           `yaml:"runbook_url"`
	StartsAt      *string           `yaml:"starts_at"` // from the first sample; or RFC 3339
	EndsAt        *string           `yaml:"ends_at"`   // likewise; "" while it lives
}

// MessageSpec is an expected message: only what is given is compared.
type MessageSpec struct {
	Sink     *string     `yaml:"sink"`
	Headline *string     `yaml:"headline"`
	Alerts   []AlertSpec `yaml:"alerts"`
}
