package scheduler_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/snapshot"
)

// states are those that a replication goes through as it is followed, and the error that ends it.
func states(rows iter.Seq2[scheduler.Row, error]) string {
	var all []string
	for row, err := range rows {
		word := "null"
		switch {
		case err != nil:
			word = err.Error()
		case row.Has(snapshot.FieldState):
			word = string(row.State)
		}
		if len(all) == 0 || all[len(all)-1] != word {
			all = append(all, word)
		}
	}
	return strings.Join(all, " ")
}

func TestReplicationFromCreateToCompleted(t *testing.T) {
	onServers(t, func(t *testing.T, w world) {
		draft := w.draft("orders")
		doc, err := w.Create(t.Context(), draft)
		if err != nil {
			t.Fatal(err)
		}
		if doc.ID != "orders" || !strings.HasPrefix(doc.Rev, "1-") {
			t.Errorf("Create: got %+v, want revision 1 of orders", doc)
		}
		got := states(w.Follow(t.Context(), "orders", time.Second))
		if !strings.HasSuffix(got, "completed") || strings.Contains(got, "error") {
			t.Errorf("Follow: got %s, want it to end in completed", got)
		}
		if state, err := w.State(t.Context(), "orders"); state != snapshot.Completed || err != nil {
			t.Errorf("State: got %s, %v, want completed", state, err)
		}
		if w.sim == nil {
			source := w.request(http.MethodGet, "/"+url.PathEscape(draft.Source.URL)+"/_all_docs", "")
			target := w.request(http.MethodGet, "/"+url.PathEscape(draft.Target.URL)+"/_all_docs", "")
			if source != target {
				t.Errorf("the target has %s, want what the source has: %s", target, source)
			}
		}
	})
}

func TestCreateMakesUpAnID(t *testing.T) {
	onServers(t, func(t *testing.T, w world) {
		first, err := w.Create(t.Context(), w.draft(""))
		if err != nil || len(first.ID) != 32 {
			t.Errorf("Create without an id: got %+v, %v, want an id of 32 digits", first, err)
		}
		if _, err := w.State(t.Context(), first.ID); err != nil {
			t.Errorf("State(%s): %v", first.ID, err)
		}
	})
}

func TestCreateDoesNotOverwrite(t *testing.T) {
	onServers(t, func(t *testing.T, w world) {
		draft := w.draft("orders")
		if _, err := w.Create(t.Context(), draft); err != nil {
			t.Fatal(err)
		}
		_, err := w.Create(t.Context(), draft)
		var e *scheduler.Error
		if !errors.As(err, &e) || e.HTTPStatus() != http.StatusConflict || !strings.Contains(err.Error(), "id orders already") {
			t.Errorf("Create of an id that is there: got %v", err)
		}
	})
}

// written is the document that a draft becomes, and the requests that it took, on a server of
// that version and that says so of us.
func written(t *testing.T, version, session string, spec scheduler.Spec, draft scheduler.Draft) string {
	t.Helper()
	var body string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodPut:
			data, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			body = string(data)
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, `{"ok":true,"id":"x","rev":"1-a"}`)
		case r.Host == "iam.example":
			io.WriteString(w, `{"access_token":"t","token_type":"Bearer","expires_in":3600}`)
		case r.URL.Path == "/_session":
			w.Header().Set("Set-Cookie", "AuthSession=x")
			io.WriteString(w, session)
		default:
			fmt.Fprintf(w, `{"couchdb":"Welcome","version":%q}`, version)
		}
	})
	c := bubble(t, handler, spec)
	if _, err := c.Replicator("").Create(t.Context(), draft); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return body
}

const nobody = `{"ok":true,"userCtx":{"name":null,"roles":[]}}`

