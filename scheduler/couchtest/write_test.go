package couchtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler/couchtest"
)

// send sends a request and returns its status, and revision or reason.
func (w *world) send(method, path, body string) (status int, text string) {
	w.t.Helper()
	req, err := http.NewRequest(method, "http://couchdb"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Rev, Reason string }
	json.NewDecoder(res.Body).Decode(&answer)
	return res.StatusCode, answer.Rev + answer.Reason
}

const oneshot = `{"source":"http://far.example.com/a","target":"http://far.example.com/b"}`

func TestWritingADocument(t *testing.T) {
	w := newWorld(t, couchtest.Options{Manual: true})
	status, first := w.send("PUT", "/_replicator/a", oneshot)
	if status != 201 || !strings.HasPrefix(first, "1-") {
		t.Fatalf("PUT of a new document: got %d %s, want 201 and revision 1", status, first)
	}
	status, second := w.send("PUT", "/_replicator/a?rev="+first, oneshot)
	if status != 201 || !strings.HasPrefix(second, "2-") {
		t.Fatalf("PUT with the revision: got %d %s, want 201 and revision 2", status, second)
	}
	const conflict = "Document update conflict."
	tests := []struct {
		name, method, path, body string
		status                   int
		text                     string
	}{
		{"without the revision", "PUT", "/_replicator/a", oneshot, 409, conflict},
		{"with an old revision", "PUT", "/_replicator/a?rev=" + first, oneshot, 409, conflict},
		{"a new one with a revision", "PUT", "/_replicator/new?rev=" + first, oneshot, 409, conflict},
		{"with an old revision in the body", "PUT", "/_replicator/a", `{"_rev":"` + first + `"}`, 403, "Missing replicator database"},
		{"without a source", "PUT", "/_replicator/new", `{"target":"http://x/b"}`, 403, "Missing replicator database"},
		{"that is no JSON", "PUT", "/_replicator/new", `{`, 400, "invalid UTF-8 JSON"},
		{"deleting without the revision", "DELETE", "/_replicator/a", "", 409, conflict},
		{"deleting what was never there", "DELETE", "/_replicator/new", "", 404, "missing"},
		{"reading what was never there", "GET", "/_replicator/new", "", 404, "missing"},
		{"in a database that is not there", "PUT", "/team%2F_replicator/a", oneshot, 404, "Database does not exist."},
		{"with a method that does not exist", "PATCH", "/_replicator/a", "", 405, "Only DELETE,GET,HEAD,PUT allowed"},
	}
	for _, tt := range tests {
		if status, text := w.send(tt.method, tt.path, tt.body); status != tt.status || text != tt.text {
			t.Errorf("%s: got %d %s, want %d %s", tt.name, status, text, tt.status, tt.text)
		}
	}
	if status, text := w.send("DELETE", "/_replicator/a?rev="+second, ""); status != 200 || !strings.HasPrefix(text, "3-") {
		t.Errorf("DELETE: got %d %s, want 200 and revision 3", status, text)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if status, text := w.send(method, "/_replicator/a", ""); status != 404 || text != "deleted" {
			t.Errorf("%s of the deleted document: got %d %s, want 404 deleted", method, status, text)
		}
	}
	if status, text := w.send("PUT", "/_replicator/a", oneshot); status != 201 || !strings.HasPrefix(text, "4-") {
		t.Errorf("PUT of the deleted document: got %d %s, want 201 and revision 4", status, text)
	}
}

