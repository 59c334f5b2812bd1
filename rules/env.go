package rules

import (
	"reflect"
	"time"

	"watchdog/snapshot"
)

// maxCalls is how many calls of functions of one type one part of an expression may hold.
const maxCalls = 8

// slots are where the results of function calls stand while an expression is evaluated: a call
// is answered before the expression runs, and stands in it as an element of one of these.
type slots struct {
	Bools     [maxCalls]bool          `expr:"$bool"`
	Ints      [maxCalls]int64         `expr:"$int"`
	Floats    [maxCalls]float64       `expr:"$float"`
	Durations [maxCalls]time.Duration `expr:"$duration"`
}

// replicationEnv are the fields of a rule of scope replication, by their names in docs/rules.md. A
// field whose replication does not know it holds rubbish: parts that need it are not evaluated.
type replicationEnv struct {
	Server                string            `expr:"server"`
	Database              string            `expr:"database"`
	DocID                 string            `expr:"doc_id"`
	ID                    string            `expr:"id"`
	Node                  string            `expr:"node"`
	Source                string            `expr:"source"`
	Target                string            `expr:"target"`
	State                 string            `expr:"state"`
	ErrorCount            int64             `expr:"error_count"`
	Error                 string            `expr:"error"`
	Continuous            bool              `expr:"continuous"`
	DocsRead              int64             `expr:"docs_read"`
	DocsWritten           int64             `expr:"docs_written"`
	DocWriteFailures      int64             `expr:"doc_write_failures"`
	RevisionsChecked      int64             `expr:"revisions_checked"`
	MissingRevisionsFound int64             `expr:"missing_revisions_found"`
	ChangesPending        int64             `expr:"changes_pending"`
	BulkGetDocs           int64             `expr:"bulk_get_docs"`
	BulkGetAttempts       int64             `expr:"bulk_get_attempts"`
	SourceSeq             string            `expr:"source_seq"`
	ThroughSeq            string            `expr:"through_seq"`
	CheckpointedSourceSeq string            `expr:"checkpointed_source_seq"`
	LastUpdated           time.Time         `expr:"last_updated"`
	StartTime             time.Time         `expr:"start_time"`
	PID                   string            `expr:"pid"`
	User                  string            `expr:"user"`
	Active                bool              `expr:"active"`
	PreviousState         string            `expr:"previous_state"`
	Since                 time.Time         `expr:"since"`
	Labels                map[string]string `expr:"labels"`
	slots
}

func (e *replicationEnv) fill(server string, labels map[string]string, r *snapshot.Replication, p *past) {
	e.Server, e.Database, e.DocID = server, r.Database, r.DocID
	e.ID, e.Node, e.Source, e.Target = r.ID, r.Node, r.Source, r.Target
	e.State, e.ErrorCount, e.Error, e.Continuous = string(r.State), r.ErrorCount, r.Error, r.Continuous
	e.DocsRead, e.DocsWritten, e.DocWriteFailures = r.DocsRead, r.DocsWritten, r.DocWriteFailures
	e.RevisionsChecked, e.MissingRevisionsFound = r.RevisionsChecked, r.MissingRevisionsFound
	e.ChangesPending, e.BulkGetDocs, e.BulkGetAttempts = r.ChangesPending, r.BulkGetDocs, r.BulkGetAttempts
	e.SourceSeq, e.ThroughSeq, e.CheckpointedSourceSeq = r.SourceSeq, r.ThroughSeq, r.CheckpointedSourceSeq
	e.LastUpdated, e.StartTime = r.LastUpdated, r.StartTime
	e.PID, e.User, e.Active = r.PID, r.User, r.Active
	e.PreviousState, e.Since, e.Labels = string(p.previous), p.since.time(), labels
}

// serverEnv are the fields of a rule of scope server.
type serverEnv struct {
	Server   string            `expr:"server"`
	Up       bool              `expr:"up"`
	Failures int64             `expr:"failures"`
	Error    string            `expr:"error"`
	Version  string            `expr:"version"`
	Docs     int64             `expr:"docs"`
	Jobs     int64             `expr:"jobs"`
	Latency  time.Duration     `expr:"latency"`
	Labels   map[string]string `expr:"labels"`
	slots
}

// needs is a set of fields an expression cannot do without. The bits below those given here are
// snapshot.Fields; fields that are always known have none.
type needs uint64

const (
	needPreviousState needs = 1 << (40 + iota)
	needSince
	needVersion
	needDocs
	needJobs
	needLatency
)

// replicationNeeds and serverNeeds are, by field name, what must be known for it.
var (
	replicationNeeds = fieldNeeds(reflect.TypeFor[replicationEnv](), map[string]needs{
		"previous_state": needPreviousState, "since": needSince,
	})
	serverNeeds = fieldNeeds(reflect.TypeFor[serverEnv](), map[string]needs{
		"version": needVersion, "docs": needDocs, "jobs": needJobs, "latency": needLatency,
	})
)

// fieldNeeds lists the fields of an environment by their names in expressions.
func fieldNeeds(env reflect.Type, own map[string]needs) map[string]needs {
	all := map[string]needs{}
	replication := env == reflect.TypeFor[replicationEnv]()
	for i := range env.NumField() {
		name := env.Field(i).Tag.Get("expr")
		if name == "" {
			continue
		}
		all[name] = own[name]
		if f, ok := snapshot.FieldNamed(name); ok && replication {
			all[name] = needs(snapshot.Fields(0).With(f))
		}
	}
	return all
}
