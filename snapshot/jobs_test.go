package snapshot_test

import (
	"strings"
	"testing"

	"watchdog/snapshot"
)

// begun is a look after one that showed a job "x", with the tasks that there are now.
func begun(t *testing.T, job, before, now string) (*snapshot.Builder, snapshot.Standing) {
	t.Helper()
	first := look(t, nil, noDocs, jobs(job), before)
	b := snapshot.NewBuilder("prod", noon)
	b.Reuse(first)
	if err := b.Tasks(strings.NewReader(now)); err != nil {
		t.Fatal(err)
	}
	standing, ok := b.FollowJobs(nil)
	if !ok {
		t.Fatal("FollowJobs: the jobs cannot be followed")
	}
	return b, standing
}

func task(pid string, started int) string {
	return strings.NewReplacer("PID", pid, "STARTED", string(rune('0'+started))).Replace(
		`{"node":"n@h","pid":"PID","type":"replication","replication_id":"r-x+continuous","started_on":STARTED}`)
}

func TestAJobIsInDoubtWhenItsTaskTellsAnotherStory(t *testing.T) {
	both := task("<0.1.0>", 5) + "," + strings.ReplaceAll(task("<0.7.0>", 5), "r-x", "r-y")
	running, waiting := job("x", "<0.1.0>", "started@5 added@5"), job("x", "", "added@5")
	for _, test := range []struct {
		name        string
		job         string
		before, now string
		doubts      int
		goesOn      bool
	}{
		{"it runs on", running, task("<0.1.0>", 5), task("<0.1.0>", 5), 0, true},
		{"it still waits", waiting, "", "", 0, false},
		{"it has no task any more", running, task("<0.1.0>", 5), "", 1, false},
		{"it never had a task", running, "", "", 1, false},
		{"its task is of another process", running, task("<0.1.0>", 5), task("<0.2.0>", 6), 1, false},
		{"it waited and has a task", waiting, "", task("<0.1.0>", 5), 1, false},
		{"the node was started again, and its process has the same number", running, task("<0.1.0>", 5), task("<0.1.0>", 6), 0, false},
		{"a task of a job that was not there", running, task("<0.1.0>", 5), both, 1, true},
		{"a task that was there already, of a job that nobody wants", running, both, both, 0, true},
	} {
		_, got := begun(t, test.job, "["+test.before+"]", "["+test.now+"]")
		if len(got.Doubts) != test.doubts || got.Nodes["n@h"] != test.goesOn {
			t.Errorf("%s: got %d doubts, its node goes on %v; want %d, %v",
				test.name, len(got.Doubts), got.Nodes["n@h"], test.doubts, test.goesOn)
		}
	}
}

