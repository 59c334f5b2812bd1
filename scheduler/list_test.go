package scheduler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/snapshot"
)

// ids are the rows as "doc_id", "id" where there is no document, and "error".
func ids(rows iter.Seq2[scheduler.Row, error]) string {
	var all []string
	for row, err := range rows {
		if err != nil {
			all = append(all, "error")
			continue
		}
		all = append(all, row.DocID)
	}
	return strings.Join(all, " ")
}

// recordedRows are the rows of a recorded listing, as they stand.
func recordedRows(t *testing.T, recording, list string) []string {
	t.Helper()
	_, _, body := load(recording)
	var listing map[string]json.RawMessage
	var rows []json.RawMessage
	if err := json.Unmarshal(body, &listing); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(listing[list], &rows); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, row := range rows {
		all = append(all, string(row))
	}
	return all
}

func TestRowsAreCouchDBsOwn(t *testing.T) {
	c := serve(t, newCouch(nil), scheduler.Spec{})
	for name, rows := range map[string]iter.Seq2[scheduler.Row, error]{
		"docs": c.Docs(t.Context(), scheduler.ListOptions{}),
		"jobs": c.Jobs(t.Context(), scheduler.ListOptions{}),
	} {
		var got []string
		for row, err := range rows {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = append(got, string(row.JSON))
		}
		if diff := cmp.Diff(recordedRows(t, name+"-all", name), got); diff != "" {
			t.Errorf("%s: the rows differ from what CouchDB wrote (-want +got):\n%s", name, diff)
		}
	}
}

// The answers to the scheduler tests of python-cloudant have these shapes: everything completed,
// the account before the database, times with an offset, jobs without info.
func TestRowsOfCloudant(t *testing.T) {
	docs := `{"total_rows":1,"offset":0,"docs":[{"database":"tomblench/_replicator","doc_id":"296e48244e003eba8764b2156b3bf302",` +
		`"id":null,"source":"https://*****:*****@tomblench.cloudant.com/animaldb/","target":"https://*****:*****@tomblench.cloudant.com/copy/",` +
		`"state":"completed","start_time":null,"last_updated":"2017-04-10T17:32:16+00:00","info":{"docs_read":15}}]}`
	jobs := `{"total_rows":1,"offset":0,"jobs":[{"database":null,"id":"f11e","pid":"<0.1.0>","source":"s","target":"t","user":null,` +
		`"doc_id":null,"history":[{"timestamp":"2017-04-29T05:01:37Z","type":"started"},{"timestamp":"2017-04-29T05:01:37Z","type":"added"}],` +
		`"node":"n","start_time":"2017-04-29T05:01:37Z"},` +
		`{"database":"127/_replicator","id":"g22","pid":null,"doc_id":"mine","history":[]}]}`
	c := serve(t, newCouch(map[string]any{
		"GET /_scheduler/docs/_replicator": text(200, "application/json", docs),
		allJobs:                            text(200, "application/json", jobs),
	}), scheduler.Spec{})
	for row, err := range c.Docs(t.Context(), scheduler.ListOptions{}) {
		if err != nil || row.Path() != "_replicator/296e48244e003eba8764b2156b3bf302" || row.State != snapshot.Completed ||
			row.Has(snapshot.FieldStartTime) || row.LastUpdated.Format("15:04") != "17:32" {
			t.Errorf("Docs: got %s %s, updated %v, error %v", row.Path(), row.State, row.LastUpdated, err)
		}
	}
	if got, want := ids(c.Jobs(t.Context(), scheduler.ListOptions{})), "f11e mine"; got != want {
		t.Errorf("Jobs: got %s, want %s", got, want)
	}
	if got, want := ids(c.Jobs(t.Context(), scheduler.ListOptions{Database: "_replicator"})), "mine"; got != want {
		t.Errorf("Jobs of _replicator, shown with its account: got %s, want %s", got, want)
	}
}