func TestADocumentIsReadAsItWasWritten(t *testing.T) {
	w := newWorld(t, couchtest.Options{Manual: true})
	w.send("PUT", "/_replicator/a", `{"target":{"url":"http://h/b","headers":{"X":"1"}},"source":"http://u:p@h/a","x":[1, 2],"_replication_state_time":"gone"}`)
	var got json.RawMessage
	w.get("/_replicator/a", &got)
	rev := w.revision("a")
	want := `{"_id":"a","_rev":"` + rev + `","target":{"url":"http://h/b","headers":{"X":"1"}},"source":"http://u:p@h/a","x":[1, 2],"owner":"admin"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

func (w *world) revision(id string) string {
	var doc struct {
		Rev string `json:"_rev"`
	}
	w.get("/_replicator/"+id, &doc)
	return doc.Rev
}

func TestAWrittenDocumentLives(t *testing.T) {
	strip := func(w *world, id string, seconds ...float64) string {
		var states []string
		begin := w.srv.Now()
		for _, s := range seconds {
			w.srv.Advance(begin.Add(time.Duration(s * float64(time.Second))).Sub(w.srv.Now()))
			var row struct {
				State      *string
				ErrorCount int `json:"error_count"`
				Info       *struct {
					DocsWritten int `json:"docs_written"`
				}
			}
			if res := w.get("/_scheduler/docs/_replicator/"+id, &row); res.StatusCode == 404 {
				states = append(states, "404")
				continue
			}
			text := "null"
			if row.State != nil {
				text = *row.State
			}
			if row.ErrorCount > 0 {
				text += fmt.Sprintf(" errors=%d", row.ErrorCount)
			}
			if row.Info != nil && row.Info.DocsWritten > 0 {
				text += fmt.Sprintf(" %d", row.Info.DocsWritten)
			}
			states = append(states, text)
		}
		return strings.Join(states, ", ")
	}
	tests := []struct {
		name    string
		body    string
		seconds []float64
		want    string
	}{
		{"once, from another server", oneshot, []float64{0, 0.2, 1, 3, 5.9, 6}, "null, initializing, running, running 200, running 490, completed 500"},
		{"for ever", `{"source":"http://far.example.com/a","target":"http://x/b","continuous":true}`, []float64{0, 1, 3, 60}, "null, running, running 200, running 500"},
		{"from a database of this server", `{"source":"http://127.0.0.1:5984/orders","target":"http://x/b"}`, []float64{1, 2, 2.3}, "running, running 100, completed 120"},
		{"from one that is not there", `{"source":"http://127.0.0.1:5984/nothing","target":"http://x/b"}`, []float64{1, 32, 100}, "crashing errors=1, crashing errors=2, crashing errors=3"},
		{"as a duplicate", `{"source":"http://127.0.0.1:5984/orders","target":"http://127.0.0.1:5984/orders_copy","continuous":true}`, []float64{0.5, 1}, "initializing, failed errors=1"},
		{"failed by hand", `{"_replication_state":"failed","source":"http://x/a","target":"http://x/b"}`, []float64{0, 60}, "failed errors=1, failed errors=1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, couchtest.Options{})
			w.srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running, Docs: 120})
			if status, text := w.send("PUT", "/_replicator/new", tt.body); status != 201 {
				t.Fatalf("PUT: got %d %s, want 201", status, text)
			}
			if got := strip(w, "new", tt.seconds...); got != tt.want {
				t.Errorf("states at %v s: got %s, want %s", tt.seconds, got, tt.want)
			}
		})
	}
	t.Run("and is tried again when the source comes", func(t *testing.T) {
		w := newWorld(t, couchtest.Options{})
		w.send("PUT", "/_replicator/new", `{"source":"http://127.0.0.1:5984/late","target":"http://x/b","continuous":true}`)
		w.srv.Advance(10 * time.Second)
		if status, _ := w.send("PUT", "/late", ""); status != 201 {
			t.Fatalf("PUT /late: got %d, want 201", status)
		}
		if got, want := strip(w, "new", 0, 21), "crashing errors=1, running errors=1"; got != want {
			t.Errorf("states: got %s, want %s", got, want)
		}
	})
	t.Run("until it is deleted or moved by hand", func(t *testing.T) {
		w := newWorld(t, couchtest.Options{})
		_, rev := w.send("PUT", "/_replicator/new", oneshot)
		w.send("PUT", "/_replicator/other", strings.Replace(oneshot, "/b", "/c", 1))
		w.send("DELETE", "/_replicator/new?rev="+rev, "")
		w.srv.Doc("_replicator", "other").Fail("by a test")
		w.srv.Advance(time.Minute)
		if got, want := strip(w, "new", 0)+" "+strip(w, "other", 0), "404 failed errors=1"; got != want {
			t.Errorf("states: got %s, want %s", got, want)
		}
	})
}

func TestOddIDsRoundTrip(t *testing.T) {
	w := newWorld(t, couchtest.Options{Manual: true})
	ids := []string{"a/b", "a+b", "a b", "100%", "søren ☃", "a%2Fb", `quote"d`, `back\slash`, "?q=1&x=2", "#frag", "a:b@c", "tab\there", "日本"}
	for _, id := range ids {
		path := strings.ReplaceAll(url.PathEscape(id), "+", "%2B")
		if status, text := w.send("PUT", "/_replicator/"+path, oneshot); status != 201 {
			t.Errorf("PUT %q: got %d %s, want 201", id, status, text)
		}
		var row struct {
			DocID string `json:"doc_id"`
		}
		if w.get("/_scheduler/docs/_replicator/"+path, &row); row.DocID != id {
			t.Errorf("row of %q: got doc_id %q", id, row.DocID)
		}
		var doc struct {
			ID string `json:"_id"`
		}
		if w.get("/_replicator/"+path, &doc); doc.ID != id {
			t.Errorf("document %q: got _id %q", id, doc.ID)
		}
	}
	var f feed
	w.get("/_replicator/_changes", &f)
	var got []string
	for _, r := range f.Results {
		got = append(got, r.ID)
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("ids in _changes (-want +got):\n%s", diff)
	}
}

