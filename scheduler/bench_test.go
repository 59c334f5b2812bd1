package scheduler_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

// BenchmarkRead is one look at 20,000 running replications over the loopback: a row of
// documents and one of jobs for each. The second and later looks reuse the one before.
func BenchmarkRead(b *testing.B) {
	const rows = 20_000
	s := newCouch(map[string]any{
		docsRequest:  listing(rows, "docs", "doc-running", `"doc_id":"cont-running"`),
		allJobs:      listing(rows, "jobs", "job-running", `"doc_id":"cont-running"`),
		tasksRequest: text(200, "application/json", "[]"),
	})
	c := serve(b, s, scheduler.Spec{})
	var snap *snapshot.Snapshot
	b.ReportAllocs()
	for b.Loop() {
		snap = c.Read(b.Context(), time.Now(), snap)
		if snap.Failed() || len(snap.Replications) != rows {
			b.Fatalf("Read: got %d replications and gaps %v", len(snap.Replications), snap.Gaps)
		}
	}
	b.ReportMetric(float64(2*rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// listing is a list of n rows, each the recorded one under a name of its own.
func listing(n int, list, recording, name string) http.HandlerFunc {
	_, _, row := load(recording)
	row = bytes.TrimSpace(row)
	var body bytes.Buffer
	fmt.Fprintf(&body, `{"total_rows":%d,"offset":0,"%s":[`, n, list)
	between := "\n"
	for i := range n {
		body.WriteString(between)
		between = ",\r\n"
		body.Write(bytes.Replace(row, []byte(name), fmt.Appendf(nil, `"doc_id":"doc-%05d"`, i), 1))
	}
	body.WriteString("\r\n]}\n")
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(body.Bytes())
	}
}