func TestDocumentThatCreateWrites(t *testing.T) {
	plain := scheduler.Draft{ID: "x", Source: scheduler.Endpoint{URL: "https://a.example/s"}, Target: scheduler.Endpoint{URL: "https://b.example/t"}}
	with := func(change func(*scheduler.Draft)) scheduler.Draft {
		d := plain
		change(&d)
		return d
	}
	const endpoints = `"source":{"url":"https://a.example/s"},"target":{"url":"https://b.example/t"}`
	basic := with(func(d *scheduler.Draft) { d.Source.Username, d.Source.Password = "u", "p>>?~~?" })
	tests := []struct {
		name, version, session string
		spec                   scheduler.Spec
		draft                  scheduler.Draft
		want                   string
	}{
		{"without credentials, an endpoint is its URL", "3.5.0", nobody, scheduler.Spec{}, plain, `{"_id":"x",` + endpoints + `}`},
		{
			"a name and a password are auth.basic", "3.5.0", nobody,
			scheduler.Spec{},
			basic,
			`{"_id":"x","source":{"auth":{"basic":{"password":"p>>?~~?","username":"u"}},"url":"https://a.example/s"},"target":{"url":"https://b.example/t"}}`,
		},
		{
			"and a header before CouchDB 3.2, in the standard alphabet", "3.1.2", nobody,
			scheduler.Spec{},
			basic,
			`{"_id":"x","source":{"headers":{"Authorization":"Basic ` + base64.StdEncoding.EncodeToString([]byte("u:p>>?~~?")) + `"},"url":"https://a.example/s"},"target":{"url":"https://b.example/t"}}`,
		},
		{
			"credentials of a URL are moved out of it", "3.5.0", nobody,
			scheduler.Spec{},
			with(func(d *scheduler.Draft) { d.Target.URL = "https://u:p%2F@b.example/t" }),
			`{"_id":"x","source":{"url":"https://a.example/s"},"target":{"auth":{"basic":{"password":"p/","username":"u"}},"url":"https://b.example/t"}}`,
		},
		{
			"an API key is IBM Cloud IAM's", "3.5.0", nobody,
			scheduler.Spec{},
			with(func(d *scheduler.Draft) { d.Source.APIKey = "key" }),
			`{"_id":"x","source":{"auth":{"iam":{"api_key":"key"}},"url":"https://a.example/s"},"target":{"url":"https://b.example/t"}}`,
		},
		{
			"a name is a database of the server, with our credentials", "3.5.0", nobody,
			scheduler.Spec{Auth: scheduler.Auth{Username: "admin", Password: "pw", Basic: true}},
			with(func(d *scheduler.Draft) { d.Source.URL = "a/b" }),
			`{"_id":"x","source":{"auth":{"basic":{"password":"pw","username":"admin"}},"url":"http://couch.example:5984/a%2Fb"},"target":{"url":"https://b.example/t"}}`,
		},
		{
			"also where these are an API key", "3.5.0", nobody,
			scheduler.Spec{Auth: scheduler.Auth{IAMAPIKey: "key", IAMURL: "https://iam.example"}},
			with(func(d *scheduler.Draft) { d.Source.URL = "s" }),
			`{"_id":"x","source":{"auth":{"iam":{"api_key":"key"}},"url":"http://couch.example:5984/s"},"target":{"url":"https://b.example/t"}}`,
		},
		{
			"an object stands as it is", "3.5.0", nobody,
			scheduler.Spec{},
			with(func(d *scheduler.Draft) {
				d.Source.Object = json.RawMessage(`{"url":"https://c.example/","headers":{"x":"y"}}`)
			}),
			`{"_id":"x","source":{"headers":{"x":"y"},"url":"https://c.example/"},"target":{"url":"https://b.example/t"}}`,
		},
		{
			"whoever we are is its user", "3.5.0", `{"ok":true,"userCtx":{"name":"admin","roles":["_admin"]}}`,
			scheduler.Spec{},
			plain,
			`{"_id":"x",` + endpoints + `,"user_ctx":{"name":"admin","roles":["_admin"]}}`,
		},
		{
			"unless somebody else is named", "3.5.0", `{"ok":true,"userCtx":{"name":"admin","roles":["_admin"]}}`,
			scheduler.Spec{},
			with(func(d *scheduler.Draft) { d.UserCtx = json.RawMessage(`{"name":"joe"}`) }),
			`{"_id":"x",` + endpoints + `,"user_ctx":{"name":"joe"}}`,
		},
		{
			"everything else has CouchDB's names", "3.5.0", nobody,
			scheduler.Spec{},
			with(func(d *scheduler.Draft) {
				d.Continuous, d.CreateTarget, d.Filter = true, true, "d/f"
				d.Selector, d.DocIDs = json.RawMessage(`{"a":{"$gt":1}}`), []string{"a", "b"}
				d.More = map[string]any{"query_params": map[string]string{"k": "v"}}
			}),
			`{"_id":"x","continuous":true,"create_target":true,"doc_ids":["a","b"],"filter":"d/f","query_params":{"k":"v"},"selector":{"a":{"$gt":1}},` + endpoints + `}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got, want any
			body := written(t, tt.version, tt.session, tt.spec, tt.draft)
			if err := errors.Join(json.Unmarshal([]byte(body), &got), json.Unmarshal([]byte(tt.want), &want)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Create wrote %s (-want +got):\n%s", body, diff)
			}
		})
	}
}

func TestCreateSaysWhatIsMissing(t *testing.T) {
	srv := couchtest.New(couchtest.Options{})
	c := serve(t, srv, scheduler.Spec{})
	here := scheduler.Endpoint{URL: "here"}
	tests := []struct{ name, database, want string }{
		{"a source", "", "You must specify either a source_db Database object or a manually composed 'source' string/dict."},
		{"a target", "", "You must specify either a target_db Database object or a manually composed 'target' string/dict."},
		{"the replicator database", "no/_replicator", "Database no/_replicator does not exist. Verify that the client is valid and try again."},
		{"a host", "", "source: not a valid URL"},
	}
	drafts := []scheduler.Draft{{Target: here}, {Source: here}, {Source: here, Target: here}, {Source: scheduler.Endpoint{URL: "http://u:pass%word@h/"}, Target: here}}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.Replicator(tt.database).Create(t.Context(), drafts[i])
			if err == nil || err.Error() != tt.want {
				t.Errorf("Create: got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestCreateDoesNotWriteATokenIntoADocument(t *testing.T) {
	srv := couchtest.New(couchtest.Options{})
	c := serve(t, srv, scheduler.Spec{Auth: scheduler.Auth{Bearer: "a.b.c"}})
	here := scheduler.Endpoint{URL: "here"}
	_, err := c.Replicator("").Create(t.Context(), scheduler.Draft{ID: "x", Source: here, Target: here})
	if err == nil || !strings.Contains(err.Error(), "give the URL of the database") {
		t.Errorf("Create with a database of a server that takes a token: got %v", err)
	}
}

func TestCreateShowsNoPasswordOfAnEndpoint(t *testing.T) {
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method != http.MethodPut {
			io.WriteString(w, nobody)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"error":"forbidden","reason":%q}`, body)
	}), scheduler.Spec{})
	_, err := c.Replicator("").Create(t.Context(), scheduler.Draft{
		ID:     "x",
		Source: scheduler.Endpoint{URL: "http://user:hunter2@a.example/s"},
		Target: scheduler.Endpoint{URL: "http://b.example/t", APIKey: "hunter3"},
	})
	if err == nil || !strings.Contains(err.Error(), "403 forbidden") || strings.Contains(err.Error(), "hunter") {
		t.Errorf("Create where the refusal repeats the document: got %v, want it without passwords", err)
	}
}

