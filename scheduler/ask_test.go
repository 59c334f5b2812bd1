package scheduler_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

func TestAskEscapesOddIDs(t *testing.T) {
	for recording, test := range map[string]struct{ database, id, request string }{
		"doc-odd-colon":      {"_replicator", "odd:colon@at", "odd:colon@at"},
		"doc-odd-literal-2F": {"_replicator", "odd%2Fpct", "odd%252Fpct"},
		"doc-odd-percent":    {"_replicator", "odd100%", "odd100%25"},
		"doc-odd-plus":       {"_replicator", "odd+plus", "odd%2Bplus"},
		"doc-odd-query":      {"_replicator", "odd?q=1&x=2", "odd%3Fq=1&x=2"},
		"doc-odd-quote":      {"_replicator", `odd"quote`, "odd%22quote"},
		"doc-odd-slash":      {"_replicator", "odd/slash", "odd%2Fslash"},
		"doc-odd-space":      {"_replicator", "odd with space", "odd%20with%20space"},
		"doc-odd-unicode":    {"_replicator", "odd søren ☃", "odd%20s%C3%B8ren%20%E2%98%83"},
		"doc-team-odd":       {"team/_replicator", "a/b c", "a%2Fb%20c"},
	} {
		t.Run(recording, func(t *testing.T) {
			database := strings.ReplaceAll(test.database, "/", "%2F")
			s := newCouch(map[string]any{"GET /_scheduler/docs/" + database + "/" + test.request: recording})
			key := snapshot.Key{Database: test.database, DocID: test.id}
			answer, err := serve(t, s, scheduler.Spec{}).Ask(t.Context(), key)
			if err != nil {
				t.Fatalf("Ask(%v): %v; the requests were %v", key, err, s.requests())
			}
			if answer.Missing || answer.Replication == nil || answer.Replication.Key != key {
				t.Errorf("Ask(%v): got %+v, want the replication", key, answer)
			}
		})
	}
}

func TestAskForATransientJob(t *testing.T) {
	const id = "facd9fcaae0024404eed701c41809a19+continuous"
	s := newCouch(map[string]any{"GET /_scheduler/jobs/facd9fcaae0024404eed701c41809a19%2Bcontinuous": "job-transient"})
	key := snapshot.Key{Database: snapshot.TransientDatabase, DocID: id}
	answer, err := serve(t, s, scheduler.Spec{}).Ask(t.Context(), key)
	if err != nil || answer.Replication == nil || answer.Replication.ID != id {
		t.Errorf("Ask: got %+v, %v, want the job; the requests were %v", answer, err, s.requests())
	}
}

func TestAskWhatIsNotThere(t *testing.T) {
	for _, test := range []struct {
		name    string
		answer  http.HandlerFunc
		missing bool
		err     string
	}{
		{"a document that does not exist is missing", playing("doc-missing"), true, ""},
		{"so is one whose database does not exist", playing("docs-db-unknown"), true, ""},
		{
			"a proxy's page is an error", text(404, "text/html", "<html>Not Found"), false,
			"404 Not Found: answered HTML, not JSON: is this CouchDB? (text/html)",
		},
		{
			"a proxy's page in the name of JSON is an error", text(404, "application/json", "<html>Not Found"), false,
			"404 Not Found: answered HTML, not JSON: is this CouchDB? (application/json)",
		},
		{"a gateway's JSON is an error", text(404, "application/json", `{"error":"Not Found","status":404}`), false, "404 Not Found"},
		{
			"an empty 404 is an error", text(404, "application/json", ``), false,
			"404 Not Found: answered something else than CouchDB would: is this CouchDB? (application/json)",
		},
		{"a server without a scheduler is an error", playing("scheduler-unknown"), false, "404 not found"},
		{
			"a server that is gone is an error", text(503, "text/plain", `no upstream`), false,
			"503 Service Unavailable: answered something else than CouchDB would: is this CouchDB? (text/plain)",
		},
		{
			"a page in place of the row is an error", text(200, "text/html", "<html>Welcome"), false,
			"200 OK: answered HTML, not JSON: is this CouchDB? (text/html)",
		},
		{
			"a row that is too long is an error", text(200, "application/json", `"`+strings.Repeat("x", 2<<20)), false,
			"the answer is longer than 1048576 bytes",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := bubble(t, newCouch(map[string]any{oneDoc: test.answer}), scheduler.Spec{})
				answer, err := c.Ask(t.Context(), oneKey)
				if answer.Missing != test.missing || answer.Replication != nil {
					t.Errorf("Ask: got %+v, want missing: %v", answer, test.missing)
				}
				got, want := "", test.err
				if err != nil {
					got, want = err.Error(), "GET /_scheduler/docs/_replicator/cont-running of prod: "+test.err
				}
				if got != want {
					t.Errorf("Ask: got error %q, want %q", got, want)
				}
			})
		})
	}
}

func TestAskAgainWhenTheDocumentHasJustBeenCompleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(map[string]any{oneDoc: inOrder(playing("docs-keys"), playing("doc-running"))})
		answer, err := bubble(t, s, scheduler.Spec{}).Ask(t.Context(), oneKey)
		if err != nil || answer.Replication == nil {
			t.Errorf("Ask: got %+v, %v, want the replication at the second try", answer, err)
		}
	})
}

func TestErrorCarriesWhatTheServerSaid(t *testing.T) {
	s := newCouch(map[string]any{oneDoc: "non-admin-docs"})
	_, err := serve(t, s, scheduler.Spec{}).Ask(t.Context(), oneKey)
	e, ok := err.(*scheduler.Error)
	if !ok {
		t.Fatalf("Ask: got %T, want *Error", err)
	}
	got := fmt.Sprintf("%s %s %s %d %q %q %s", e.Method, e.Path, e.Server, e.HTTPStatus(), e.ErrorName, e.Reason, e.RequestID)
	const want = `GET /_scheduler/docs/_replicator/cont-running prod 401 "unauthorized" "You are not a server admin." 2a6ec95647`
	if got != want {
		t.Errorf("Ask: got %s, want %s", got, want)
	}
}

func TestErrorStaysShort(t *testing.T) {
	s := newCouch(map[string]any{oneDoc: text(500, "application/json", `{"error":"oops","reason":"`+strings.Repeat("é", 30_000)+`"}`)})
	_, err := serve(t, s, scheduler.Spec{}).Ask(t.Context(), oneKey)
	if got := fmt.Sprint(err); !strings.HasSuffix(got, "500 oops: "+strings.Repeat("é", 1000)+"…") {
		t.Errorf("Ask: got %d bytes of %.100s, want a thousand characters of the reason", len(got), got)
	}
}
