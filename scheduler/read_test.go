package scheduler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

const (
	teamDocs = "GET /_scheduler/docs/team%2F_replicator"
	allDBs   = "GET /_all_dbs"
)

// gaps are a snapshot's, as "docs team/_replicator: GET … of prod: …".
func gaps(s *snapshot.Snapshot) []string {
	var texts []string
	for _, g := range s.Gaps {
		texts = append(texts, strings.TrimSpace(string(g.Part)+" "+g.Database)+": "+g.Err.Error())
	}
	return texts
}

// databases counts the replications by database.
func databases(s *snapshot.Snapshot) map[string]int {
	n := map[string]int{}
	for _, r := range s.Replications {
		n[r.Database]++
	}
	return n
}

func find(s *snapshot.Snapshot, database, docID string) *snapshot.Replication {
	for _, r := range s.Replications {
		if r.Database == database && r.DocID == docID {
			return r
		}
	}
	return &snapshot.Replication{}
}

func TestReadSeesTheWholeServer(t *testing.T) {
	s := newCouch(map[string]any{teamDocs: "docs-db-team-escaped"})
	c := serve(t, s, scheduler.Spec{ReplicatorDBs: []string{"_replicator", "team/_replicator"}})
	at := time.Date(2026, 11, 24, 8, 12, 24, 0, time.FixedZone("CET", 3600))
	snap := c.Read(t.Context(), at, nil)

	if diff := cmp.Diff([]string{docsRequest, teamDocs, allJobs, tasksRequest, "GET /"}, s.requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if len(snap.Gaps) > 0 || len(snap.RowErrors) > 0 {
		t.Errorf("Read: got gaps %v and row errors %v, want none", snap.Gaps, snap.RowErrors)
	}
	if snap.Server != "prod" || !snap.At.Equal(at) || snap.Version != "3.5.0" || snap.Latency <= 0 {
		t.Errorf("Read: got server %q at %v of version %q in %v, want prod, %v, 3.5.0 and some time",
			snap.Server, snap.At, snap.Version, snap.Latency, at)
	}
	if diff := cmp.Diff(map[string]int{"_replicator": 25, "team/_replicator": 3, "_replicate": 1}, databases(snap)); diff != "" {
		t.Errorf("replications by database (-want +got):\n%s", diff)
	}
	r := find(snap, "_replicator", "cont-running")
	if r.State != snapshot.Running || !r.Has(snapshot.FieldPID) || !r.Active {
		t.Errorf("cont-running: got state %q, pid %q, active %v, want the document, its job and its task joined", r.State, r.PID, r.Active)
	}
}

func TestReadAsksForTheVersionOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(nil)
		c := bubble(t, s, scheduler.Spec{})
		for range 150 {
			if got := read(t, c).Version; got != "3.5.0" {
				t.Fatalf("version: got %q, want 3.5.0", got)
			}
			time.Sleep(time.Minute)
			s.answer("GET /", text(500, "text/plain", "no"))
		}
		if got := count(s.requests(), "GET /"); got != 1+90 {
			t.Errorf("requests for the version in two and a half hours: got %d, want 1, and 1 at each look once it is an hour old", got)
		}
	})
}

func TestReadDropsJobsOfOtherDatabases(t *testing.T) {
	s := newCouch(map[string]any{teamDocs: "docs-db-team-escaped"})
	snap := read(t, serve(t, s, scheduler.Spec{ReplicatorDBs: []string{"team/_replicator"}}))
	if diff := cmp.Diff(map[string]int{"team/_replicator": 3, "_replicate": 1}, databases(snap)); diff != "" {
		t.Errorf("replications by database (-want +got):\n%s", diff)
	}
}

func TestGlobsAreFoundOnTheServer(t *testing.T) {
	names := text(200, "application/json", `["_replicator","_users","a/b/_replicator","orders","team/_replicator","team/replicator","x_replicator"]`+"\n")
	deep := "GET /_scheduler/docs/a%2Fb%2F_replicator"
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(map[string]any{allDBs: names, teamDocs: "docs-db-team-escaped", deep: "docs-db-unknown"})
		c := bubble(t, s, scheduler.Spec{ReplicatorDBs: []string{"_replicator", "*/_replicator"}})
		if got := gaps(read(t, c)); len(got) > 0 {
			t.Errorf("Read: got gaps %v, want none", got)
		}
		want := []string{allDBs, docsRequest, deep, teamDocs, allJobs, tasksRequest, "GET /"}
		if diff := cmp.Diff(want, s.requests()); diff != "" {
			t.Errorf("requests of the first look (-want +got):\n%s", diff)
		}

		time.Sleep(59 * time.Minute)
		read(t, c)
		if diff := cmp.Diff([]string{docsRequest, deep, teamDocs, allJobs, tasksRequest}, s.requests()); diff != "" {
			t.Errorf("requests within the hour (-want +got):\n%s", diff)
		}

		time.Sleep(time.Minute)
		s.answer(allDBs, text(500, "application/json", `{"error":"internal","reason":"no"}`))
		if got := gaps(read(t, c)); len(got) > 0 {
			t.Errorf("Read when the names cannot be read again: got gaps %v, want none", got)
		}
		if diff := cmp.Diff([]string{allDBs, docsRequest, deep, teamDocs, allJobs, tasksRequest}, s.requests()[:6]); diff != "" {
			t.Errorf("requests with the last known names (-want +got):\n%s", diff)
		}
	})
}

