package snapshot

import (
	"slices"
	"time"
)

// State is CouchDB's word for what a replication is doing.
type State string

// The states. Completed and Failed are terminal.
const (
	Initializing State = "initializing"
	ErrorState   State = "error"
	Running      State = "running"
	Pending      State = "pending"
	Crashing     State = "crashing"
	Completed    State = "completed"
	Failed       State = "failed"
)

// States are all of them.
var States = [...]State{Initializing, ErrorState, Running, Pending, Crashing, Completed, Failed}

// Terminal reports whether CouchDB will do nothing more about it until the document changes.
func (s State) Terminal() bool { return s == Completed || s == Failed }

// Field is one field of a replication that the server may not have given.
type Field uint8

// The fields, in the order in which the README lists them.
const (
	FieldID Field = iota
	FieldNode
	FieldSource
	FieldTarget
	FieldState
	FieldErrorCount
	FieldError
	FieldContinuous
	FieldDocsRead
	FieldDocsWritten
	FieldDocWriteFailures
	FieldRevisionsChecked
	FieldMissingRevisionsFound
	FieldChangesPending
	FieldBulkGetDocs
	FieldBulkGetAttempts
	FieldSourceSeq
	FieldThroughSeq
	FieldCheckpointedSourceSeq
	FieldLastUpdated
	FieldStartTime
	FieldPID
	FieldUser
	FieldActive
	FieldHistory // the job's events; not a field of the rule language

	fieldCount
)

var fieldNames = [fieldCount]string{
	"id", "node", "source", "target", "state", "error_count", "error", "continuous",
	"docs_read", "docs_written", "doc_write_failures", "revisions_checked",
	"missing_revisions_found", "changes_pending", "bulk_get_docs", "bulk_get_attempts",
	"source_seq", "through_seq", "checkpointed_source_seq", "last_updated", "start_time",
	"pid", "user", "active", "history",
}

func (f Field) String() string { return fieldNames[f] }

// FieldNamed is the field of that name.
func FieldNamed(name string) (Field, bool) {
	i := slices.Index(fieldNames[:], name)
	return Field(max(i, 0)), i >= 0
}

// Fields is a set of fields.
type Fields uint32

// With is the set and these.
func (s Fields) With(fields ...Field) Fields {
	for _, f := range fields {
		s |= 1 << f
	}
	return s
}

// Without is the set less f.
func (s Fields) Without(f Field) Fields { return s &^ (1 << f) }

// Has reports whether f is in the set.
func (s Fields) Has(f Field) bool { return s&(1<<f) != 0 }

// Contains reports whether all of o are in the set.
func (s Fields) Contains(o Fields) bool { return s&o == o }

// Replication is one replication as one check saw it: the document's row of
// /_scheduler/docs, the job's row of /_scheduler/jobs and the active task, joined. A field that
// is not in Known was not given, and its value here means nothing.
type Replication struct {
	Key
	Known Fields

	ID    string // replication id, as "f857…+continuous"
	Node  string
	State State

	Source string // URL, credentials masked
	Target string

	// ErrorCount is CouchDB's own, which is not a count of errors: it is taken from the
	// last 20 events of the job, and saturates at 10.
	ErrorCount int64
	// Error is `info.error`, or the reason of the last crash in the job's history.
	Error      string
	Continuous bool // read from ID

	DocsRead              int64
	DocsWritten           int64
	DocWriteFailures      int64
	RevisionsChecked      int64
	MissingRevisionsFound int64
	// ChangesPending is how many changes of the source are not processed yet, deleted
	// documents included. Unknown when the source did not answer the question: not zero.
	ChangesPending  int64
	BulkGetDocs     int64
	BulkGetAttempts int64

	// Sequences are opaque: compare them for equality only. A number or an array stands as its
	// JSON text.
	SourceSeq             string
	ThroughSeq            string
	CheckpointedSourceSeq string

	// LastUpdated is the time of the last event of the job's history, not of progress.
	LastUpdated time.Time
	StartTime   time.Time

	PID    string
	User   string
	Active bool // has a task in /_active_tasks

	// History are the job's events, newest first, at most 20 (CouchDB's max_history).
	History []Event
}

// Has reports whether the server gave the field.
func (r *Replication) Has(f Field) bool { return r.Known.Has(f) }

// EventType is the type of an event in a job's history.
type EventType string

// The event types.
const (
	Added   EventType = "added"
	Started EventType = "started"
	Stopped EventType = "stopped"
	Crashed EventType = "crashed"
)

// Event is one entry of a job's history.
type Event struct {
	Type   EventType
	At     time.Time // whole seconds, UTC
	Reason string    // of a crash
}