func TestADesignDocumentIsNoReplication(t *testing.T) {
	w := newWorld(t, couchtest.Options{})
	w.srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
	if status, text := w.send("PUT", "/_replicator/_design/v", `{"views":{}}`); status != 201 {
		t.Fatalf("PUT: got %d %s, want 201", status, text)
	}
	w.srv.Advance(time.Minute)
	var list struct {
		TotalRows int `json:"total_rows"`
		Docs      []struct{}
	}
	if w.get("/_scheduler/docs", &list); list.TotalRows != 2 || len(list.Docs) != 1 {
		t.Errorf("list: got total_rows %d with %d rows, want 2 with 1", list.TotalRows, len(list.Docs))
	}
	var row struct{ State, Source *string }
	if res := w.get("/_scheduler/docs/_replicator/_design%2Fv", &row); res.StatusCode != 200 || row.State != nil || row.Source != nil {
		t.Errorf("row: got %d %v %v, want 200 with state and source null", res.StatusCode, row.State, row.Source)
	}
	var all []string
	if w.get("/_all_dbs", &all); len(all) != 3 {
		t.Errorf("databases: got %v, want _replicator, _users and orders", all)
	}
}

func TestDatabases(t *testing.T) {
	w := newWorld(t, couchtest.Options{Databases: []string{"team/_replicator"}})
	w.srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
	steps := []struct {
		method, path string
		status       int
		all          string
	}{
		{"GET", "/_all_dbs", 200, "_replicator _users orders team/_replicator"},
		{"PUT", "/eu%2F_replicator", 201, "_replicator _users eu/_replicator orders team/_replicator"},
		{"PUT", "/eu%2F_replicator", 412, "_replicator _users eu/_replicator orders team/_replicator"},
		{"GET", "/eu%2F_replicator", 200, "_replicator _users eu/_replicator orders team/_replicator"},
		{"DELETE", "/team%2F_replicator", 200, "_replicator _users eu/_replicator orders"},
		{"GET", "/_scheduler/docs/team/_replicator", 404, "_replicator _users eu/_replicator orders"},
		{"DELETE", "/orders", 200, "_replicator _users eu/_replicator"},
		{"GET", "/orders/_changes", 404, "_replicator _users eu/_replicator"},
		{"DELETE", "/_replicator", 200, "_users eu/_replicator"},
		{"GET", "/_scheduler/docs", 404, "_users eu/_replicator"},
	}
	for _, step := range steps {
		if got, _ := w.send(step.method, step.path, ""); got != step.status {
			t.Errorf("%s %s: got %d, want %d", step.method, step.path, got, step.status)
		}
		var all []string
		w.get("/_all_dbs", &all)
		if got := strings.Join(all, " "); got != step.all {
			t.Errorf("databases after %s %s: got %s, want %s", step.method, step.path, got, step.all)
		}
	}
	var jobs struct{ Jobs []struct{} }
	if w.get("/_scheduler/jobs", &jobs); len(jobs.Jobs) != 0 {
		t.Errorf("jobs after their database was deleted: got %d, want none", len(jobs.Jobs))
	}
}
