package snapshot_test

import (
	"slices"
	"strings"
	"testing"
	"unsafe"

	"watchdog/snapshot"
)

// same reports whether two texts share their memory.
func same(a, b string) bool { return a == b && unsafe.StringData(a) == unsafe.StringData(b) }

func TestWhatHasNotChangedIsShared(t *testing.T) {
	_, d := recording(t, "docs-all.http")
	_, j := recording(t, "jobs-all.http")
	_, a := recording(t, "active-tasks.http")
	first := look(t, nil, d, j, a)
	second := look(t, first, d, j, a)
	third := look(t, second, d, j, a)
	for i, r := range first.Replications {
		if second.Replications[i] != r || third.Replications[i] != r {
			t.Errorf("%s was made anew though nothing changed", r.Path())
		}
	}
}

// Every look that reuses the one before must say what it would have said without it.
func TestReuseChangesNothing(t *testing.T) {
	const at5, at6 = `"2026-11-24T12:00:05Z"`, `"2026-11-24T12:00:06Z"`
	type frame struct {
		docs, jobs, tasks []string
		pending           map[string]int64
		keep              string
	}
	running := doc("x", "running", info9, at5)
	itsJob := withInfo(job("x", "<0.1.0>", "started@5 added@5"), info9)
	task := `{"type":"replication","replication_id":"r-x+continuous"}`
	for _, film := range []struct {
		name   string
		frames []frame
	}{
		{"a document gets a job, loses it, and goes", []frame{
			{docs: []string{running}}, {docs: []string{running}, jobs: []string{itsJob}}, {docs: []string{running}}, {jobs: []string{itsJob}}, {},
		}},
		{"only the job changes", []frame{
			{docs: []string{running}, jobs: []string{itsJob}},
			{docs: []string{running}, jobs: []string{job("x", "", "crashed@6 started@5 added@5")}},
			{docs: []string{running}, jobs: []string{job("x", "<0.1.0>", "started@7 crashed@6 started@5 added@5")}},
		}},
		{"only the document changes", []frame{
			{docs: []string{running}, jobs: []string{itsJob}},
			{docs: []string{doc("x", "completed", info7, at6)}, jobs: []string{itsJob}},
			{docs: []string{running}, jobs: []string{itsJob}},
		}},
		{"a task comes and goes", []frame{
			{docs: []string{running}, jobs: []string{itsJob}},
			{docs: []string{running}, jobs: []string{itsJob}, tasks: []string{task}},
			{docs: []string{running}, jobs: []string{itsJob}, tasks: []string{task}},
			{docs: []string{running}, jobs: []string{itsJob}},
		}},
		{"a document alone is active and is not", []frame{
			{docs: []string{running}, tasks: []string{task}}, {docs: []string{running}}, {docs: []string{running}, jobs: []string{itsJob}},
		}},
		{"the source says, says else, and is silent", []frame{
			{docs: []string{running}, jobs: []string{itsJob}, pending: map[string]int64{"x": 5}},
			{docs: []string{running}, jobs: []string{itsJob}, pending: map[string]int64{"x": 5}},
			{docs: []string{running}, jobs: []string{itsJob}, pending: map[string]int64{"x": 0}},
			{docs: []string{running}, jobs: []string{itsJob}},
			{docs: []string{running}, pending: map[string]int64{"x": 2}},
			{docs: []string{running}, jobs: []string{job("x", "<0.1.0>", "started@5")}},
		}},
		{"two jobs of one document", []frame{
			{jobs: []string{itsJob, job("x", "", "stopped@9 started@5")}},
			{jobs: []string{itsJob, job("x", "", "stopped@9 started@5")}},
			{jobs: []string{job("x", "", "stopped@9 started@5"), itsJob}},
			{jobs: []string{itsJob}},
		}},
		{"a database is not watched any more", []frame{
			{jobs: []string{itsJob}}, {jobs: []string{itsJob}, keep: "none"}, {jobs: []string{itsJob}},
		}},
		{"the account before the database is learned", []frame{
			{jobs: []string{strings.Replace(itsJob, "_replicator", "acme/_replicator", 1)}},
			{docs: []string{strings.Replace(running, "_replicator", "acme/_replicator", 1)}, jobs: []string{strings.Replace(itsJob, "_replicator", "acme/_replicator", 1)}},
			{docs: []string{strings.Replace(running, "_replicator", "acme/_replicator", 1)}, jobs: []string{strings.Replace(itsJob, "_replicator", "acme/_replicator", 1)}},
		}},
		{"an odd row comes and goes", []frame{
			{docs: []string{running}}, {docs: []string{running, "7"}}, {docs: []string{"7", running}}, {docs: []string{running}},
		}},
	} {
		t.Run(film.name, func(t *testing.T) {
			var prev *snapshot.Snapshot
			for i, f := range film.frames {
				shot := func(prev *snapshot.Snapshot) *snapshot.Snapshot {
					b := snapshot.NewBuilder("prod", noon)
					b.Reuse(prev)
					if f.keep != "" {
						b.Keep(func(string) bool { return false })
					}
					b.Docs("_replicator", strings.NewReader(docs(f.docs...)))
					b.Jobs(strings.NewReader(jobs(f.jobs...)))
					b.Tasks(strings.NewReader("[" + strings.Join(f.tasks, ",") + "]"))
					for id, n := range f.pending {
						b.SourcePending(key(id), n)
					}
					return b.Snapshot()
				}
				before := ""
				if prev != nil {
					before = dump(prev)
				}
				got, want := shot(prev), shot(nil)
				if dump(got) != dump(want) {
					t.Errorf("frame %d: got\n%swant\n%s", i, dump(got), dump(want))
				}
				if prev != nil && dump(prev) != before {
					t.Errorf("frame %d changed the snapshot before:\n%swas\n%s", i, dump(prev), before)
				}
				prev = got
			}
		})
	}
}