func TestGlobsThatAreNotKnownAreAGap(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"a refusal", text(500, "application/json", `{"error":"internal","reason":"no"}`), "GET /_all_dbs of prod: 500 internal: no"},
		{
			"names that are cut off", text(200, "application/json", `["a/_replicator","b/_re`),
			"GET /_all_dbs of prod: read the names of the databases: unexpected EOF",
		},
		{
			"names without an end", text(200, "application/json", `["a/_replicator"`),
			"GET /_all_dbs of prod: read the names of the databases: EOF",
		},
		{
			"two arrays", text(200, "application/json", `["a/_replicator"]["b/_replicator"]`),
			"GET /_all_dbs of prod: read the names of the databases: something follows the array",
		},
		{
			"an object", text(200, "application/json", `{"a/_replicator":1}`),
			"GET /_all_dbs of prod: read the names of the databases: not an array",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCouch(map[string]any{allDBs: test.answer})
				snap := read(t, bubble(t, s, scheduler.Spec{ReplicatorDBs: []string{"_replicator", "*/_replicator"}}))
				if diff := cmp.Diff([]string{"docs */_replicator: " + test.want}, gaps(snap)); diff != "" {
					t.Errorf("gaps (-want +got):\n%s", diff)
				}
				if snap.Complete("team/_replicator") {
					t.Error("Complete of a database that nobody looked for: got true, want false")
				}
				if !snap.Complete("_replicator") {
					t.Error("Complete of a database that was read: got false, want true")
				}
			})
		})
	}
}

func TestDatabaseThatDoesNotExistIsEmpty(t *testing.T) {
	s := newCouch(map[string]any{docsRequest: "docs-db-unknown", allJobs: text(200, "application/json", `{"total_rows":0,"offset":0,"jobs":[]}`)})
	snap := read(t, serve(t, s, scheduler.Spec{}))
	if len(snap.Gaps) > 0 || len(snap.Replications) > 0 || !snap.Complete("_replicator") {
		t.Errorf("Read: got gaps %v and %d replications, want none and a complete view", snap.Gaps, len(snap.Replications))
	}
}

func TestPartThatCannotBeReadIsAGapAndNoOther(t *testing.T) {
	_, _, whole := load("docs-all")
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
		last   bool // the last document was read
	}{
		{
			"a listing cut in the midst of a row", text(200, "application/json", string(whole[:5000])),
			"read docs of _replicator: the answer stops at row 7, after 5000 bytes: unexpected EOF", false,
		},
		{
			"a listing cut before its closing bracket", text(200, "application/json", string(bytes.TrimSuffix(whole, []byte("]}\n")))),
			"read docs of _replicator: the answer stops at row 25, after 17402 bytes: unexpected EOF", true,
		},
		{
			"a page with status 200", text(200, "text/html; charset=utf-8", "<html><title>Welcome</title>"),
			"GET /_scheduler/docs/_replicator of prod: 200 OK: answered HTML, not JSON: is this CouchDB? (text/html; charset=utf-8)", false,
		},
		{
			"a page with status 404", text(404, "text/html", "<html>Not Found"),
			"GET /_scheduler/docs/_replicator of prod: 404 Not Found: answered HTML, not JSON: is this CouchDB? (text/html)", false,
		},
		{
			"a page that calls itself text", text(404, "text/plain", "\n <!doctype html>"),
			"GET /_scheduler/docs/_replicator of prod: 404 Not Found: answered HTML, not JSON: is this CouchDB? (text/plain)", false,
		},
		{
			"a gateway's 404 in JSON", text(404, "application/json", `{"message":"no Route matched with those values"}`),
			"GET /_scheduler/docs/_replicator of prod: 404 Not Found: answered something else than CouchDB would: is this CouchDB? (application/json)", false,
		},
		{
			"a server without a scheduler", playing("scheduler-unknown"),
			"GET /_scheduler/docs/_replicator of prod: 404 not found", false,
		},
		{
			"a request that the server cannot read", text(400, "application/json", `{"error":"bad_request","reason":"Invalid path"}`),
			"GET /_scheduler/docs/_replicator of prod: 400 bad_request: Invalid path", false,
		},
		{
			"a reason over many lines with a password", text(500, "application/json", `{"error":"oops","reason":"a\n\tb http://u:hunter2@h/x"}`),
			"GET /_scheduler/docs/_replicator of prod: 500 oops: a  b http://u:*****@h/x", false,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCouch(map[string]any{docsRequest: test.answer})
				snap := read(t, bubble(t, s, scheduler.Spec{}))
				if diff := cmp.Diff([]string{"docs _replicator: " + test.want}, gaps(snap)); diff != "" {
					t.Errorf("gaps (-want +got):\n%s", diff)
				}
				if snap.Complete("_replicator") {
					t.Error("Complete: got true, want false")
				}
				if got := find(snap, "_replicator", "cont-running"); got.State != snapshot.Running {
					t.Errorf("cont-running: got state %q, want running, from its job", got.State)
				}
				if got := find(snap, "_replicator", "zz-duplicate").State == snapshot.Failed; got != test.last {
					t.Errorf("the last document, which has no job: got it %v, want %v", got, test.last)
				}
				if got := count(s.requests(), docsRequest); got != 1 {
					t.Errorf("requests for the listing: got %d, want 1", got)
				}
			})
		})
	}
}

