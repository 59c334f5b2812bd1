package snapshot_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/snapshot"
)

// fields is a replication without its methods, so that a diff names the field.
type fields snapshot.Replication

// said is what a row says, read in the plainest way.
func said(t *testing.T, key snapshot.Key, row map[string]any) snapshot.Replication {
	t.Helper()
	r := snapshot.Replication{Key: key}
	know := func(f snapshot.Field) { r.Known = r.Known.With(f) }
	text := func(from map[string]any, key string, f snapshot.Field, dst *string) {
		if s, ok := from[key].(string); ok {
			*dst = s
			know(f)
		}
	}
	number := func(from map[string]any, key string, f snapshot.Field, dst *int64) {
		if n, ok := from[key].(float64); ok {
			*dst = int64(n)
			know(f)
		}
	}
	when := func(from map[string]any, key string) time.Time {
		at, err := time.Parse(time.RFC3339, from[key].(string))
		if err != nil {
			t.Fatal(err)
		}
		return at.UTC()
	}
	text(row, "id", snapshot.FieldID, &r.ID)
	text(row, "node", snapshot.FieldNode, &r.Node)
	text(row, "source", snapshot.FieldSource, &r.Source)
	text(row, "target", snapshot.FieldTarget, &r.Target)
	text(row, "pid", snapshot.FieldPID, &r.PID)
	text(row, "user", snapshot.FieldUser, &r.User)
	text(row, "state", snapshot.FieldState, (*string)(&r.State))
	number(row, "error_count", snapshot.FieldErrorCount, &r.ErrorCount)
	if row["last_updated"] != nil {
		r.LastUpdated = when(row, "last_updated")
		know(snapshot.FieldLastUpdated)
	}
	if row["start_time"] != nil {
		r.StartTime = when(row, "start_time")
		know(snapshot.FieldStartTime)
	}
	if r.Has(snapshot.FieldID) {
		r.Continuous = strings.Contains(r.ID, "+continuous")
		know(snapshot.FieldContinuous)
	}
	if r.State == snapshot.Completed {
		know(snapshot.FieldError)
	}
	info, _ := row["info"].(map[string]any)
	text(info, "error", snapshot.FieldError, &r.Error)
	text(info, "source_seq", snapshot.FieldSourceSeq, &r.SourceSeq)
	text(info, "through_seq", snapshot.FieldThroughSeq, &r.ThroughSeq)
	text(info, "checkpointed_source_seq", snapshot.FieldCheckpointedSourceSeq, &r.CheckpointedSourceSeq)
	number(info, "docs_read", snapshot.FieldDocsRead, &r.DocsRead)
	number(info, "docs_written", snapshot.FieldDocsWritten, &r.DocsWritten)
	number(info, "doc_write_failures", snapshot.FieldDocWriteFailures, &r.DocWriteFailures)
	number(info, "revisions_checked", snapshot.FieldRevisionsChecked, &r.RevisionsChecked)
	number(info, "missing_revisions_found", snapshot.FieldMissingRevisionsFound, &r.MissingRevisionsFound)
	number(info, "changes_pending", snapshot.FieldChangesPending, &r.ChangesPending)
	number(info, "bulk_get_docs", snapshot.FieldBulkGetDocs, &r.BulkGetDocs)
	number(info, "bulk_get_attempts", snapshot.FieldBulkGetAttempts, &r.BulkGetAttempts)
	history, ok := row["history"].([]any)
	if !ok {
		return r
	}
	know(snapshot.FieldHistory)
	for _, e := range history {
		e := e.(map[string]any)
		reason, _ := e["reason"].(string)
		r.History = append(r.History, snapshot.Event{
			Type: snapshot.EventType(e["type"].(string)), At: when(e, "timestamp"), Reason: reason,
		})
	}
	return r
}

// rows are those of a listing, by database and document or replication id.
func rows(t *testing.T, list, body string) map[snapshot.Key]map[string]any {
	t.Helper()
	var members map[string]json.RawMessage
	var all []map[string]any
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(members[list], &all); err != nil {
		t.Fatal(err)
	}
	byKey := map[snapshot.Key]map[string]any{}
	for _, row := range all {
		byKey[keyOf(row)] = row
	}
	return byKey
}

func keyOf(row map[string]any) snapshot.Key {
	if row["database"] == nil {
		return snapshot.Key{Database: snapshot.TransientDatabase, DocID: row["id"].(string)}
	}
	return snapshot.Key{Database: row["database"].(string), DocID: row["doc_id"].(string)}
}

