package snapshot_test

import (
	"fmt"
	"strings"
	"testing"

	"watchdog/snapshot"
)

const (
	info7 = `{"revisions_checked":7,"missing_revisions_found":7,"docs_read":7,"docs_written":7,"changes_pending":3,"doc_write_failures":0,"through_seq":"7-x"}`
	info9 = `{"revisions_checked":9,"missing_revisions_found":9,"docs_read":9,"docs_written":9,"changes_pending":null,"doc_write_failures":0,"through_seq":"9-x"}`
)

// doc is the row of a document in _replicator. Some members are null where its state says so.
func doc(id, state, info, updated string) string {
	rep := fmt.Sprintf(`"r-%s+continuous"`, id)
	switch snapshot.State(state) {
	case snapshot.Completed, snapshot.Failed, snapshot.ErrorState, snapshot.Initializing:
		rep = "null"
	}
	return fmt.Sprintf(`{"database":"_replicator","doc_id":"%s","id":%s,"node":"n@h","source":"http://a/x/","target":"http://b/x/","state":"%s","info":%s,"error_count":1,"last_updated":%s,"start_time":"2026-11-24T12:00:00Z","source_proxy":null,"target_proxy":null}`,
		id, rep, state, info, updated)
}

// withInfo gives the row of a job its counters.
func withInfo(job, info string) string { return strings.Replace(job, `"info":null`, `"info":`+info, 1) }

