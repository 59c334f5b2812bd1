package couchtest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"watchdog/scheduler/couchtest"
)

// lab is the simulated twin of the server on which the recordings were made.
type lab struct {
	t      *testing.T
	srv    *couchtest.Server
	client *http.Client
	now    time.Time
	ids    map[string]string // job ids of the recordings, by document
}

func newLab(t *testing.T) *lab {
	l := &lab{t: t, ids: jobIDs(t)}
	l.at("07:00:00")
	l.srv = couchtest.New(couchtest.Options{
		Now:      func() time.Time { return l.now },
		Username: "admin", Password: "secret",
		Users:  map[string]string{"plain": "plainpw", "met": "metpw", "mon": "monpw"},
		Manual: true,
	})
	client, stop := l.srv.Client()
	t.Cleanup(stop)
	l.client = client
	return l
}

// jobIDs reads which job had which id, so that lists have the recorded order.
func jobIDs(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("testdata/jobs-all.http")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	var list struct {
		Jobs []struct {
			ID    string
			DocID *string `json:"doc_id"`
		}
	}
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, j := range list.Jobs {
		if j.DocID == nil {
			ids["transient"] = j.ID
		} else {
			ids[*j.DocID] = j.ID
		}
	}
	return ids
}

// at sets the clock of the lab, to a time of day.
func (l *lab) at(clock string) {
	at, err := time.Parse("2006-01-02 15:04:05", "2026-11-24 "+clock)
	if err != nil {
		l.t.Fatal(err)
	}
	l.now = at
}

// put writes a document; source and target are databases of the lab.
func (l *lab) put(id, source, target string, spec couchtest.Spec) *couchtest.Replication {
	return l.putIn("_replicator", id, source, target, spec)
}

func (l *lab) putIn(database, id, source, target string, spec couchtest.Spec) *couchtest.Replication {
	spec.Source, spec.Target = source, target
	if spec.JobID == "" {
		spec.JobID = l.ids[id]
	}
	return l.srv.Put(database, id, spec)
}

// write writes a document as a client does.
func (l *lab) write(path, body string) {
	l.t.Helper()
	req, err := http.NewRequest("PUT", "http://couchdb"+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	req.SetBasicAuth("admin", "secret")
	res, err := l.client.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		l.t.Fatalf("PUT %s: got status %d, want 201", path, res.StatusCode)
	}
}

// The reasons that were recorded.
const (
	unauthorized  = "unauthorized: unauthorized to access or create database http://127.0.0.1:5984/"
	missingSource = "db_not_found: could not open http://127.0.0.1:5984/nosuchdb/"
	missingTarget = "db_not_found: could not open http://127.0.0.1:5984/no_such_target/"
	noSuchHost    = "{http_request_failed,\"GET\",\"http://no-such-host.invalid/src1/\",\n                     {error,sel_conn_closed}}"
	refused       = "{replication_auth_error,\n    {session_request_failed,\"http://127.0.0.1:1/_session\",\"user\",\n        {conn_failed,{error,econnrefused}}}}"
	wrongPassword = "{replication_auth_error,\n    {session_request_unauthorized,\"http://127.0.0.1:5984/_session\",\"carol\"}}"
	noFilter      = "Couldn't open document `_design/nope` from source database `http://127.0.0.1:5984/src1/`: {error,<<\"not_found\">>}"
	badFilter     = "{changes_reader_died,\n    {http_request_failed,\"GET\",\n        \"http://127.0.0.1:5984/src1/_changes?filter=f%2Fbad&feed=continuous&style=all_docs&since=0&timeout=1666\",\n        {code,500}}}"
)