// listed is a server whose design document and states would make CouchDB's own limit lose rows.
func listed(t *testing.T) *scheduler.Client {
	t.Helper()
	srv := couchtest.New(couchtest.Options{Databases: []string{"team/_replicator"}, Manual: true})
	for i := range 6 {
		state := couchtest.Running
		if i%2 == 1 {
			state = couchtest.Failed
		}
		srv.Put("_replicator", fmt.Sprintf("d%d", i), couchtest.Spec{State: state, Error: "no"})
	}
	srv.Put("team/_replicator", "geo", couchtest.Spec{State: couchtest.Crashing, Error: "no"})
	srv.Transient(couchtest.Spec{Source: "s", JobID: "zzz"})
	url, stop, err := srv.Serve("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	req, err := http.NewRequest(http.MethodPut, url+"/_replicator/_design/a", strings.NewReader(`{"language":"javascript"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("PUT a design document: %v, %v", resp, err)
	}
	resp.Body.Close()
	return dial(t, scheduler.Spec{URL: url, ReplicatorDBs: []string{"_replicator", "*/_replicator"}}, nil)
}

func TestDocsOfALimitLoseNothing(t *testing.T) {
	c := listed(t)
	failed := []snapshot.State{snapshot.Failed}
	tests := []struct {
		name string
		o    scheduler.ListOptions
		want string
	}{
		{"all are those of every database", scheduler.ListOptions{}, "d0 d1 d2 d3 d4 d5 geo"},
		{"a design document takes no place of a limit", scheduler.ListOptions{Limit: 2}, "d0 d1"},
		{"skip passes over rows, not documents", scheduler.ListOptions{Skip: 5}, "d5 geo"},
		{"skip and limit are a page", scheduler.ListOptions{Skip: 2, Limit: 3}, "d2 d3 d4"},
		{"a limit counts rows of the wanted states", scheduler.ListOptions{States: failed, Limit: 2}, "d1 d3"},
		{"so does skip", scheduler.ListOptions{States: failed, Skip: 2}, "d5"},
		{"several states", scheduler.ListOptions{States: []snapshot.State{snapshot.Failed, snapshot.Crashing}}, "d1 d3 d5 geo"},
		{"one database", scheduler.ListOptions{Database: "team/_replicator"}, "geo"},
		{"skip past the end is nothing", scheduler.ListOptions{Skip: 100}, ""},
		{"a database that does not exist has none", scheduler.ListOptions{Database: "no/_replicator"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ids(c.Docs(t.Context(), tt.o)); got != tt.want {
				t.Errorf("Docs(%+v): got %s, want %s", tt.o, got, tt.want)
			}
		})
	}
}

func TestJobs(t *testing.T) {
	c := listed(t)
	tests := []struct {
		name string
		o    scheduler.ListOptions
		want int
	}{
		{"all are those of every database and of none", scheduler.ListOptions{}, 5},
		{"one database", scheduler.ListOptions{Database: "team/_replicator"}, 1},
		{"the transient ones", scheduler.ListOptions{Database: snapshot.TransientDatabase}, 1},
		{"the state is what CouchDB derives", scheduler.ListOptions{States: []snapshot.State{snapshot.Crashing}}, 1},
		{"a page", scheduler.ListOptions{Skip: 3, Limit: 9}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			for _, err := range c.Jobs(t.Context(), tt.o) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != tt.want {
				t.Errorf("Jobs(%+v): got %d, want %d", tt.o, n, tt.want)
			}
		})
	}
}

func TestJobsAreMoreThanTheFirstHundred(t *testing.T) {
	srv := couchtest.New(couchtest.Options{})
	for i := range 150 {
		srv.Put("_replicator", fmt.Sprint(i), couchtest.Spec{State: couchtest.Running})
	}
	c := serve(t, srv, scheduler.Spec{})
	n := 0
	for range c.Jobs(t.Context(), scheduler.ListOptions{}) {
		n++
	}
	if n != 150 {
		t.Errorf("Jobs: got %d, want all 150", n)
	}
}

