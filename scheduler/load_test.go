package scheduler_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/snapshot"
)

var update = flag.Bool("update", false, "write the table of docs/performance.md")

const (
	loadRows    = 20_000
	loadRunning = 500 // max_jobs: how many of them a node of CouchDB runs at a time
	loadLooks   = 120 // an hour at a check every 30 s
	loadWhole   = 6   // of them that list, at full_every 10m
	loadChanges = 60  // documents that are written in that hour
)

// traffic is what is asked of a server.
type traffic struct {
	requests int
	bytes    int64
}

func (l traffic) times(n int) traffic { return traffic{l.requests * n, l.bytes * int64(n)} }
func (l traffic) plus(other traffic) traffic {
	return traffic{l.requests + other.requests, l.bytes + other.bytes}
}

func (l traffic) less(other traffic) traffic {
	return traffic{l.requests - other.requests, l.bytes - other.bytes}
}

// cost is what one thing costs the simulated server.
func cost(srv *couchtest.Server, do func()) traffic {
	srv.ForgetRequests()
	do()
	var l traffic
	for _, t := range srv.Traffic() {
		l.requests += t.Requests
		l.bytes += t.Bytes
	}
	return l
}

// TestTheTableOfTheLoadIsTrue reads a simulated server of 20,000 replications in each way once,
// and holds docs/performance.md to what an hour of it comes to.
func TestTheTableOfTheLoadIsTrue(t *testing.T) {
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	srv := couchtest.New(couchtest.Options{Now: func() time.Time { return at }})
	for i := range loadRows {
		spec := couchtest.Spec{State: couchtest.Pending, Docs: 5000}
		if i < loadRunning {
			spec.State = couchtest.Running
		}
		srv.Put("_replicator", fmt.Sprintf("orders-%05d", i), spec)
	}
	handler := direct{srv}
	c := dial(t, scheduler.Spec{URL: "http://couch.example:5984"}, handler)
	var snap *snapshot.Snapshot
	look := func() { snap = c.Read(t.Context(), at, snap) }
	look() // signs in, and asks for the version and the nodes
	whole := cost(srv, look)
	idle := cost(srv, look)
	srv.Doc("_replicator", "orders-00007").Fail("duplicate")
	change := cost(srv, look).less(idle)
	if snap.Failed() || len(snap.Replications) != loadRows {
		t.Fatalf("Read: got %d replications and %v", len(snap.Replications), snap.Err())
	}
	c.FollowFrom(loadRows) // nothing is followed then
	snap = nil
	look()
	listing := cost(srv, look)
	pages := func(size int) traffic {
		return cost(srv, func() {
			for skip := 0; skip < loadRows; skip += size {
				query := fmt.Sprintf("/_scheduler/docs?limit=%d&skip=%d", size, skip)
				srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, query, nil))
			}
		})
	}

	var b strings.Builder
	b.WriteString("| reading 20,000 replications for an hour, every 30 s | requests | MB | seconds of the server's CPU |\n| --- | ---: | ---: | ---: |\n")
	line := func(name string, l traffic, seconds float64) {
		fmt.Fprintf(&b, "| %s | %d | %.0f | %.0f |\n", name, l.requests, float64(l.bytes)/1e6, seconds)
	}
	const jobs, docs = 0.54, 3.55               // seconds of CPU, as measured
	const tasks = jobs * loadRunning / loadRows // as of so many jobs; that was not measured
	line("Watchdog: the active tasks, and what has changed",
		whole.times(loadWhole).plus(idle.times(loadLooks-loadWhole)).plus(change.times(loadChanges)),
		loadLooks*tasks+loadWhole*(jobs+docs))
	line("all jobs and all documents at every check", listing.times(loadLooks), loadLooks*(jobs+docs))
	line("documents by `skip` pages of 1000", pages(1000).times(loadLooks), loadLooks*37.8)
	line("documents by `skip` pages of 100, as most pollers do", pages(100).times(loadLooks), loadLooks*318)
	holdTable(t, b.String())
}