func TestRefusedDocumentIsNotARefusedPassword(t *testing.T) {
	srv := couchtest.New(couchtest.Options{Username: "admin", Password: password})
	c := serve(t, srv, signedIn())
	r := c.Replicator("")
	bad := scheduler.Draft{ID: "x", Source: scheduler.Endpoint{Object: json.RawMessage(`"local"`)}, Target: scheduler.Endpoint{URL: "t"}}
	_, err := r.Create(t.Context(), bad)
	var e *scheduler.Error
	if !errors.As(err, &e) || e.HTTPStatus() != http.StatusForbidden {
		t.Fatalf("Create of a document that CouchDB does not take: got %v", err)
	}
	bad.Source = scheduler.Endpoint{URL: "s"}
	if _, err := r.Create(t.Context(), bad); err != nil {
		t.Errorf("Create of a good one right after: got %v", err)
	}
}

func TestListAreTheDocumentsThemselves(t *testing.T) {
	onServers(t, func(t *testing.T, w world) {
		var want []string
		for _, id := range []string{"one", "three", "two"} {
			if _, err := w.Create(t.Context(), w.draft(id)); err != nil {
				t.Fatal(err)
			}
			want = append(want, id)
		}
		w.request(http.MethodPut, "/"+url.PathEscape(w.database)+"/_design/x", `{"language":"javascript"}`)
		var got []string
		for doc, err := range w.List(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if doc.Rev == "" || !strings.Contains(string(doc.JSON), `"source"`) {
				t.Errorf("List: got %+v, want a whole document", doc)
			}
			got = append(got, doc.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("List: documents (-want +got):\n%s", diff)
		}
	})
}

func TestWhatDoesNotExistIsNamed(t *testing.T) {
	onServers(t, func(t *testing.T, w world) {
		const want = "Replication with id nobody/% not found."
		_, state := w.State(t.Context(), "nobody/%")
		for name, err := range map[string]error{
			"State": state, "Stop": w.Stop(t.Context(), "nobody/%"), "Restart": w.Restart(t.Context(), "nobody/%"),
			"Follow": errors.New(states(w.Follow(t.Context(), "nobody/%", 0))),
		} {
			if err == nil || err.Error() != want {
				t.Errorf("%s: got %v, want %s", name, err, want)
			}
		}
	})
}

func TestStateOfAServerWithoutScheduler(t *testing.T) {
	c := serve(t, newCouch(map[string]any{
		"GET /_scheduler/docs/_replicator/old":   text(404, "application/json", `{"error":"not_found","reason":"no_db_file"}`),
		"GET /_replicator/old":                   text(200, "application/json", `{"_id":"old","_rev":"1-a","_replication_state":"triggered"}`),
		"GET /_scheduler/docs/_replicator/wrong": text(500, "application/json", `{"error":"x","reason":"y"}`),
	}), scheduler.Spec{})
	r := c.Replicator("")
	if got, err := r.State(t.Context(), "old"); got != "triggered" || err != nil {
		t.Errorf("State of an old server: got %s, %v, want what the document says", got, err)
	}
	if _, err := r.State(t.Context(), "wrong"); err == nil {
		t.Error("State of a server that fails: got no error")
	}
}

func TestStopAndRestartOddIDs(t *testing.T) {
	onServers(t, func(t *testing.T, w world) {
		for _, id := range oddIDs {
			if _, err := w.Create(t.Context(), w.draft(id)); err != nil {
				t.Fatalf("Create(%q): %v", id, err)
			}
			if got := states(w.Follow(t.Context(), id, 0)); !strings.HasSuffix(got, "completed") {
				t.Errorf("Follow(%q): got %s, want completed", id, got)
			}
			if err := w.Restart(t.Context(), id); err != nil {
				t.Errorf("Restart(%q): %v", id, err)
			}
			if state, err := w.State(t.Context(), id); err != nil || state.Terminal() {
				t.Errorf("State(%q) after Restart: got %s, %v, want it to begin anew", id, state, err)
			}
			if err := w.Stop(t.Context(), id); err != nil {
				t.Errorf("Stop(%q): %v", id, err)
			}
			if _, err := w.Doc(t.Context(), w.database, id); err == nil {
				t.Errorf("Doc(%q) after Stop: it is still there", id)
			}
		}
	})
}

// rival writes the document each time that somebody has read it.
func rival(srv *couchtest.Server, times int) couchtest.Behaviour {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(w, r)
		if r.Method == http.MethodGet && times > 0 {
			times--
			srv.Doc("_replicator", "orders").Fail("again")
		}
	}
}