func TestWhatHappenedToAJobIsCounted(t *testing.T) {
	const twenty = "started@9 crashed@8 started@8 crashed@7 started@7 crashed@6 started@6 crashed@5 started@5 crashed@4" +
		" started@4 crashed@3 started@3 crashed@2 started@2 crashed@1 started@1 crashed@0 started@0 added@0"
	type tally = snapshot.Tally
	for _, test := range []struct {
		name        string
		before, now string // histories; "" now: the job is gone
		want        tally
		stopped     bool
	}{
		{"nothing", "started@5 added@5", "started@5 added@5", tally{}, false},
		{"a crash", "started@5 added@5", "crashed@6 started@5 added@5", tally{Crashed: 1}, false},
		{"a crash and a start in the second of the start before", "started@5 added@5", "started@5 crashed@5 started@5 added@5", tally{Started: 1, Crashed: 1}, false},
		{"a stop", "started@5 added@5", "stopped@6 started@5 added@5", tally{Stopped: 1}, true},
		{"the oldest events are forgotten", twenty, "crashed@9 " + strings.TrimSuffix(twenty, " added@0"), tally{Crashed: 1}, false},
		{"it was removed and added anew", "started@5 added@5", "started@7 added@7", tally{Ended: 1, Added: 1, Started: 1}, false},
		{"one that waited was", "added@5", "started@7 added@7", tally{Removed: 1, Added: 1, Started: 1}, false},
		{"one that ran is gone", "started@5 added@5", "", tally{Ended: 1}, false},
		{"one that waited is gone", "stopped@6 started@5 added@5", "", tally{Removed: 1}, false},
	} {
		pid := ""
		if strings.HasPrefix(test.before, "started") {
			pid = "<0.1.0>"
		}
		b, standing := begun(t, job("x", pid, test.before), "["+task("<0.1.0>", 5)+"]", "["+task("<0.2.0>", 6)+"]")
		if len(standing.Doubts) != 1 {
			t.Fatalf("%s: got %d doubts, want 1", test.name, len(standing.Doubts))
		}
		var got tally
		stopped := false
		if test.now == "" {
			got = b.Gone(standing.Doubts[0])
		} else {
			var err error
			if got, stopped, err = b.Job(standing.Doubts[0], []byte(job("x", "", test.now))); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		if got != test.want || stopped != test.stopped {
			t.Errorf("%s: got %+v, stopped %v, want %+v, %v", test.name, got, stopped, test.want, test.stopped)
		}
		history := "gone"
		if s := b.Snapshot(); len(s.Replications) == 1 {
			history = say(s.Replications[0], snapshot.FieldHistory)
		}
		if want := typesOf(test.now); history != want {
			t.Errorf("%s: the snapshot shows %q, want %q", test.name, history, want)
		}
	}
}

// typesOf are the types of a history that is written with its times.
func typesOf(history string) string {
	if history == "" {
		return "gone"
	}
	var types []string
	for event := range strings.FieldsSeq(history) {
		name, _, _ := strings.Cut(event, "@")
		types = append(types, name)
	}
	return strings.Join(types, " ")
}

func TestAJobWhoseLifeIsNotAllToldIsAnError(t *testing.T) {
	for name, row := range map[string]string{
		"a history that does not begin with its beginning": job("x", "", "crashed@9 started@8"),
		"no history":  job("x", "", ""),
		"another job": strings.ReplaceAll(job("x", "", "started@5 added@5"), "r-x", "r-y"),
		"no JSON":     "7",
	} {
		b, standing := begun(t, job("x", "<0.1.0>", "started@5 added@5"), "[]", "[]")
		if _, _, err := b.Job(standing.Doubts[0], []byte(row)); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestWhatWasCountedMustBeExplained(t *testing.T) {
	type tally = snapshot.Tally
	for _, test := range []struct {
		name           string
		found, counted tally
		want           bool
	}{
		{"nothing", tally{}, tally{}, true},
		{"all of it was found", tally{Started: 2, Crashed: 1}, tally{Started: 2, Crashed: 1}, true},
		{"a crash was not found", tally{Started: 1}, tally{Started: 1, Crashed: 1}, false},
		{"more was found than was counted", tally{Crashed: 1}, tally{}, false},
		{"one that ran ended by itself", tally{Ended: 1}, tally{}, true},
		{"one that ran was removed, and so stopped", tally{Ended: 1}, tally{Removed: 1, Stopped: 1}, true},
		{"one that ran ended, and one that waited was removed", tally{Ended: 1}, tally{Removed: 1}, false},
		{"two were removed and one was found", tally{Ended: 1}, tally{Removed: 2, Stopped: 2}, false},
		{"one that waited was removed", tally{Removed: 1}, tally{Removed: 1}, true},
	} {
		if got := test.found.Explains(test.counted); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestTheTaskOfARunningJobHasTheLastWord(t *testing.T) {
	running := withInfo(job("x", "<0.1.0>", "started@5 added@5"), info7)
	numbers := func(pid, rest string) string {
		return `[{"node":"n@h","pid":"` + pid + `","type":"replication","replication_id":"r-x+continuous",` + rest + `}]`
	}
	const nine = `"docs_read":9,"docs_written":9,"changes_pending":null,"revisions_checked":9,"missing_revisions_found":9,` +
		`"doc_write_failures":0,"bulk_get_docs":9,"bulk_get_attempts":9,"source_seq":"9-x","checkpointed_source_seq":"9-x"`
	told := func(tasks string) string {
		r := find(t, look(t, nil, noDocs, jobs(running), tasks), "x")
		return strings.Join([]string{say(r, snapshot.FieldDocsWritten), say(r, snapshot.FieldChangesPending), say(r, snapshot.FieldThroughSeq)}, " ")
	}
	asTheRowSays := told(noTasks)
	for _, test := range []struct{ name, tasks, want string }{
		{"of its own process", numbers("<0.1.0>", nine+`,"through_seq":"9-x"`), "9 ? 9-x"},
		{"of another process", numbers("<0.2.0>", nine+`,"through_seq":"9-x"`), asTheRowSays},
		{"before its first report", numbers("<0.1.0>", nine), asTheRowSays},
		{"that tells less", numbers("<0.1.0>", `"docs_written":9,"through_seq":"9-x"`), asTheRowSays},
		{"in a shape that nobody writes", numbers("<0.1.0>", nine+`,"through_seq":"9-x","odd":[1,{"a":2}]`), "9 ? 9-x"},
	} {
		if got := told(test.tasks); got != test.want {
			t.Errorf("with a task %s: docs_written, changes_pending and through_seq are %s, want %s", test.name, got, test.want)
		}
	}
}
