package scheduler_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
)

func TestRecordKeepsWhatTheServerWrote(t *testing.T) {
	_, _, docs := load("docs-all")
	_, _, team := load("docs-db-team-escaped")
	_, _, jobs := load("jobs-all")
	_, _, tasks := load("active-tasks")
	at := time.Date(2026, 11, 24, 7, 12, 24, 0, time.UTC)
	for _, test := range []struct {
		name      string
		databases []string
		want      string
	}{
		{"the documents of the one database that every server has", nil, string(docs)},
		{
			"those of several by their names",
			[]string{"_replicator", "team/_replicator"},
			`{"_replicator":` + string(docs) + `,"team/_replicator":` + string(team) + `}`,
		},
		{"those of another by its name", []string{"team/_replicator"}, `{"team/_replicator":` + string(team) + `}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newCouch(map[string]any{teamDocs: "docs-db-team-escaped"})
			line := serve(t, s, scheduler.Spec{ReplicatorDBs: test.databases}).Record(t.Context(), at)
			if !line.T.Equal(at) || line.Server != "prod" || line.Error != "" {
				t.Errorf("Record: got %q at %v with error %q, want prod at %v", line.Server, line.T, line.Error, at)
			}
			for part, bodies := range map[string]struct{ got, want []byte }{
				"docs":         {line.Docs, []byte(test.want)},
				"jobs":         {line.Jobs, jobs},
				"active tasks": {line.ActiveTasks, tasks},
			} {
				if got, want := compact(t, bodies.got), compact(t, bodies.want); got != want {
					t.Errorf("Record: got %s\n%s\nwant\n%s", part, got, want)
				}
			}
		})
	}
}

// compact is the body without the line feeds between rows.
func compact(t *testing.T, body []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, body); err != nil {
		t.Fatalf("compact %s: %v", body, err)
	}
	return b.String()
}

func TestRecordReadsAsTheSnapshotOfTheSameLook(t *testing.T) {
	s := newCouch(map[string]any{teamDocs: "docs-db-team-escaped", allDBs: text(200, "application/json", `["team/_replicator"]`)})
	c := serve(t, s, scheduler.Spec{ReplicatorDBs: []string{"_replicator", "*/_replicator"}})
	at := time.Date(2026, 11, 24, 7, 12, 24, 0, time.UTC)
	snap := c.Read(t.Context(), at, nil)
	recorded, err := c.Record(t.Context(), at).Snapshot(nil)
	if err != nil {
		t.Fatalf("Snapshot of the recorded line: %v", err)
	}
	if !reflect.DeepEqual(snap.Replications, recorded.Replications) {
		t.Errorf("replications (-read +recorded):\n%s", cmp.Diff(snap.Replications, recorded.Replications))
	}
}

func TestRecordOfALookThatFailed(t *testing.T) {
	_, _, whole := load("jobs-all")
	cut := func(w http.ResponseWriter, r *http.Request) {
		w.Write(whole[:2000])
		panic(http.ErrAbortHandler)
	}
	for _, test := range []struct {
		name    string
		answers map[string]any
		error   string
		tasks   bool
	}{
		{
			"documents that cannot be read",
			map[string]any{docsRequest: text(500, "application/json", `{"error":"internal","reason":"no"}`)},
			"GET /_scheduler/docs/_replicator of prod: 500 internal: no", false,
		},
		{
			"jobs that are cut off",
			map[string]any{allJobs: http.HandlerFunc(cut)},
			"read jobs: GET /_scheduler/jobs of prod: the answer was cut short: unexpected EOF", false,
		},
		{
			"jobs that end early",
			map[string]any{allJobs: text(200, "application/json", string(whole[:2000]))},
			"read jobs: the answer is not JSON, or not all of it", false,
		},
		{"jobs that are cut off once", map[string]any{allJobs: inOrder(cut, playing("jobs-all"))}, "", true},
		{"tasks that cannot be read are left out", map[string]any{tasksRequest: text(404, "text/html", "<html>")}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := bubble(t, newCouch(test.answers), scheduler.Spec{}).Record(t.Context(), time.Now())
				if line.Error != test.error {
					t.Errorf("Record: got error %q, want %q", line.Error, test.error)
				}
				if bodies := line.Docs != nil && line.Jobs != nil; bodies != (test.error == "") {
					t.Errorf("Record: got bodies %v beside error %q", bodies, line.Error)
				}
				if tasks := line.ActiveTasks != nil; tasks != test.tasks {
					t.Errorf("Record: got tasks %v, want %v", tasks, test.tasks)
				}
			})
		})
	}
}