func TestStopAndRestartTryAgainWhenOthersWrite(t *testing.T) {
	tests := []struct {
		name   string
		rivals int
		do     func(*scheduler.Replicator) error
		want   int // the status of its error
	}{
		{"stop", 4, func(r *scheduler.Replicator) error { return r.Stop(t.Context(), "orders") }, 0},
		{"restart", 4, func(r *scheduler.Replicator) error { return r.Restart(t.Context(), "orders") }, 0},
		{"stop gives up at last", 5, func(r *scheduler.Replicator) error { return r.Stop(t.Context(), "orders") }, http.StatusConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := couchtest.New(couchtest.Options{Manual: true})
			srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Failed, Source: "http://h/s", Target: "http://h/t"})
			srv.Inject(couchtest.Fault{Path: "/_replicator/orders", Do: rival(srv, tt.rivals)})
			err := tt.do(serve(t, srv, scheduler.Spec{}).Replicator(""))
			var e *scheduler.Error
			got := 0
			if errors.As(err, &e) {
				got = e.HTTPStatus()
			}
			if got != tt.want || (err == nil) != (tt.want == 0) {
				t.Errorf("got %v, want status %d", err, tt.want)
			}
		})
	}
}

func TestWritesAreSentOnce(t *testing.T) {
	srv := couchtest.New(couchtest.Options{})
	srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Failed, Source: "http://h/s", Target: "http://h/t"})
	puts := 0
	srv.Inject(couchtest.Fault{Path: "/_replicator/orders", Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPut {
			puts++
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	}})
	if err := serve(t, srv, scheduler.Spec{}).Replicator("").Restart(t.Context(), "orders"); err == nil || puts != 1 {
		t.Errorf("Restart where writes fail: got %v after %d writes, want an error after one", err, puts)
	}
}

