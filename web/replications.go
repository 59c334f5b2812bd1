package web

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"watchdog/snapshot"
)

// replication is a row as the API writes it. What the server did not give is null.
type replication struct {
	Server                string     `json:"server"`
	Database              string     `json:"database"`
	DocID                 string     `json:"doc_id"`
	SeenAt                time.Time  `json:"seen_at"`
	WatchedBy             string     `json:"watched_by"` // the replica that saw it, "" where there is one process only
	ID                    *string    `json:"id"`
	Node                  *string    `json:"node"`
	Source                *string    `json:"source"`
	Target                *string    `json:"target"`
	State                 *string    `json:"state"`
	ErrorCount            *int64     `json:"error_count"`
	Error                 *string    `json:"error"`
	Continuous            *bool      `json:"continuous"`
	DocsRead              *int64     `json:"docs_read"`
	DocsWritten           *int64     `json:"docs_written"`
	DocWriteFailures      *int64     `json:"doc_write_failures"`
	RevisionsChecked      *int64     `json:"revisions_checked"`
	MissingRevisionsFound *int64     `json:"missing_revisions_found"`
	ChangesPending        *int64     `json:"changes_pending"`
	BulkGetDocs           *int64     `json:"bulk_get_docs"`
	BulkGetAttempts       *int64     `json:"bulk_get_attempts"`
	SourceSeq             *string    `json:"source_seq"`
	ThroughSeq            *string    `json:"through_seq"`
	CheckpointedSourceSeq *string    `json:"checkpointed_source_seq"`
	LastUpdated           *time.Time `json:"last_updated"`
	StartTime             *time.Time `json:"start_time"`
	PID                   *string    `json:"pid"`
	User                  *string    `json:"user"`
	Active                *bool      `json:"active"`
}

// given is a value that the server gave, nil where it did not.
func given[T any](r *snapshot.Replication, f snapshot.Field, value T) *T {
	if !r.Has(f) {
		return nil
	}
	return &value
}

func newReplication(at row) replication {
	r := at.Replication
	return replication{
		Server: at.server, Database: r.Database, DocID: r.DocID, SeenAt: at.seen, WatchedBy: at.watcher,
		ID: given(r, snapshot.FieldID, r.ID), Node: given(r, snapshot.FieldNode, r.Node),
		Source: given(r, snapshot.FieldSource, r.Source), Target: given(r, snapshot.FieldTarget, r.Target),
		State: given(r, snapshot.FieldState, string(r.State)), ErrorCount: given(r, snapshot.FieldErrorCount, r.ErrorCount),
		Error: given(r, snapshot.FieldError, r.Error), Continuous: given(r, snapshot.FieldContinuous, r.Continuous),
		DocsRead: given(r, snapshot.FieldDocsRead, r.DocsRead), DocsWritten: given(r, snapshot.FieldDocsWritten, r.DocsWritten),
		DocWriteFailures:      given(r, snapshot.FieldDocWriteFailures, r.DocWriteFailures),
		RevisionsChecked:      given(r, snapshot.FieldRevisionsChecked, r.RevisionsChecked),
		MissingRevisionsFound: given(r, snapshot.FieldMissingRevisionsFound, r.MissingRevisionsFound),
		ChangesPending:        given(r, snapshot.FieldChangesPending, r.ChangesPending),
		BulkGetDocs:           given(r, snapshot.FieldBulkGetDocs, r.BulkGetDocs),
		BulkGetAttempts:       given(r, snapshot.FieldBulkGetAttempts, r.BulkGetAttempts),
		SourceSeq:             given(r, snapshot.FieldSourceSeq, r.SourceSeq), ThroughSeq: given(r, snapshot.FieldThroughSeq, r.ThroughSeq),
		CheckpointedSourceSeq: given(r, snapshot.FieldCheckpointedSourceSeq, r.CheckpointedSourceSeq),
		LastUpdated:           given(r, snapshot.FieldLastUpdated, r.LastUpdated), StartTime: given(r, snapshot.FieldStartTime, r.StartTime),
		PID: given(r, snapshot.FieldPID, r.PID), User: given(r, snapshot.FieldUser, r.User), Active: given(r, snapshot.FieldActive, r.Active),
	}
}

type replicationList struct {
	Replications []replication `json:"replications"`
	Total        int           `json:"total"`       // of those that fit
	NextCursor   *string       `json:"next_cursor"` // null on the last page
}

func (s *Server) listReplications(r *request) (any, error) {
	limit, err := r.limit()
	if err != nil {
		return nil, err
	}
	after, err := r.cursor(3)
	if err != nil {
		return nil, err
	}
	f := rowFilter{server: r.get("server"), database: r.get("database"), docID: r.get("doc_id"), state: r.get("state"), text: r.get("text")}
	s.Replicas.Show(r.Context(), true)
	rows := f.rows(s.Board.Views(), s.Replicas.Name())
	list := replicationList{Total: len(rows), Replications: []replication{}}
	if after != nil {
		last := row{Replication: &snapshot.Replication{Key: snapshot.Key{Database: after[1], DocID: after[2]}}, server: after[0]}
		i, found := slices.BinarySearchFunc(rows, last, func(a, b row) int { return a.compare(&b) })
		if found {
			i++
		}
		rows = rows[i:]
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := &rows[limit-1]
		list.NextCursor = newCursor(last.server, last.Database, last.DocID)
	}
	for _, one := range rows {
		list.Replications = append(list.Replications, newReplication(one))
	}
	return list, nil
}

// newCursor packs where a page ended. Nobody need know how.
func newCursor(parts ...string) *string {
	text := base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, "\xff")))
	return &text
}

// cursor unpacks one of n parts; nil where none was given.
func (r *request) cursor(n int) ([]string, error) {
	text := r.get(cursorParam.name)
	if text == "" {
		return nil, nil
	}
	packed, err := base64.RawURLEncoding.DecodeString(text)
	parts := strings.Split(string(packed), "\xff")
	if err != nil || len(parts) != n {
		return nil, &failure{http.StatusBadRequest, "this is not a cursor of this list"}
	}
	return parts, nil
}