func TestStatesNeverGoWithALimit(t *testing.T) {
	couch := newCouch(map[string]any{"GET /_scheduler/docs/_replicator?states=failed%2Cerror": "docs-all"})
	c := serve(t, couch, scheduler.Spec{})
	o := scheduler.ListOptions{States: []snapshot.State{snapshot.Failed, snapshot.ErrorState}, Limit: 1, Skip: 1}
	for range c.Docs(t.Context(), o) {
	}
	if diff := cmp.Diff([]string{"GET /_scheduler/docs/_replicator?states=failed%2Cerror"}, couch.requests()); diff != "" {
		t.Errorf("Docs(%+v): requests (-want +got):\n%s", o, diff)
	}
}

// broken answers with the first n bytes of a recording and cuts the connection.
func broken(recording string, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _, body := load(recording)
		w.Write(body[:n])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestListingThatBreaksOffIsContinued(t *testing.T) {
	_, _, body := load("docs-all")
	want := recordedRows(t, "docs-all", "docs")
	cut := bytes.Index(body, []byte(`"doc_id":"cont-running"`)) // within a row
	c := serve(t, newCouch(map[string]any{
		"GET /_scheduler/docs/_replicator": inOrder(broken("docs-all", cut), broken("docs-all", cut+10), playing("docs-all")),
	}), scheduler.Spec{})
	var got []string
	for row, err := range c.Docs(t.Context(), scheduler.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(row.JSON))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Docs: rows (-want +got):\n%s", diff)
	}
}

func TestListingIsContinuedFromItsLastRow(t *testing.T) {
	var asked []string
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("start_key"))
		last := r.URL.Query().Get("start_key")
		next := map[string][]string{"": {"a", "b"}, `"b"`: {"b", "c"}, `"c"`: {"c"}}[last]
		io.WriteString(w, `{"total_rows":3,"offset":0,"docs":[`)
		for i, id := range next {
			fmt.Fprintf(w, "%s{\"doc_id\":%q,\"state\":null}", strings.Repeat(",", min(i, 1)), id)
		}
		if last == `"c"` {
			io.WriteString(w, "]}")
			return
		}
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}), scheduler.Spec{})
	if got, want := ids(c.Docs(t.Context(), scheduler.ListOptions{})), "a b c"; got != want {
		t.Errorf("Docs of a server that breaks each answer off: got %s, want %s", got, want)
	}
	if got, want := strings.Join(asked, " "), `   "b" "b" "b" "c"`; got != want {
		t.Errorf("Docs: got start keys %s, want %s", got, want)
	}
}

func TestListingThatGetsNoFurtherIsAnError(t *testing.T) {
	_, _, body := load("docs-all")
	cut := bytes.Index(body, []byte(`"doc_id":"cont-running"`))
	c := serve(t, newCouch(map[string]any{"GET /_scheduler/docs/_replicator": broken("docs-all", cut)}), scheduler.Spec{})
	got := ids(c.Docs(t.Context(), scheduler.ListOptions{}))
	if !strings.HasSuffix(got, " error") || strings.Count(got, "error") != 1 {
		t.Errorf("Docs: got %s, want the rows that came and one error at their end", got)
	}
}

func TestOddRowIsOneErrorWithItsText(t *testing.T) {
	c := serve(t, newCouch(map[string]any{
		"GET /_scheduler/docs/_replicator": text(200, "application/json", `{"docs":[{"doc_id":"a"},{"doc_id":7},{"doc_id":"b"}]}`),
	}), scheduler.Spec{})
	for row, err := range c.Docs(t.Context(), scheduler.ListOptions{}) {
		if err != nil && string(row.JSON) != `{"doc_id":7}` {
			t.Errorf("Docs: got the error %v with %s, want it with its row", err, row.JSON)
		}
	}
	if got, want := ids(c.Docs(t.Context(), scheduler.ListOptions{})), "a error b"; got != want {
		t.Errorf("Docs: got %s, want %s", got, want)
	}
}