func TestRecordedDocsSayWhatTheySay(t *testing.T) {
	for _, name := range recordings(t, "docs-*.http") {
		status, body := recording(t, name)
		database := "_replicator"
		if strings.HasPrefix(name, "docs-db-team") {
			database = "team/_replicator"
		}
		b := snapshot.NewBuilder("prod", noon)
		err := b.Docs(database, strings.NewReader(body))
		if status != "200" {
			if err == nil || !strings.Contains(err.Error(), "the server answered") {
				t.Errorf("Docs of %s: got error %v, want what the server answered", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("Docs of %s: got error %v, want none", name, err)
			continue
		}
		s := b.Snapshot()
		want := rows(t, "docs", body)
		if len(s.Replications) != len(want) || len(s.RowErrors) > 0 {
			t.Errorf("Docs of %s: got %d replications and row errors %v, want %d and none",
				name, len(s.Replications), s.RowErrors, len(want))
		}
		for _, got := range s.Replications {
			if diff := cmp.Diff(fields(said(t, got.Key, want[got.Key])), fields(*got)); diff != "" {
				t.Errorf("%s: replication %s, -want +got:\n%s", name, got.Path(), diff)
			}
		}
	}
}

// derived are the fields that CouchDB does not write into the row of a job.
var derived = snapshot.Fields(0).With(snapshot.FieldState, snapshot.FieldErrorCount,
	snapshot.FieldError, snapshot.FieldLastUpdated)

func withoutDerived(r snapshot.Replication) fields {
	r.Known &^= derived
	r.State, r.ErrorCount, r.Error, r.LastUpdated = "", 0, "", time.Time{}
	return fields(r)
}

func TestRecordedJobsSayWhatTheySay(t *testing.T) {
	for _, name := range recordings(t, "jobs-*.http") {
		status, body := recording(t, name)
		b := snapshot.NewBuilder("prod", noon)
		err := b.Jobs(strings.NewReader(body))
		if (err == nil) != (status == "200") {
			t.Errorf("Jobs of %s: got error %v, and its status is %s", name, err, status)
		}
		if err != nil {
			continue
		}
		s := b.Snapshot()
		want := rows(t, "jobs", body)
		if len(s.Replications) != len(want) || len(s.RowErrors) > 0 {
			t.Errorf("Jobs of %s: got %d replications and row errors %v, want %d and none",
				name, len(s.Replications), s.RowErrors, len(want))
		}
		for _, got := range s.Replications {
			if diff := cmp.Diff(withoutDerived(said(t, got.Key, want[got.Key])), withoutDerived(*got)); diff != "" {
				t.Errorf("%s: job of %s, -want +got:\n%s", name, got.Path(), diff)
			}
		}
	}
}

func TestRecordedAnswersSayWhatTheySay(t *testing.T) {
	for _, name := range append(recordings(t, "doc-*.http"), recordings(t, "job-transient.http")...) {
		status, body := recording(t, name)
		var row map[string]any
		if err := json.Unmarshal([]byte(body), &row); err != nil {
			t.Fatal(err)
		}
		if status != "200" {
			key := snapshot.Key{Database: "_replicator", DocID: "asked"}
			if got, err := snapshot.DecodeAnswer(key, []byte(body)); err == nil || got != (snapshot.Answer{}) {
				t.Errorf("DecodeAnswer of %s: got %v, error %v, want what the server answered", name, got, err)
			}
			continue
		}
		key := keyOf(row)
		got, err := snapshot.DecodeAnswer(key, []byte(body))
		if err != nil {
			t.Errorf("DecodeAnswer of %s: got error %v, want none", name, err)
			continue
		}
		want, of := fields(said(t, key, row)), fields(*got.Replication)
		if key.Database == snapshot.TransientDatabase {
			want, of = withoutDerived(snapshot.Replication(want)), withoutDerived(*got.Replication)
		}
		if diff := cmp.Diff(want, of); diff != "" {
			t.Errorf("DecodeAnswer of %s, -want +got:\n%s", name, diff)
		}
	}
}

func TestRecordedTasksAreWhatIsActive(t *testing.T) {
	_, docs := recording(t, "docs-all.http")
	_, jobs := recording(t, "jobs-all.http")
	_, tasks := recording(t, "active-tasks.http")
	s := look(t, nil, docs, jobs, tasks)
	for id, want := range map[string]string{
		"cont-running":  "true",
		"crash-refused": "false",
		"oneshot-done":  "?", // a document that is done has no replication id
	} {
		if got := say(find(t, s, id), snapshot.FieldActive); got != want {
			t.Errorf("active of %s: got %s, want %s", id, got, want)
		}
	}
}

func TestWhatWaitsStaysUnknownWhereTheServerSaysNull(t *testing.T) {
	for _, name := range []string{
		"doc-idle-after-restart.http", "doc-stuck-default.http", "job-stuck-long.http", "job-stuck-default.http",
	} {
		_, body := recording(t, name)
		b := snapshot.NewBuilder("prod", noon)
		read, list := b.Jobs, jobs
		if strings.HasPrefix(name, "doc") {
			read = func(body io.Reader) error { return b.Docs("_replicator", body) }
			list = docs
		}
		if err := read(strings.NewReader(list(body))); err != nil {
			t.Fatal(err)
		}
		r := b.Snapshot().Replications[0]
		if got := say(r, snapshot.FieldState) + " " + say(r, snapshot.FieldChangesPending); got != "running ?" {
			t.Errorf("%s: got state and changes_pending %s, want running ?", name, got)
		}
	}
}