func TestRestart(t *testing.T) {
	srv := couchtest.New(couchtest.Options{Manual: true})
	failed := srv.Put("_replicator", "failed", couchtest.Spec{State: couchtest.Failed, Error: "no", Source: "http://h/s", Target: "http://u:p@h/t"})
	srv.Put("_replicator", "crashing", couchtest.Spec{State: couchtest.Crashing, Error: "no"})
	c := serve(t, srv, scheduler.Spec{})
	r := c.Replicator("")
	if err := r.Restart(t.Context(), "failed"); err != nil {
		t.Fatal(err)
	}
	if state := failed.State(); state == couchtest.Failed {
		t.Errorf("Restart: it is still %s", state)
	}
	for doc, err := range r.List(t.Context()) {
		if err != nil || strings.Contains(string(doc.JSON), "_replication_") {
			t.Errorf("List after Restart: got %s, %v, want nothing of what CouchDB wrote", doc.JSON, err)
		}
		if doc.ID == "failed" && !strings.Contains(string(doc.JSON), "http://u:p@h/t") {
			t.Errorf("List after Restart: got %s, want the endpoints as they were", doc.JSON)
		}
	}
	err := r.Restart(t.Context(), "crashing")
	var not *scheduler.NotEndedError
	if !errors.As(err, &not) || not.State != snapshot.Crashing {
		t.Errorf("Restart of one that is crashing: got %v", err)
	}
}