func TestRowsComeWhileTheServerStillWrites(t *testing.T) {
	left := make(chan struct{})
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"total_rows":2,"offset":0,"docs":[{"doc_id":"a"},`)
		http.NewResponseController(w).Flush()
		<-r.Context().Done() // nobody reads on
		close(left)
	}), scheduler.Spec{})
	for row, err := range c.Docs(t.Context(), scheduler.ListOptions{Limit: 1}) {
		if err != nil || row.DocID != "a" {
			t.Errorf("Docs: got %v, %v, want a", row.Replication, err)
		}
	}
	<-left
}

func TestDocsOfGlobsThatAreNotKnown(t *testing.T) {
	c := serve(t, newCouch(map[string]any{"GET /_all_dbs": text(500, "application/json", `{"error":"x","reason":"y"}`)}),
		scheduler.Spec{ReplicatorDBs: []string{"_replicator", "*/_replicator"}})
	got := ids(c.Docs(t.Context(), scheduler.ListOptions{}))
	if !strings.Contains(got, "cont-running") || !strings.HasSuffix(got, " error") {
		t.Errorf("Docs where /_all_dbs fails: got %s, want those of _replicator, and an error", got)
	}
}

func TestListingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, newCouch(nil), scheduler.Spec{})
	cancel()
	if got := ids(c.Docs(ctx, scheduler.ListOptions{})); got != "error" {
		t.Errorf("Docs: got %s, want an error", got)
	}
}

func TestDocAndJobByID(t *testing.T) {
	onServers(t, func(t *testing.T, w world) {
		for _, id := range oddIDs {
			if _, err := w.Create(t.Context(), scheduler.Draft{
				ID: id, Continuous: true, CreateTarget: true,
				Source: scheduler.Endpoint{URL: w.source("s-" + strings.Map(plain, id))},
				Target: scheduler.Endpoint{URL: w.prefix + "t-" + strings.Map(plain, id)},
			}); err != nil {
				t.Fatalf("Create(%q): %v", id, err)
			}
			var row scheduler.Row
			for r, err := range w.Follow(t.Context(), id, time.Second) {
				if row = r; err != nil || r.State == snapshot.Running {
					break
				}
			}
			got, err := w.Doc(t.Context(), w.database, id)
			if err != nil || got.DocID != id || !bytes.Contains(got.JSON, []byte(`"doc_id"`)) {
				t.Errorf("Doc(%q): got %s, error %v", id, got.JSON, err)
			}
			job, err := w.Job(t.Context(), row.ID)
			if err != nil || job.DocID != id || job.Database != w.database || job.ID != row.ID {
				t.Errorf("Job(%q): got %s, error %v, want that of %q", row.ID, job.JSON, err, id)
			}
		}
		var none *scheduler.NotFoundError
		if _, err := w.Doc(t.Context(), w.database, "nobody"); !errors.As(err, &none) || err.Error() != "Replication with id nobody not found." {
			t.Errorf("Doc of nobody: got %v", err)
		}
		if _, err := w.Job(t.Context(), "0123456789abcdef"); !errors.As(err, &none) {
			t.Errorf("Job of nobody: got %v", err)
		}
	})
}

func TestDocThatNobodyWorksOnYetHasNoState(t *testing.T) {
	srv := couchtest.New(couchtest.Options{})
	srv.Put("_replicator", "new", couchtest.Spec{State: couchtest.Unclaimed})
	row, err := serve(t, srv, scheduler.Spec{}).Doc(t.Context(), "_replicator", "new")
	if err != nil || row.Has(snapshot.FieldState) || row.DocID != "new" {
		t.Errorf("Doc: got %s, %v, want a row without a state", row.JSON, err)
	}
}

func TestDatabases(t *testing.T) {
	got, err := listed(t).Databases(t.Context())
	if diff := cmp.Diff([]string{"_replicator", "team/_replicator"}, got); diff != "" || err != nil {
		t.Errorf("Databases: error %v (-want +got):\n%s", err, diff)
	}
}