func TestOnlyADatabaseCanBeMissing(t *testing.T) {
	s := newCouch(map[string]any{allJobs: "doc-missing", tasksRequest: "doc-missing"})
	want := []string{
		"jobs: GET /_scheduler/jobs of prod: 404 not_found: missing",
		"tasks: GET /_active_tasks of prod: 404 not_found: missing",
	}
	if diff := cmp.Diff(want, gaps(read(t, serve(t, s, scheduler.Spec{})))); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

func TestAnswerThatNobodyWantsToReadOnIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		s := newCouch(map[string]any{docsRequest: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "[]")
			<-r.Context().Done()
			ended = true
		})})
		snap := read(t, bubble(t, s, scheduler.Spec{}))
		synctest.Wait()
		if !ended || snap.Err() == nil || snap.Latency > 0 {
			t.Errorf("Read: got %v after %v, request ended %v, want a gap at once and the request ended", snap.Err(), snap.Latency, ended)
		}
	})
}

func TestGETIsTriedAgainWhenTheTroubleMayPass(t *testing.T) {
	failing := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			text(status, "application/json", `{"error":"busy","reason":"later"}`)(w, r)
		}
	}
	jobs := playing("jobs-all")
	busy := failing(http.StatusServiceUnavailable)
	_, _, body := load("jobs-all")
	cut := func(w http.ResponseWriter, r *http.Request) {
		w.Write(body[:2000])
		panic(http.ErrAbortHandler)
	}
	for _, test := range []struct {
		name     string
		answers  []http.HandlerFunc
		requests int
		ok       bool
		// least is how long the tries take without the jitter, which is below 750 ms in all
		least time.Duration
	}{
		{"the third try succeeds", []http.HandlerFunc{busy, failing(http.StatusBadGateway), jobs}, 3, true, 0},
		{"there is no fourth", []http.HandlerFunc{busy, busy, busy, jobs}, 3, false, 0},
		{"a gateway that times out", []http.HandlerFunc{failing(http.StatusGatewayTimeout), jobs}, 2, true, 0},
		{"too many requests", []http.HandlerFunc{failing(http.StatusTooManyRequests), jobs}, 2, true, 0},
		{"a wait that is asked for is kept", []http.HandlerFunc{failing(http.StatusTooManyRequests, "Retry-After", "4"), jobs}, 2, true, 4 * time.Second},
		{"a wait until a date is kept", []http.HandlerFunc{failing(http.StatusServiceUnavailable, "Retry-After", "Sat, 01 Jan 2000 00:00:03 GMT"), jobs}, 2, true, 3 * time.Second},
		{"a longer one is left to the next check", []http.HandlerFunc{failing(http.StatusServiceUnavailable, "Retry-After", "6"), jobs}, 1, false, 0},
		{"a listing that broke off is read from its start", []http.HandlerFunc{cut, jobs}, 2, true, 0},
		{"a listing that breaks off each time", []http.HandlerFunc{cut}, 3, false, 0},
		{"a refusal stays one", []http.HandlerFunc{failing(http.StatusBadRequest), jobs}, 1, false, 0},
		{"so does a fault of the server", []http.HandlerFunc{failing(http.StatusInternalServerError), jobs}, 1, false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCouch(map[string]any{allJobs: inOrder(test.answers...)})
				began := time.Now()
				snap := read(t, bubble(t, s, scheduler.Spec{}))
				if ok := len(snap.Gaps) == 0; ok != test.ok {
					t.Errorf("Read: got gaps %v, want none: %v", snap.Gaps, test.ok)
				}
				if got := count(s.requests(), allJobs); got != test.requests {
					t.Errorf("requests: got %d, want %d", got, test.requests)
				}
				if got := time.Since(began); got < test.least || got > test.least+750*time.Millisecond {
					t.Errorf("time: got %v, want %v and some jitter", got, test.least)
				}
				if got := find(snap, "_replicate", "facd9fcaae0024404eed701c41809a19+continuous"); test.ok && got.State != snapshot.Running {
					t.Errorf("the last job: got state %q, want running", got.State)
				}
			})
		})
	}
}

