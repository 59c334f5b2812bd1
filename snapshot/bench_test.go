package snapshot_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"watchdog/snapshot"
)

const benchDocs = 100_000

// benchBodies are the docs, jobs and tasks of a server with benchDocs documents, with rows as
// in the recordings: of 20 documents 13 run, 2 wait, 2 crash and 3 are done. Every running job
// has moved by round.
func benchBodies(round int) (docs, jobs, tasks []byte) {
	var d, j, a bytes.Buffer
	fmt.Fprintf(&d, `{"total_rows":%d,"offset":0,"docs":[`+"\n", benchDocs)
	j.WriteString(`{"total_rows":0,"offset":0,"jobs":[`)
	a.WriteString("[")
	comma := ""
	for i := range benchDocs {
		if i > 0 {
			d.WriteString(",\r\n")
		}
		state, pid, events, written := "running", fmt.Sprintf(`"<0.%d.0>"`, i), []string{"started", "added"}, i+round
		switch i % 20 {
		case 3, 13:
			state, pid, events, written = "pending", "null", []string{"stopped", "started", "added"}, i
		case 7, 17:
			state, pid, events, written = "crashing", "null", []string{"crashed", "started", "crashed", "started", "added"}, i
		case 5, 10, 15:
			state, written = "completed", i
		}
		seq := fmt.Sprintf("%d-g1AAAACbeJzLYWBgYMpgTmEQTM4vTc5ISXIwNDLXMwBCwxyQVCJDUv3___-zMpgT2XKBAuxJ5klploYm2DTgMSaPBUgyNACp_1DTWMCmGRsap6ZaGGLTlwUA%06x", written, i)
		info := fmt.Sprintf(`{"revisions_checked":%d,"missing_revisions_found":%d,"docs_read":%d,"docs_written":%d,"changes_pending":0,"doc_write_failures":0,"bulk_get_docs":%d,"bulk_get_attempts":%d,"checkpointed_source_seq":"%s","source_seq":"%s","through_seq":"%s"}`,
			written, written, written, written, written, written, seq, seq, seq)
		id := fmt.Sprintf("%032x+continuous+create_target", i)
		ends := fmt.Sprintf(`"source":"https://cluster-%02d.example.com/orders_%06d/","target":"https://backup.example.com/orders_%06d/"`, i%40, i, i)
		if state == "completed" {
			fmt.Fprintf(&d, `{"database":"_replicator","doc_id":"orders-%06d","id":null,%s,"state":"completed","error_count":0,"info":%s,"start_time":"2026-11-24T07:09:47Z","last_updated":"2026-11-24T07:09:48Z"}`, i, ends, info)
			continue
		}
		reason := fmt.Sprintf(`"{http_request_failed,\"GET\",\"https://cluster-%02d.example.com/orders_%06d/\",\n                     {error,sel_conn_closed}}"`, i%40, i)
		docInfo := info
		if state == "crashing" {
			docInfo = `{"error":` + reason + `}`
		}
		fmt.Fprintf(&d, `{"database":"_replicator","doc_id":"orders-%06d","id":"%s","node":"couchdb@127.0.0.1",%s,"state":"%s","info":%s,"error_count":0,"last_updated":"2026-11-24T07:09:48Z","start_time":"2026-11-24T07:09:47Z","source_proxy":null,"target_proxy":null}`,
			i, id, ends, state, docInfo)
		for n, e := range events {
			if e == "crashed" {
				e += `","reason":` + reason
			} else {
				e += `"`
			}
			events[n] = fmt.Sprintf(`{"timestamp":"2026-11-24T07:09:%02dZ","type":"%s}`, 48-n, e)
		}
		fmt.Fprintf(&j, `%s{"database":"_replicator","id":"%s","pid":%s,%s,"user":null,"doc_id":"orders-%06d","info":%s,"history":[%s],"node":"couchdb@127.0.0.1","start_time":"2026-11-24T07:09:47Z"}`,
			comma, id, pid, ends, i, info, strings.Join(events, ","))
		if state == "running" {
			fmt.Fprintf(&a, `%s{"node":"couchdb@127.0.0.1","pid":%s,"process_status":"waiting","changes_pending":0,"continuous":true,"replication_id":"%s","type":"replication","user":null}`, comma, pid, id)
		}
		comma = ","
	}
	d.WriteString("\n]}\n")
	j.WriteString("]}\n")
	a.WriteString("]")
	return d.Bytes(), j.Bytes(), a.Bytes()
}

// measure runs f and reports what it costs for each document.
func measure(b *testing.B, bytes int, f func()) {
	b.SetBytes(int64(bytes))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		f()
	}
	runtime.ReadMemStats(&after)
	all := float64(b.N) * benchDocs
	b.ReportMetric(all/b.Elapsed().Seconds(), "docs/s")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/all, "B/doc")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/all, "allocs/doc")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkReadDocs reads 100,000 documents, and their jobs, and for comparison the same bytes