func TestDocumentAndJobAreJoined(t *testing.T) {
	const at5 = `"2026-11-24T12:00:05Z"`
	for _, test := range []struct {
		name     string
		doc, job string
		want     string // state, error, error_count, docs_written, changes_pending, through_seq, pid
	}{
		{
			"a document alone is as its row says",
			doc("x", "running", info7, at5), "", `running ? 1 7 3 7-x ?`,
		},
		{
			"a job alone gives state, error and error_count too",
			"", withInfo(job("x", "<0.1.0>", "started@5 added@5"), info9), `running "" 0 9 ? 9-x <0.1.0>`,
		},
		{
			"the job was read later: its counters count, and its null is not filled from before",
			doc("x", "running", info7, at5), withInfo(job("x", "<0.1.0>", "started@5"), info9), `running "" 0 9 ? 9-x <0.1.0>`,
		},
		{
			"a job without counters leaves those of its document",
			doc("x", "running", info7, at5), job("x", "<0.1.0>", "started@5"), `running "" 0 7 3 7-x <0.1.0>`,
		},
		{
			"a crashing document shows only its error, the counters are the job's",
			doc("x", "crashing", `{"error":"boom"}`, at5), withInfo(job("x", "", "crashed@5 started@4"), info9), `crashing "db_not_found" 1 9 ? 9-x ?`,
		},
		{
			"a crashing document whose job has no counters has none",
			doc("x", "crashing", `{"error":"boom"}`, at5), job("x", "", "crashed@5 started@4"), `crashing "db_not_found" 1 ? ? ? ?`,
		},
		{
			"a job that came back since its document crashed runs, with the crash remembered",
			doc("x", "crashing", `{"error":"boom"}`, at5), job("x", "<0.1.0>", "started@6 crashed@5 started@4"), `running "db_not_found" 1 ? ? ? <0.1.0>`,
		},
		{
			"a document in error became a job: its old error is over",
			doc("x", "error", `{"error":"no filter"}`, at5), job("x", "<0.1.0>", "started@6 added@6"), `running "" 0 ? ? ? <0.1.0>`,
		},
		{
			"a stopped job waits",
			doc("x", "pending", info7, at5), withInfo(job("x", "", "stopped@6 started@5"), info9), `pending "" 0 9 ? 9-x ?`,
		},
		{
			"a completed document stands against its job that is not forgotten yet",
			doc("x", "completed", info9, at5), withInfo(job("x", "<0.1.0>", "started@4 added@4"), info7), `completed "" 1 9 ? 9-x ?`,
		},
		{
			"also against one that started in the very second",
			doc("x", "completed", info9, at5), withInfo(job("x", "<0.1.0>", "started@5 added@5"), info7), `completed "" 1 9 ? 9-x ?`,
		},
		{
			"a job that started after the document was done is a new run, with nothing of the old one",
			doc("x", "completed", info9, at5), job("x", "<0.1.0>", "started@6 added@6"), `running "" 0 ? ? ? <0.1.0>`,
		},
		{
			"a failed document without a time stands, since nothing proves the job newer",
			doc("x", "failed", `{"error":"hand made"}`, "null"), withInfo(job("x", "<0.1.0>", "started@6"), info7), `failed "hand made" 1 7 3 7-x ?`,
		},
		{
			"a failed document keeps the last counters of its job",
			doc("x", "failed", `{"error":"duplicate"}`, at5), withInfo(job("x", "", "crashed@4 started@3"), info7), `failed "duplicate" 1 7 3 7-x ?`,
		},
		{
			"a job with another replication id is another run",
			doc("x", "running", info7, at5), strings.Replace(job("x", "<0.1.0>", "started@6"), "r-x", "r-new", 1), `running "" 0 ? ? ? <0.1.0>`,
		},
		{
			"a job whose history cannot be read leaves state, error and count as the document has them",
			doc("x", "crashing", `{"error":"boom"}`, at5), strings.Replace(job("x", "", "crashed@5"), history("crashed@5"), `"none"`, 1), `crashing "boom" 1 ? ? ? ?`,
		},
		{
			"a job without pid or history alone has no state",
			"", strings.Replace(job("x", "", "crashed@5"), history("crashed@5"), `null`, 1), `? ? ? ? ? ? ?`,
		},
		{
			"a crash without a reason has an unknown error",
			"", strings.Replace(job("x", "", "crashed@5 started@4"), `,"reason":"db_not_found"`, "", 1), `crashing ? 1 ? ? ? ?`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var docRows, jobRows []string
			if test.doc != "" {
				docRows = append(docRows, test.doc)
			}
			if test.job != "" {
				jobRows = append(jobRows, test.job)
			}
			r := find(t, look(t, nil, docs(docRows...), jobs(jobRows...), noTasks), "x")
			var got []string
			for _, f := range []snapshot.Field{
				snapshot.FieldState, snapshot.FieldError, snapshot.FieldErrorCount, snapshot.FieldDocsWritten,
				snapshot.FieldChangesPending, snapshot.FieldThroughSeq, snapshot.FieldPID,
			} {
				got = append(got, say(r, f))
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestJobsIDWins(t *testing.T) {
	s := look(t, nil,
		docs(doc("x", "running", info7, `"2026-11-24T12:00:05Z"`), doc("y", "completed", info7, `"2026-11-24T12:00:05Z"`)),
		jobs(strings.Replace(job("x", "<0.1.0>", "started@6"), "r-x", "r-new", 1), job("y", "<0.2.0>", "started@4")),
		noTasks)
	for id, want := range map[string]string{"x": "r-new+continuous", "y": "r-y+continuous"} {
		if got := say(find(t, s, id), snapshot.FieldID); got != want {
			t.Errorf("id of %s: got %s, want the job's, %s", id, got, want)
		}
	}
}

func TestOfTwoJobsOfOneDocumentTheNewerCounts(t *testing.T) {
	old := strings.Replace(job("x", "", "stopped@5 started@4"), "r-x", "r-old", 1)
	newer := job("x", "<0.2.0>", "started@6 added@6")
	blind := strings.Replace(old, history("stopped@5 started@4"), "null", 1)
	for _, order := range [][]string{{old, newer}, {newer, old}, {blind, newer}, {newer, blind}} {
		s := look(t, nil, noDocs, jobs(order...), noTasks)
		if r := find(t, s, "x"); r.State != snapshot.Running || len(s.Replications) != 1 {
			t.Errorf("got %d replications, state %s, want 1, running", len(s.Replications), r.State)
		}
	}
}

func TestTransientJobIsNamedByItsID(t *testing.T) {
	_, body := recording(t, "job-transient.http")
	s := look(t, nil, noDocs, jobs(body), noTasks)
	want := "_replicate/facd9fcaae0024404eed701c41809a19+continuous"
	if got := paths(s); got != want {
		t.Fatalf("got replications %s, want %s", got, want)
	}
	if got := say(s.Replications[0], snapshot.FieldContinuous) + " " + say(s.Replications[0], snapshot.FieldUser); got != "true admin" {
		t.Errorf("got continuous and user %s, want true admin", got)
	}
}

func TestActiveIsUnknownWithoutTasksOrID(t *testing.T) {
	listing := docs(doc("x", "running", "null", "null"), doc("y", "error", "null", "null"))
	for tasks, want := range map[string]string{
		`[{"type":"replication","replication_id":"r-x+continuous"}]`: "true ?",
		`[{"type":"indexer","replication_id":"r-x+continuous"}]`:     "false ?",
		`[]`:                             "false ?",
		`[{"type":"replication"}]`:       "? ?", // whose is it?
		`[{"type":"replication","replic`: "? ?",
		`{"error":"unauthorized"}`:       "? ?",
		`[1]`:                            "? ?",
	} {
		b := snapshot.NewBuilder("prod", noon)
		b.Docs("_replicator", strings.NewReader(listing))
		b.Jobs(strings.NewReader(noJobs))
		err := b.Tasks(strings.NewReader(tasks))
		s := b.Snapshot()
		got := say(find(t, s, "x"), snapshot.FieldActive) + " " + say(find(t, s, "y"), snapshot.FieldActive)
		if got != want {
			t.Errorf("tasks %s: got active %s, want %s", tasks, got, want)
		}
		if (err != nil) != (want == "? ?") || s.Failed() {
			t.Errorf("tasks %s: got error %v and failed %t; tasks that are not read are a gap that fails nothing", tasks, err, s.Failed())
		}
	}
}
