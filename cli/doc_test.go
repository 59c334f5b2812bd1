package cli_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"watchdog/scheduler/couchtest"
)

// crashes is a history of so many starts that crashed, the newest of them some time ago.
func crashes(n int, ago, apart time.Duration) []couchtest.Event {
	var events []couchtest.Event
	at := time.Now().Add(-ago)
	for range n {
		events = append(events,
			couchtest.Event{Type: couchtest.Crashed, At: at, Reason: "db_not_found"},
			couchtest.Event{Type: couchtest.Started, At: at.Add(-time.Second)})
		at = at.Add(-apart)
	}
	return events
}

func TestDocSaysWhatItsNumbersMean(t *testing.T) {
	tests := []struct {
		name string
		spec couchtest.Spec
		then func(*couchtest.Replication)
		want string // a regular expression
	}{
		{
			"a first crash is tried again after 30 s",
			couchtest.Spec{State: couchtest.Crashing, Error: "no"},
			nil,
			`next try +20\S+Z, in (30|29|28)s, or up to 60s later`,
		},
		{
			"a row of crashes waits longer",
			couchtest.Spec{State: couchtest.Crashing, Error: "no", History: crashes(5, 0, 10*time.Second)},
			nil,
			`next try +20\S+Z, in (480s|8m|7m), or up to 60s later`,
		},
		{
			"a try whose time has come is due",
			couchtest.Spec{State: couchtest.Crashing, Error: "no", History: crashes(1, time.Hour, 0)},
			nil,
			`next try +due since 20\S+Z, or up to 60s later`,
		},
		{
			"the count stops at 10",
			couchtest.Spec{State: couchtest.Crashing, Error: "no", History: crashes(10, 0, 10*time.Second)},
			nil,
			`error_count +10 \(counted in a history of 20 events, so it stops at 10: there may have been more crashes\)`,
		},
		{
			"the count stays up after a recovery",
			couchtest.Spec{State: couchtest.Crashing, Error: "no"},
			(*couchtest.Replication).Recover,
			`error_count +1 \(it stays up after a recovery, so it says nothing about now\)`,
		},
		{
			"slow crashes are not counted",
			couchtest.Spec{State: couchtest.Crashing, Error: "no", History: []couchtest.Event{
				{Type: couchtest.Crashed, At: time.Now(), Reason: "no"}, {Type: couchtest.Started, At: time.Now().Add(-time.Hour)},
			}},
			nil,
			`error_count +0 \(though its history has 1 crash event: only those within 2 minutes of a start count, and a stop by the scheduler starts anew\)`,
		},
		{
			"and are tried again at once",
			couchtest.Spec{State: couchtest.Crashing, Error: "no", History: []couchtest.Event{
				{Type: couchtest.Crashed, At: time.Now().Add(-3 * time.Second), Reason: "no"}, {Type: couchtest.Started, At: time.Now().Add(-time.Hour)},
			}},
			nil,
			`next try +due since 20`,
		},
		{
			"trouble before the job is tried again at random",
			couchtest.Spec{State: couchtest.Erroring, Error: "no filter"},
			nil,
			`next try +at some moment within 2m of the last`,
		},
		{
			"a source that says nothing is no zero",
			couchtest.Spec{State: couchtest.Running},
			func(r *couchtest.Replication) { r.SetPending(couchtest.Unknown) },
			`changes_pending +unknown: the source has not said\. One that is idle shows this after a restart, and so does one that hangs`,
		},
		{
			"one that completed has no next try",
			couchtest.Spec{State: couchtest.Running, OneShot: true, Docs: 100},
			(*couchtest.Replication).Complete,
			`state +completed for \d+s`,
		},
		{
			"a reason of many lines is one line, in full",
			couchtest.Spec{State: couchtest.Crashing, Error: "{http_request_failed,\n    \"GET\",\n  {error,\x1b[31mnxdomain}}"},
			nil,
			`error +\{http_request_failed, "GET", \{error,\[31mnxdomain\}\}\n`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := couchtest.New(couchtest.Options{})
			r := srv.Put("_replicator", "orders", tt.spec)
			if tt.then != nil {
				tt.then(r)
			}
			var out bytes.Buffer
			code, stderr := command(t, serving(t, srv), &out, "doc", "orders", "--measure", "0")
			if code != 0 || !regexp.MustCompile(tt.want).MatchString(out.String()) {
				t.Errorf("doc: exit %d, %s\ngot\n%s\nwant %s in it", code, stderr, out.String(), tt.want)
			}
		})
	}
}

// The last counters of a job that crashes are in its job alone.
func TestDocOfACrashingOneHasTheCountersOfItsJob(t *testing.T) {
	srv := couchtest.New(couchtest.Options{})
	r := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running, Docs: 4711})
	r.Crash("no")
	var out bytes.Buffer
	command(t, serving(t, srv), &out, "doc", "orders")
	if !strings.Contains(out.String(), "docs_written 4711") {
		t.Errorf("doc: got\n%s\nwant what was written before the crash", out.String())
	}
}

func TestDocOfACompletedOneHasAnAverage(t *testing.T) {
	srv := couchtest.New(couchtest.Options{})
	r := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running, OneShot: true, Waiting: 250})
	srv.Advance(100 * time.Second)
	r.Complete()
	var out bytes.Buffer
	command(t, serving(t, srv), &out, "doc", "orders")
	if !strings.Contains(out.String(), "docs_written 2.5/s on average, over 100s") {
		t.Errorf("doc: got\n%s\nwant how fast it was", out.String())
	}
}

func TestDocMeasuresRates(t *testing.T) {
	tests := []struct {
		name string
		then func(*couchtest.Replication) // while it is measured
		want string
	}{
		{"what moves has a rate", func(r *couchtest.Replication) { r.Progress(50) }, `rates over 200ms: docs_written \d+\.\d/s, docs_read`},
		{"what does not move is said", func(*couchtest.Replication) {}, `rates over 200ms: nothing moved`},
		{"so is one that ends meanwhile", (*couchtest.Replication).Delete, `it has ended meanwhile`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := couchtest.New(couchtest.Options{})
			r := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running, Waiting: 100})
			srv.After(100*time.Millisecond, func() { tt.then(r) })
			var out bytes.Buffer
			code, stderr := command(t, serving(t, srv), &out, "doc", "orders", "--measure", "200ms")
			if code != 0 || !regexp.MustCompile(tt.want).MatchString(out.String()) {
				t.Errorf("doc: exit %d, %s\ngot\n%s\nwant %s in it", code, stderr, out.String(), tt.want)
			}
		})
	}
}

func TestFollowSaysTroubleOnceAndGoesOn(t *testing.T) {
	srv := couchtest.New(couchtest.Options{})
	orders := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
	srv.After(600*time.Millisecond, orders.Complete)
	looks := 0
	server := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/orders") {
			if looks++; looks > 2 && looks < 6 {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusInternalServerError)
				io.WriteString(w, `{"error":"timeout","reason":"The request could not be processed in a reasonable amount of time."}`)
				return
			}
		}
		srv.ServeHTTP(w, r)
	}))
	var out bytes.Buffer
	code, stderr := command(t, server, &out, "follow", "orders", "--every", "100ms")
	if code != 0 || strings.Count(stderr, "500 timeout") != 1 || !strings.Contains(out.String(), " completed 100.0% ") {
		t.Errorf("follow: exit %d, stdout %q, stderr %q, want the trouble once, and its end", code, out.String(), stderr)
	}
}