// stageAll is the lab as most lists show it: every state but pending and initializing.
func stageAll(l *lab) {
	const copied = 201
	once := couchtest.Spec{OneShot: true, CreateTarget: true, State: couchtest.Running}
	always := couchtest.Spec{CreateTarget: true, State: couchtest.Running}
	ran := func(r *couchtest.Replication) {
		r.SetCounters(func(c *couchtest.Counters) { c.BulkGetDocs, c.BulkGetAttempts = 200, 200 })
	}
	with := func(s couchtest.Spec, docs int64) couchtest.Spec { s.Docs = docs; return s }
	again := func(clock string, what ...func()) {
		l.at(clock)
		for _, do := range what {
			do()
		}
	}
	crash := func(r *couchtest.Replication, reason string) func() { return func() { r.Crash(reason) } }

	l.write("/_replicator/_design/v", `{"views":{}}`)
	l.at("07:09:47")
	l.put("auth-object", "src_small", "tgt_auth", with(always, 10))
	l.put("cont-empty", "src_empty", "tgt_empty", couchtest.Spec{State: couchtest.Running})
	idle := l.put("cont-idle", "src_idle", "tgt_idle", couchtest.Spec{State: couchtest.Crashing, Error: unauthorized + "src_idle/"})
	running := l.put("cont-running", "src1", "tgt_run", couchtest.Spec{State: couchtest.Crashing, Error: unauthorized + "src1/"})
	noDB := l.put("crash-missing-db", "nosuchdb", "tgt_crash", couchtest.Spec{State: couchtest.Crashing, Error: missingSource})
	noTarget := l.put("crash-no-target", "src1", "no_such_target", couchtest.Spec{OneShot: true, State: couchtest.Crashing, Error: unauthorized + "src1/"})
	noHost := l.put("crash-nxdomain", "http://no-such-host.invalid/src1", "tgt_crash", couchtest.Spec{State: couchtest.Running, Silent: true})
	noPort := l.put("crash-refused", "http://user:hunter2@127.0.0.1:1/x", "tgt_crash", couchtest.Spec{State: couchtest.Crashing, Error: refused})
	faulty := l.put("error-filter", "src1", "tgt_err", couchtest.Spec{Filter: "nope/nofilter", State: couchtest.Erroring, Error: noFilter})
	compile := l.put("filter-compile", "src1", "tgt_fc", couchtest.Spec{CreateTarget: true, Filter: "f/bad"})
	filtered := l.put("filter-ok", "src1", "tgt_fo", couchtest.Spec{CreateTarget: true, Filter: "f/ok"})
	l.put("odd/slash", "src_odd", "tgt_odd0", with(always, 3))
	l.put("odd with space", "src_odd", "tgt_odd2", with(always, 3))
	l.put("odd100%", "src_odd", "tgt_odd4", with(always, 3))
	snow := l.put("odd søren ☃", "src_odd", "tgt_odd1", once)
	plus := l.put("odd+plus", "src_odd", "tgt_odd3", once)
	query := l.put("odd?q=1&x=2", "src_odd", "tgt_odd5", once)
	done := l.put("oneshot-done", "src_small", "tgt_done", couchtest.Spec{OneShot: true, State: couchtest.Running})
	nothing := l.put("oneshot-empty", "src_empty", "tgt_empty0", couchtest.Spec{OneShot: true, State: couchtest.Running})

	again("07:09:48", crash(noHost, noSuchHost), filtered.Start, snow.Complete, plus.Complete, query.Complete)
	l.put("odd\"quote", "src_odd", "tgt_odd6", with(always, 3))
	l.put("odd%2Fpct", "src_odd", "tgt_odd8", with(always, 3))
	l.put("odd:colon@at", "src_odd", "tgt_odd7", once).Complete()
	l.write("/_replicator/failed-by-hand", `{"source":"http://127.0.0.1:5984/src1","target":"http://127.0.0.1:5984/tgt",`+
		`"_replication_state":"failed","_replication_state_reason":"hand made"}`)
	l.put("zz-duplicate", "src1", "tgt_run", couchtest.Spec{JobID: l.ids["cont-running"], State: couchtest.Running})
	ran(l.putIn("team/_replicator", "team-cont", "src1", "tgt_team", couchtest.Spec{Docs: copied, State: couchtest.Running}))
	l.putIn("team/_replicator", "a/b c", "src_small", "tgt_team3", once).Complete()
	l.putIn("team/_replicator", "team-oneshot", "src_small", "tgt_team2", once).Complete()
	ran(l.srv.Transient(couchtest.Spec{Source: "src1", Target: "tgt_tr", User: "admin", Docs: copied, JobID: l.ids["transient"]}))
	filtered.Progress(copied)
	ran(filtered)

	l.at("07:10:02")
	compile.Start()
	compile.SetPending(couchtest.Unknown)
	compile.Crash(badFilter)
	again("07:10:21", crash(noDB, missingSource), crash(noTarget, missingTarget), crash(noHost, noSuchHost), crash(noPort, refused),
		done.Complete, nothing.Complete, idle.Recover, running.Recover)
	idle.Progress(5)
	running.Progress(copied)
	ran(running)
	again("07:10:36", compile.Start)
	again("07:10:37", crash(compile, badFilter))
	l.at("07:10:54")
	unauth := l.put("crash-unauth", "http://carol:wrong@127.0.0.1:5984/src1", "tgt_crash", couchtest.Spec{State: couchtest.Crashing, Error: wrongPassword})
	again("07:11:21", crash(noDB, missingSource), crash(noTarget, missingTarget), crash(noPort, refused))
	again("07:11:26", crash(noHost, noSuchHost), crash(unauth, wrongPassword))
	again("07:11:27", func() { faulty.Fault(noFilter) })
	again("07:11:41", compile.Start)
	again("07:11:42", crash(compile, badFilter))
	l.at("07:12:24")
}