func TestALookTakesOneConnection(t *testing.T) {
	s := newCouch(map[string]any{allDBs: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `["_replicator"]`)
		w.(http.Flusher).Flush() // the end comes on its own
		io.WriteString(w, "\n")
	})})
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(s)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	spec := signedIn()
	spec.Name, spec.URL, spec.ReplicatorDBs = "prod", server.URL, []string{"*_replicator"}
	if got := gaps(read(t, dial(t, spec, nil))); len(got) > 0 {
		t.Errorf("Read: got gaps %v, want none", got)
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("connections for %v: got %d, want 1", s.requests(), got)
	}
}

func TestConnectionThatIsResetIsTriedAgain(t *testing.T) {
	reset := func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	// The very first request: on a connection used before, net/http itself tries again.
	s := newCouch(map[string]any{docsRequest: inOrder(reset, playing("docs-all"))})
	if got := gaps(read(t, serve(t, s, scheduler.Spec{}))); len(got) > 0 {
		t.Errorf("Read: got gaps %v, want none", got)
	}
}

func TestServerOutOfReachIsAskedOnce(t *testing.T) {
	for _, test := range []struct {
		name      string
		databases []string
		asked     string
		want      []string
	}{
		{
			"for the first database",
			[]string{"_replicator", "a/_replicator"},
			"GET /_scheduler/docs/_replicator of prod",
			[]string{"docs _replicator", "docs a/_replicator", "jobs", "tasks"},
		},
		{
			"for the names of the databases",
			[]string{"_replicator", "*/_replicator"},
			"GET /_all_dbs of prod",
			[]string{"docs */_replicator", "docs _replicator", "jobs", "tasks"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dials := 0
			refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
			transport := roundTrip(func(*http.Request) (*http.Response, error) { dials++; return nil, refused })
			c := dial(t, scheduler.Spec{URL: "http://couch.example", ReplicatorDBs: test.databases}, transport)
			var want []string
			for _, part := range test.want {
				want = append(want, part+": "+test.asked+": dial tcp: connection refused")
			}
			if diff := cmp.Diff(want, gaps(read(t, c))); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if dials != 1 {
				t.Errorf("connections tried: got %d, want 1", dials)
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestServerThatFallsSilent(t *testing.T) {
	_, _, body := load("docs-all")
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   []string
		took   time.Duration
	}{
		{"no answer comes", hang, []string{"docs _replicator: GET /_scheduler/docs/_replicator of prod: nothing came for 30s"}, 30 * time.Second},
		{"the answer stops in its midst", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(20 * time.Second)
			w.Write(body[:5000])
			hang(w, r)
		}, []string{"docs _replicator: read docs of _replicator: the answer stops at row 7, after 5000 bytes: " +
			"GET /_scheduler/docs/_replicator of prod: nothing came for 30s"}, 50 * time.Second},
		{"an answer that drips for hours is read whole", func(w http.ResponseWriter, r *http.Request) {
			for rest := body; len(rest) > 0; rest = rest[min(50, len(rest)):] {
				time.Sleep(29 * time.Second)
				w.Write(rest[:min(50, len(rest))])
			}
		}, nil, time.Duration((len(body)+49)/50) * 29 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := bubble(t, newCouch(map[string]any{docsRequest: test.answer}), scheduler.Spec{})
				snap := read(t, c)
				if diff := cmp.Diff(test.want, gaps(snap)); diff != "" {
					t.Errorf("gaps (-want +got):\n%s", diff)
				}
				if snap.Latency != test.took {
					t.Errorf("latency: got %v, want %v", snap.Latency, test.took)
				}
			})
		})
	}
}

