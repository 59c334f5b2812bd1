package web

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/snapshot"
	"watchdog/store"
)

// operations are the whole API.
var operations = []operation{
	{
		method: "GET", path: "/api/v1/alerts", id: "listAlerts", summary: "What is pending and firing, the worst first.",
		params: []param{
			{name: "server", help: "of one server"},
			{name: "rule", help: "of one rule"},
			{name: "severity", help: "of one severity", words: alert.Severities()},
			{name: "status", help: "of one status", words: []string{string(alert.StatusPending), string(alert.StatusFiring)}},
		},
		status: http.StatusOK, answer: alertList{}, do: (*Server).listAlerts,
	},
	{
		method: "GET", path: "/api/v1/replications", id: "listReplications", summary: "All replications as the last whole look showed them, by server, database and document.",
		params: []param{
			{name: "server", help: "of one server"},
			{name: "database", help: "of one replicator database"},
			{name: "state", help: "in one state", words: urgencies},
			{name: "text", help: "part of a name, an address or an error, whatever its case"},
			limitParam, cursorParam,
		},
		status: http.StatusOK, answer: replicationList{}, do: (*Server).listReplications,
	},
	{
		method: "GET", path: "/api/v1/checks", id: "listChecks", summary: "Servers and their checks: how the last run went, and when the next is due.",
		status: http.StatusOK, answer: serverList{}, do: (*Server).listChecks,
	},
	{
		method: "POST", path: "/api/v1/checks/{server}/{check}/run", id: "runCheck", summary: "Make a check run now.",
		params: []param{{name: "server", help: "the server's name", path: true}, {name: "check", help: "the check's name", path: true}},
		status: http.StatusAccepted, answer: accepted{}, fails: []int{http.StatusNotFound}, do: (*Server).runCheck,
	},
	{
		method: "GET", path: "/api/v1/deliveries", id: "listDeliveries", summary: "What is on its way to people, and what became of it, the latest first.",
		params: []param{
			{name: "sink", help: "to one sink"},
			{name: "status", help: "in one status", words: []string{string(store.Queued), string(store.Retrying), string(store.Sent), string(store.Dead)}},
			limitParam, cursorParam,
		},
		status: http.StatusOK, answer: deliveryList{}, do: (*Server).listDeliveries,
	},
	{
		method: "POST", path: "/api/v1/deliveries/{id}/retry", id: "retryDelivery", summary: "Queue a dead delivery again.",
		params: []param{{name: "id", help: "the delivery's id", path: true}},
		status: http.StatusAccepted, answer: accepted{}, fails: []int{http.StatusNotFound, http.StatusConflict}, do: (*Server).retryDelivery,
	},
	{
		method: "GET", path: "/api/v1/transitions", id: "listTransitions", summary: "What happened, the latest first.",
		params: []param{
			{name: "server", help: "of one server"},
			{name: "database", help: "of one replicator database"},
			{name: "doc_id", help: "of one document"},
			{name: "rule", help: "of one rule"},
			limitParam, cursorParam,
		},
		status: http.StatusOK, answer: transitionList{}, do: (*Server).listTransitions,
	},
	{
		method: "GET", path: "/api/v1/events", id: "streamEvents",
		summary: "What happens, as it happens: transition, board (a server was looked at) and delivery, as server-sent events.",
		status:  http.StatusOK, kind: "text/event-stream", fails: []int{http.StatusServiceUnavailable}, serve: (*Server).serveEvents,
	},
}

// listedAlert is an alert as it is listed.
type listedAlert struct {
	alert.Alert
	MutedBy []string `json:"muted_by"` // the names of what keeps it from being told
}

type alertList struct {
	Alerts []listedAlert `json:"alerts"`
}

func (s *Server) listAlerts(r *request) (any, error) {
	list := alertList{Alerts: []listedAlert{}}
	for _, a := range s.Board.Alerts() {
		fits := true
		for name, value := range map[string]string{
			"server": a.Server, "rule": a.Rule, "severity": a.Severity.String(), "status": string(a.Status),
		} {
			fits = fits && (r.get(name) == "" || r.get(name) == value)
		}
		if fits {
			a.URL = s.link(a.Fingerprint)
			list.Alerts = append(list.Alerts, listedAlert{a, []string{}})
		}
	}
	return list, nil
}

// link leads to an alert on the page.
func (s *Server) link(fingerprint string) string {
	if s.ExternalURL == "" {
		return ""
	}
	return s.ExternalURL + "/#" + fingerprint
}