func TestFollow(t *testing.T) {
	tests := []struct {
		name  string
		begin couchtest.State
		then  []func(*couchtest.Replication)
		want  string
	}{
		{"error and crashing are no end", couchtest.Erroring, []func(*couchtest.Replication){
			(*couchtest.Replication).Start,
			func(r *couchtest.Replication) { r.Crash("no") },
			(*couchtest.Replication).Recover,
			(*couchtest.Replication).Complete,
		}, "error running crashing running completed"},
		{"failed is one", couchtest.Running, []func(*couchtest.Replication){
			func(r *couchtest.Replication) { r.Fail("no") },
		}, "running failed"},
		{"so is what was over before", couchtest.Completed, nil, "completed"},
		{"and the end of the document", couchtest.Running, []func(*couchtest.Replication){
			(*couchtest.Replication).Delete,
		}, "running Replication with id orders not found."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := couchtest.New(couchtest.Options{})
				orders := srv.Put("_replicator", "orders", couchtest.Spec{State: tt.begin, Error: "no"})
				for i, step := range tt.then {
					srv.After(time.Duration(i+1)*time.Minute, func() { step(orders) })
				}
				if got := states(follower(t, srv).Follow(t.Context(), "orders", 0)); got != tt.want {
					t.Errorf("Follow: got %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// follower is a replicator that needs no socket.
func follower(t *testing.T, srv *couchtest.Server) *scheduler.Replicator {
	t.Helper()
	client, stop := srv.Client()
	t.Cleanup(stop)
	return dial(t, scheduler.Spec{URL: "http://127.0.0.1:5984"}, client.Transport).Replicator("")
}

func TestFollowHearsTheEndAtOnceAndCrashesAtTheNextLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		orders := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
		begin := time.Now()
		srv.After(12*time.Second, func() { orders.Crash("no") })
		srv.After(34*time.Second, func() { orders.Fail("no") })
		var got []string
		for row := range follower(t, srv).Follow(t.Context(), "orders", 10*time.Second) {
			got = append(got, fmt.Sprintf("%v %s", time.Since(begin).Round(time.Second), row.State))
		}
		if diff := cmp.Diff([]string{"0s running", "20s crashing", "34s failed"}, got); diff != "" {
			t.Errorf("Follow every 10s (-want +got):\n%s", diff)
		}
	})
}

func TestFollowAsksLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		orders := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
		srv.After(10*time.Minute, orders.Complete)
		for range follower(t, srv).Follow(t.Context(), "orders", time.Minute) {
		}
		asked := map[string]int{}
		for _, r := range srv.Requests() {
			asked[r.Method+" "+strings.SplitN(r.Path, "?", 2)[0]]++
		}
		// One to know where the changes end, one that waits, and perhaps one that the end cuts off.
		want := map[string]int{"GET /_scheduler/docs/_replicator/orders": 13, "GET /_replicator/_changes": 3}
		for what, most := range want {
			if asked[what] > most || asked[what] == 0 {
				t.Errorf("Follow for 10 minutes: %s %d times, want at most %d", what, asked[what], most)
			}
		}
	})
}

func TestFollowGoesOnAfterTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		orders := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
		srv.Inject(couchtest.Fault{Path: "/_replicator/_changes", Do: couchtest.Status(http.StatusForbidden)})
		srv.Inject(couchtest.Fault{Path: "/_scheduler", Skip: 1, For: 30 * time.Second, Do: couchtest.Status(http.StatusInternalServerError)})
		srv.After(time.Minute, orders.Complete)
		var got []string
		for row, err := range follower(t, srv).Follow(t.Context(), "orders", 20*time.Second) {
			if err != nil {
				got = append(got, "trouble")
				continue
			}
			got = append(got, string(row.State))
		}
		if got := strings.Join(slices.Compact(got), " "); got != "running trouble completed" && got != "running trouble running completed" {
			t.Errorf("Follow: got %s, want it to go on after trouble", got)
		}
	})
}

func TestFollowEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if got, want := states(follower(t, srv).Follow(ctx, "orders", time.Minute)), "running context deadline exceeded"; got != want {
			t.Errorf("Follow: got %s, want %s", got, want)
		}
	})
}