func TestHungBodyOverARealConnection(t *testing.T) {
	s := newCouch(map[string]any{docsRequest: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"total_rows":1,"offset":0,"docs":[`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})})
	snap := read(t, serve(t, s, scheduler.Spec{Timeout: 50 * time.Millisecond}))
	var late interface{ Timeout() bool }
	if err := snap.Err(); !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("Read: got %v, want a time-out", err)
	}
	if len(snap.Gaps) != 1 {
		t.Errorf("Read: got gaps %v, want only that of the docs", snap.Gaps)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		c := bubble(t, newCouch(map[string]any{docsRequest: hang}), scheduler.Spec{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		snap := c.Read(ctx, began, nil)
		if !errors.Is(snap.Err(), context.DeadlineExceeded) || len(snap.Gaps) != 3 {
			t.Errorf("Read: got gaps %v, want the end of the context as the reason for each", snap.Gaps)
		}
		if got := time.Since(began); got != 10*time.Second {
			t.Errorf("Read took %v, want 10s", got)
		}
	})
}

func TestRequestsAtATimeAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now, most := make(chan int, 1), 0
		now <- 0
		s := newCouch(map[string]any{oneDoc: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := <-now + 1
			most = max(most, n)
			now <- n
			time.Sleep(time.Second)
			play(w, "doc-running")
			now <- <-now - 1
		})})
		c := bubble(t, s, scheduler.Spec{MaxConcurrent: 3})
		began := time.Now()
		done := make(chan error)
		for range 10 {
			go func() { _, err := c.Ask(t.Context(), oneKey); done <- err }()
		}
		for range 10 {
			if err := <-done; err != nil {
				t.Errorf("Ask: %v", err)
			}
		}
		if most != 3 || time.Since(began) != 4*time.Second {
			t.Errorf("ten requests: got %d at a time and %v in all, want 3 and 4s: one alone first, then three by three", most, time.Since(began))
		}
	})
}

func TestPathOfTheURLIsKept(t *testing.T) {
	for _, prefix := range []string{"/couch", "/couch/", "/a%2Fb"} {
		t.Run(prefix, func(t *testing.T) {
			s := newCouch(nil)
			strip := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rest, found := strings.CutPrefix(r.URL.EscapedPath(), strings.TrimSuffix(prefix, "/"))
				if !found {
					http.NotFound(w, r)
					return
				}
				inner := r.Clone(r.Context())
				inner.URL.RawPath, inner.URL.Path = rest, rest
				s.ServeHTTP(w, inner)
			})
			spec := signedIn()
			spec.URL = prefix
			if got := gaps(read(t, serve(t, strip, spec))); len(got) > 0 {
				t.Errorf("Read: got gaps %v, want none", got)
			}
			if diff := cmp.Diff([]string{login, docsRequest, allJobs, tasksRequest, "GET /"}, s.requests()); diff != "" {
				t.Errorf("requests below the prefix (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequestsSayWhoTheyAre(t *testing.T) {
	var header http.Header
	s := newCouch(map[string]any{oneDoc: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		play(w, "doc-running")
	})})
	if _, err := serve(t, s, scheduler.Spec{}).Ask(t.Context(), oneKey); err != nil {
		t.Fatalf("Ask: %v", err)
	}
	if got := header.Get("User-Agent") + ", " + header.Get("Accept"); got != "watchdog, application/json" {
		t.Errorf("User-Agent and Accept: got %q, want watchdog, application/json", got)
	}
}

func TestNewRefusesASpecWithProblems(t *testing.T) {
	for _, test := range []struct {
		name string
		spec scheduler.Spec
		want string
	}{
		{"a bad field", scheduler.Spec{Name: "prod", URL: "ftp://x"}, "server prod: url: not an http or https URL"},
		{"no URL", scheduler.Spec{Name: "prod", Optional: true}, "server prod: no URL to read from"},
		{"the built-in server, which is not here", scheduler.Spec{Name: "demo", URL: "demo://"}, "server demo: no URL to read from"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := scheduler.New(scheduler.Options{Spec: test.spec}); fmt.Sprint(err) != test.want {
				t.Errorf("New: got %v, want %v", err, test.want)
			}
		})
	}
}

func TestNameAndLabels(t *testing.T) {
	c := dial(t, scheduler.Spec{Name: "eu-1", URL: "http://couch.example", Labels: map[string]string{"team": "data"}}, nil)
	if c.Name() != "eu-1" || c.Labels()["team"] != "data" {
		t.Errorf("got %q with labels %v, want eu-1 of team data", c.Name(), c.Labels())
	}
}