// replication is a row as the API writes it. What the server did not give is null.
type replication struct {
	Server                string     `json:"server"`
	Database              string     `json:"database"`
	DocID                 string     `json:"doc_id"`
	SeenAt                time.Time  `json:"seen_at"`
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
		Server: at.server, Database: r.Database, DocID: r.DocID, SeenAt: at.seen,
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
	f := rowFilter{server: r.get("server"), database: r.get("database"), state: r.get("state"), text: r.get("text")}
	rows := f.rows(s.Board.Views())
	list := replicationList{Total: len(rows), Replications: []replication{}}
	if after != nil {
		last := row{&snapshot.Replication{Key: snapshot.Key{Database: after[1], DocID: after[2]}}, after[0], time.Time{}}
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

type serverList struct {
	Servers []server `json:"servers"`
}

type server struct {
	Name string `json:"name"`
	// Up: the last look was whole. Null before the first.
	Up           *bool          `json:"up"`
	Error        string         `json:"error"`
	FailingSince *time.Time     `json:"failing_since"`
	LookedAt     *time.Time     `json:"looked_at"`
	Version      string         `json:"version"`
	Replications map[string]int `json:"replications"` // by state
	Checks       []check        `json:"checks"`
}

type check struct {
	Name     string     `json:"name"`
	LastRun  *time.Time `json:"last_run"`
	NextRun  *time.Time `json:"next_run"`
	LastGood *time.Time `json:"last_good"`
	// Duration is of the last run, in seconds.
	Duration float64 `json:"duration"`
	Runs     int     `json:"runs"`
	Failures int     `json:"failures"`
	Error    string  `json:"error"`
}

func (s *Server) listChecks(*request) (any, error) {
	list := serverList{Servers: []server{}}
	for _, v := range s.Board.Views() {
		one := server{Name: v.Server, FailingSince: when(v.FailingSince), Replications: map[string]int{}, Checks: []check{}}
		if v.Looked != nil {
			up := !v.Looked.Failed()
			one.Up, one.LookedAt, one.Version, one.Error = &up, &v.Looked.At, v.Looked.Version, message(v.Looked.Err())
		}
		if v.Seen != nil {
			one.Replications = countStates(v.Seen)
		}
		for i := range v.Checks {
			c := &v.Checks[i]
			one.Checks = append(one.Checks, check{
				Name: c.Name, LastRun: when(c.Began), NextRun: when(c.Next), LastGood: when(c.LastGood),
				Duration: c.Elapsed.Seconds(), Runs: c.Runs, Failures: c.Failures, Error: message(c.Err),
			})
		}
		list.Servers = append(list.Servers, one)
	}
	return list, nil
}

// when is a time, nil where there is none.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// accepted is the answer to what is done a little later.
type accepted struct {
	Status string `json:"status"`
}

func (s *Server) runCheck(r *request) (any, error) {
	server, name := r.get("server"), r.get("check")
	if !s.ComeDue(server, name) {
		return nil, &failure{http.StatusNotFound, fmt.Sprintf("there is no check %q of a server %q", name, server)}
	}
	return accepted{"due"}, nil
}

type deliveryList struct {
	Deliveries []store.Delivery `json:"deliveries"`
	NextCursor *string          `json:"next_cursor"` // null on the last page
}

func (s *Server) listDeliveries(r *request) (any, error) {
	limit, err := r.limit()
	if err != nil {
		return nil, err
	}
	f := store.DeliveryFilter{Sink: r.get("sink"), Limit: limit + 1}
	if status := r.get("status"); status != "" {
		f.Statuses = []store.Status{store.Status(status)}
	}
	after, err := r.cursor(1)
	if err != nil {
		return nil, err
	}
	if after != nil {
		f.Before = after[0]
	}
	found, err := s.Archive.Deliveries(r.Context(), f)
	if err != nil {
		return nil, err
	}
	list := deliveryList{Deliveries: append([]store.Delivery{}, found...)}
	if len(found) > limit {
		list.Deliveries = list.Deliveries[:limit]
		list.NextCursor = newCursor(found[limit-1].ID)
	}
	return list, nil
}

func (s *Server) retryDelivery(r *request) (any, error) {
	id := r.get("id")
	found, err := s.Archive.Deliveries(r.Context(), store.DeliveryFilter{ID: id})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, &failure{http.StatusNotFound, fmt.Sprintf("there is no delivery %q", id)}
	case found[0].Status != store.Dead:
		return nil, &failure{http.StatusConflict, fmt.Sprintf("delivery %s is %s: only a dead one can be tried again by hand", id, found[0].Status)}
	}
	if err := s.Archive.RetryDead(context.WithoutCancel(r.Context()), time.Now(), id); err != nil {
		return nil, err
	}
	s.feed.attempted(found[0].Sink, string(store.Queued))
	return accepted{"queued"}, nil
}

type transitionList struct {
	Transitions []alert.Transition `json:"transitions"`
	NextCursor  *string            `json:"next_cursor"` // null on the last page
}

// listTransitions goes on by the time where a page ended, and how many of that time it showed:
// all transitions of one decision have the same.
func (s *Server) listTransitions(r *request) (any, error) {
	limit, err := r.limit()
	if err != nil {
		return nil, err
	}
	f := store.TransitionFilter{Server: r.get("server"), Database: r.get("database"), DocID: r.get("doc_id"), Rule: r.get("rule"), Limit: limit + 1}
	after, err := r.cursor(2)
	if err != nil {
		return nil, err
	}
	shown := 0
	var last time.Time
	if after != nil {
		micros, badTime := strconv.ParseInt(after[0], 10, 64)
		n, badNumber := strconv.Atoi(after[1])
		if badTime != nil || badNumber != nil || n < 0 {
			return nil, &failure{http.StatusBadRequest, "this is not a cursor of this list"}
		}
		last, shown = time.UnixMicro(micros), n
		f.Until, f.Limit = last.Add(time.Microsecond), limit+1+shown
	}
	found, err := s.Archive.Transitions(r.Context(), f)
	if err != nil {
		return nil, err
	}
	found = found[min(shown, len(found)):]
	list := transitionList{Transitions: append([]alert.Transition{}, found...)}
	if len(found) > limit {
		list.Transitions = list.Transitions[:limit]
		list.NextCursor = transitionCursor(list.Transitions, last, shown)
	}
	return list, nil
}

func transitionCursor(page []alert.Transition, before time.Time, shown int) *string {
	at := page[len(page)-1].At
	same := 0
	for i := len(page) - 1; i >= 0 && page[i].At.Equal(at); i-- {
		same++
	}
	if at.Equal(before) {
		same += shown
	}
	return newCursor(strconv.FormatInt(at.UnixMicro(), 10), strconv.Itoa(same))
}

// message is what an error says, "" for none.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
