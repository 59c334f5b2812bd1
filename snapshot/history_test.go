package snapshot_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"watchdog/snapshot"
)

// history is the JSON of events, written newest first as "crashed@5 started@3", seconds after
// noon; without a second they are all at once.
func history(film string) string {
	events := []string{}
	for _, word := range strings.Fields(film) {
		kind, second, _ := strings.Cut(word, "@")
		n := 0
		fmt.Sscan(second, &n)
		at := noon.Add(time.Duration(n) * time.Second).Format(time.RFC3339)
		reason := ""
		if kind == "crashed" {
			reason = `,"reason":"db_not_found"`
		}
		events = append(events, fmt.Sprintf(`{"timestamp":"%s","type":"%s"%s}`, at, kind, reason))
	}
	return "[" + strings.Join(events, ",") + "]"
}

// job is the row of a job of a document in _replicator. A pid of "" is null.
func job(id, pid, film string) string {
	if pid == "" {
		pid = "null"
	} else {
		pid = `"` + pid + `"`
	}
	return fmt.Sprintf(`{"database":"_replicator","id":"r-%s+continuous","pid":%s,"source":"http://a/x/","target":"http://b/x/","user":null,"doc_id":"%s","info":null,"history":%s,"node":"n@h","start_time":"2026-11-24T12:00:00Z"}`,
		id, pid, id, history(film))
}

func TestErrorCountIsCountedAsCouchDBDoes(t *testing.T) {
	twenty := strings.TrimSpace(strings.Repeat("crashed started ", 10))
	for _, test := range []struct {
		name, film string
		want       int64
	}{
		{"nothing has happened", "", 0},
		{"only added", "added", 0},
		{"only stopped", "stopped", 0},
		{"the oldest event never counts", "crashed", 0},
		{"one crash after it was added", "crashed added", 1},
		{"two crashes, the older one at the end of the history", "crashed crashed", 1},
		{"a crash after a stop", "crashed stopped", 1},
		{"three failed starts", "crashed crashed crashed added", 3},
		{"two crashes after a stop", "crashed crashed stopped", 2},
		{"a crash after a start", "crashed started added", 1},
		{"two runs that crashed", "crashed@3 started@2 crashed@1 started@0", 2},
		{"a stop wipes the streak", "stopped@3 started@2 crashed@1 started@0", 0},
		{"a stop before the crash ends the streak", "crashed@3 started@2 stopped@1 started@0", 1},
		{"a crash after a healthy run begins anew", "crashed@999 started@0", 0},
		{"only the last run was short", "crashed@999 started@998 crashed@997 started@0", 1},
		{"a run of exactly two minutes was short", "crashed@120 started@0", 1},
		{"a run of one second more was healthy", "crashed@121 started@0", 0},
		{"it stays up while the job runs again", "started@9999 crashed@3 started@2 crashed@1 started@0", 2},
		{"20 events hold 10 crashes", twenty, 10},
		{"and 9 while the job runs", "started " + strings.TrimSuffix(twenty, " started"), 9},
	} {
		s := look(t, nil, noDocs, jobs(job("x", "", test.film)), noTasks)
		r := find(t, s, "x")
		if !r.Has(snapshot.FieldErrorCount) || r.ErrorCount != test.want {
			t.Errorf("%s (%s): got error_count %d, want %d", test.name, test.film, r.ErrorCount, test.want)
		}
	}
}

// In the timeline the jobs were read right after the documents, so what is worked out of a job
// is what CouchDB worked out of it for the document.
func TestJobsOfTheTimelineSayWhatTheirDocumentsSay(t *testing.T) {
	compared := 0
	for _, line := range timeline(t) {
		b := snapshot.NewBuilder("prod", line.T)
		if err := b.Jobs(strings.NewReader(string(line.Jobs))); err != nil {
			t.Fatal(err)
		}
		documents := rows(t, "docs", string(line.Docs))
		for _, job := range b.Snapshot().Replications {
			row, ok := documents[job.Key]
			if !ok {
				continue
			}
			compared++
			doc := said(t, job.Key, row)
			for _, f := range []snapshot.Field{
				snapshot.FieldState, snapshot.FieldErrorCount, snapshot.FieldLastUpdated,
				snapshot.FieldStartTime, snapshot.FieldID,
			} {
				if got, want := say(job, f), say(&doc, f); got != want {
					t.Errorf("%s %s of %s: got %s from the job, want %s as the document says",
						line.T.Format(time.TimeOnly), f, job.Path(), got, want)
				}
			}
			if doc.Has(snapshot.FieldError) && job.Error != doc.Error {
				t.Errorf("%s error of %s: got %q from the job, want %q", line.T.Format(time.TimeOnly), job.Path(), job.Error, doc.Error)
			}
		}
	}
	if compared != 424 {
		t.Errorf("compared %d pairs of a document and its job, want 424", compared)
	}
}

// timeline is the recording of a server over 102 seconds.
func timeline(t testing.TB) []snapshot.Line {
	t.Helper()
	f, err := os.Open("testdata/timeline.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []snapshot.Line
	for d := json.NewDecoder(f); ; {
		var l snapshot.Line
		if err := d.Decode(&l); err == io.EOF {
			return lines
		} else if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
}