func TestTheSameRowOfAnotherDatabaseIsAnother(t *testing.T) {
	row := docs(doc("x", "running", info7, "null"))
	first := look(t, nil, row, noJobs, noTasks)
	b := snapshot.NewBuilder("prod", noon)
	b.Reuse(first)
	b.Docs("team/_replicator", strings.NewReader(row))
	b.Docs("_replicator", strings.NewReader(row))
	b.Jobs(strings.NewReader(noJobs))
	if got := paths(b.Snapshot()); got != "_replicator/x team/_replicator/x" {
		t.Errorf("got replications %s, want x of both databases", got)
	}
}

func TestTheTimelineReusedIsTheTimeline(t *testing.T) {
	var prev *snapshot.Snapshot
	for _, line := range timeline(t) {
		got, err := line.Snapshot(prev)
		if err != nil {
			t.Fatal(err)
		}
		want, err := line.Snapshot(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got.Replications, want.Replications, (*snapshot.Replication).Equal) {
			t.Errorf("%s: with the snapshot before got\n%swant\n%s", line.T, dump(got), dump(want))
		}
		prev = got
	}
}

func TestTextsThatHaveNotChangedAreShared(t *testing.T) {
	first := look(t, nil, docs(doc("x", "running", info7, "null")), jobs(withInfo(job("x", "<0.1.0>", "started added"), info7)), noTasks)
	second := look(t, first, docs(doc("x", "running", info9, "null")), jobs(withInfo(job("x", "<0.1.0>", "started added"), info9)), noTasks)
	a, b := find(t, first, "x"), find(t, second, "x")
	for name, shared := range map[string]bool{
		"doc_id": same(a.DocID, b.DocID), "id": same(a.ID, b.ID), "source": same(a.Source, b.Source),
		"target": same(a.Target, b.Target), "pid": same(a.PID, b.PID), "history": &a.History[0] == &b.History[0],
	} {
		if !shared {
			t.Errorf("%s was made anew though only counters changed", name)
		}
	}
	if b.DocsWritten != 9 {
		t.Errorf("docs_written: got %d, want 9", b.DocsWritten)
	}
}

func TestEqualSequencesOfARowShareTheirText(t *testing.T) {
	info := `{"source_seq":"7-g1A","through_seq":"7-g1A","checkpointed_source_seq":"7-g1A"}`
	r := find(t, look(t, nil, docs(doc("x", "running", info, "null")), noJobs, noTasks), "x")
	if !same(r.SourceSeq, r.ThroughSeq) || !same(r.ThroughSeq, r.CheckpointedSourceSeq) || r.SourceSeq != "7-g1A" {
		t.Errorf("got sequences %q, %q, %q, want one text three times", r.SourceSeq, r.ThroughSeq, r.CheckpointedSourceSeq)
	}
}

func TestRowsMayComeInAnyOrderAndTwice(t *testing.T) {
	a, b, c := doc("a", "pending", "null", "null"), doc("b", "pending", "null", "null"), doc("c", "pending", "null", "null")
	last := doc("b", "running", "null", "null")
	first := look(t, nil, docs(b), noJobs, noTasks)
	for _, rows := range [][]string{{a, b, c, last}, {c, b, a, last}, {b, c, last, a}, {b, last, c, a, c}} {
		for name, prev := range map[string]*snapshot.Snapshot{"anew": nil, "after a look at b": first} {
			s := look(t, prev, docs(rows...), jobs(job("c", "", "added"), job("a", "", "added")), noTasks)
			if got := paths(s); got != "_replicator/a _replicator/b _replicator/c" || find(t, s, "b").State != snapshot.Running {
				t.Errorf("%s: got replications %s, b %s; want a, b and c once, b as its last row has it", name, got, find(t, s, "b").State)
			}
		}
	}
}