// holdTable compares the table of the document, or writes it.
func holdTable(t *testing.T, table string) {
	t.Helper()
	const path, begin, end = "../docs/performance.md", "<!-- load -->\n", "<!-- end of load -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := bytes.Cut(text, []byte(begin))
	got, after, found := bytes.Cut(rest, []byte(end))
	if !found {
		t.Fatalf("%s: no place for the table between %q and %q", path, begin, end)
	}
	if *update {
		all := string(before) + begin + table + end + string(after)
		if err := os.WriteFile(path, []byte(all), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(got) != table {
		t.Errorf("%s says:\n%s\nwant:\n%s\nrun go test ./scheduler -run Load -update", path, got, table)
	}
}

// direct calls a server as a function, and keeps its answer in memory: all of a request has
// been counted when it returns.
type direct struct{ http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	req.RequestURI = req.URL.RequestURI()
	d.ServeHTTP(rec, req)
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

// BenchmarkMillion reads a million documents, made as they are sent. live-MB is how much more
// memory was in use at the worst moment than before.
func BenchmarkMillion(b *testing.B) {
	const rows = 1_000_000
	made := endless(rows)
	s := newCouch(map[string]any{
		docsRequest:  made,
		allJobs:      text(200, "application/json", `{"total_rows":0,"offset":0,"jobs":[]}`),
		tasksRequest: text(200, "application/json", "[]"),
	})
	c := serve(b, s, scheduler.Spec{})
	b.Run("rows", func(b *testing.B) {
		for b.Loop() {
			reportPeak(b, func() {
				n := 0
				for _, err := range c.Docs(b.Context(), scheduler.ListOptions{Database: "_replicator"}) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != rows {
					b.Fatalf("got %d rows, want %d", n, rows)
				}
			})
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			reportPeak(b, func() {
				if snap := c.Read(b.Context(), time.Now(), nil); len(snap.Replications) != rows {
					b.Fatalf("got %d replications, want %d", len(snap.Replications), rows)
				}
			})
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}

func reportPeak(b *testing.B, do func()) {
	b.Helper()
	b.ReportMetric(float64(peak(do))/(1<<20), "live-MB")
}

// peak is how much more memory is in use while something is done, at most, than before.
func peak(do func()) uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	now := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before, most := now(), uint64(0)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		every := time.NewTicker(5 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-done:
				return
			case <-every.C:
				most = max(most, now())
			}
		}
	}()
	do()
	close(done)
	<-stopped
	return max(most, before) - before
}

func TestStreamingTakesTheMemoryOfARow(t *testing.T) {
	const rows = 100_000
	c := serve(t, newCouch(map[string]any{docsRequest: endless(rows)}), scheduler.Spec{})
	n := 0
	took := peak(func() {
		for _, err := range c.Docs(t.Context(), scheduler.ListOptions{Database: "_replicator"}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
	})
	if n != rows || took > 64<<20 {
		t.Errorf("streaming %d rows: got %d of them, and %d MiB more in use, want at most 64", rows, n, took>>20)
	}
}

// endless is a listing of so many documents that is made as it is sent.
func endless(rows int) http.HandlerFunc {
	_, _, row := load("doc-running")
	row = bytes.TrimSpace(row)
	before, after, _ := bytes.Cut(row, []byte("cont-running"))
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"total_rows":%d,"offset":0,"docs":[`, rows)
		var b []byte
		for i := range rows {
			if i > 0 {
				b = append(b, ",\r\n"...)
			}
			b = append(b, before...)
			b = fmt.Appendf(b, "doc-%07d", i)
			b = append(b, after...)
			if len(b) > 32<<10 {
				if _, err := w.Write(b); err != nil {
					return
				}
				b = b[:0]
			}
		}
		w.Write(b)
		io.WriteString(w, "\r\n]}\n")
	}
}