// by encoding/json into structs.
func BenchmarkReadDocs(b *testing.B) {
	docs, jobs, tasks := benchBodies(0)
	var beside sync.WaitGroup
	build := func(prev *snapshot.Snapshot, docs, jobs, tasks []byte) *snapshot.Snapshot {
		builder := snapshot.NewBuilder("prod", noon)
		builder.Reuse(prev)
		if runtime.GOMAXPROCS(0) > 1 {
			builder.Beside(beside.Go)
		}
		err := builder.Docs("_replicator", bytes.NewReader(docs))
		if err == nil && jobs != nil {
			err = builder.Jobs(bytes.NewReader(jobs))
		}
		if err == nil && tasks != nil {
			err = builder.Tasks(bytes.NewReader(tasks))
		}
		s := builder.Snapshot()
		if err != nil || len(s.Replications) != benchDocs || len(s.RowErrors) > 0 {
			b.Fatalf("got %d replications, row errors %v, error %v", len(s.Replications), s.RowErrors, err)
		}
		return s
	}
	b.Run("docs", func(b *testing.B) {
		measure(b, len(docs), func() { build(nil, docs, nil, nil) })
	})
	b.Run("docs-by-encoding-json", func(b *testing.B) {
		measure(b, len(docs), func() { plainDocs(b, docs) })
	})
	b.Run("docs-and-jobs", func(b *testing.B) {
		measure(b, len(docs)+len(jobs), func() { build(nil, docs, jobs, nil) })
	})
	b.Run("docs-and-jobs-by-encoding-json", func(b *testing.B) {
		measure(b, len(docs)+len(jobs), func() { plainJoin(b, docs, jobs) })
	})
	b.Run("unchanged", func(b *testing.B) {
		prev := build(nil, docs, jobs, tasks)
		measure(b, len(docs)+len(jobs)+len(tasks), func() { prev = build(prev, docs, jobs, tasks) })
	})
	b.Run("all-that-run-have-moved", func(b *testing.B) {
		movedDocs, movedJobs, movedTasks := benchBodies(1)
		prev, moved := build(nil, docs, jobs, tasks), false
		measure(b, len(docs)+len(jobs)+len(tasks), func() {
			if moved = !moved; moved {
				prev = build(prev, movedDocs, movedJobs, movedTasks)
			} else {
				prev = build(prev, docs, jobs, tasks)
			}
		})
	})
}

// The rows as structs of encoding/json in which null can be told from zero.
type (
	plainRow struct {
		Database    *string      `json:"database"`
		DocID       *string      `json:"doc_id"`
		ID          *string      `json:"id"`
		Node        *string      `json:"node"`
		Source      *string      `json:"source"`
		Target      *string      `json:"target"`
		State       *string      `json:"state"`
		PID         *string      `json:"pid"`
		User        *string      `json:"user"`
		ErrorCount  *int64       `json:"error_count"`
		Info        *plainInfo   `json:"info"`
		LastUpdated *time.Time   `json:"last_updated"`
		StartTime   *time.Time   `json:"start_time"`
		History     []plainEvent `json:"history"`
	}
	plainInfo struct {
		Error                 *string `json:"error"`
		RevisionsChecked      *int64  `json:"revisions_checked"`
		MissingRevisionsFound *int64  `json:"missing_revisions_found"`
		DocsRead              *int64  `json:"docs_read"`
		DocsWritten           *int64  `json:"docs_written"`
		ChangesPending        *int64  `json:"changes_pending"`
		DocWriteFailures      *int64  `json:"doc_write_failures"`
		BulkGetDocs           *int64  `json:"bulk_get_docs"`
		BulkGetAttempts       *int64  `json:"bulk_get_attempts"`
		CheckpointedSourceSeq *string `json:"checkpointed_source_seq"`
		SourceSeq             *string `json:"source_seq"`
		ThroughSeq            *string `json:"through_seq"`
	}
	plainEvent struct {
		Timestamp time.Time `json:"timestamp"`
		Type      string    `json:"type"`
		Reason    string    `json:"reason"`
	}
)

func plainDocs(b *testing.B, docs []byte) []plainRow {
	var body struct{ Docs []plainRow }
	if err := json.Unmarshal(docs, &body); err != nil || len(body.Docs) != benchDocs {
		b.Fatalf("got %d docs, error %v", len(body.Docs), err)
	}
	return body.Docs
}

func plainJoin(b *testing.B, docs, jobs []byte) map[string][2]*plainRow {
	all := make(map[string][2]*plainRow, benchDocs)
	rows := plainDocs(b, docs)
	for i := range rows {
		all[*rows[i].DocID] = [2]*plainRow{&rows[i]}
	}
	var body struct{ Jobs []plainRow }
	if err := json.Unmarshal(jobs, &body); err != nil {
		b.Fatal(err)
	}
	for i := range body.Jobs {
		id := *body.Jobs[i].DocID
		all[id] = [2]*plainRow{all[id][0], &body.Jobs[i]}
	}
	return all
}
