package snapshot_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchdog/snapshot"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const (
	noDocs  = `{"total_rows":0,"offset":0,"docs":[]}`
	noJobs  = `{"total_rows":0,"offset":0,"jobs":[]}`
	noTasks = `[]`
)

// docs and jobs are listings of these rows, as CouchDB writes them.
func docs(rows ...string) string {
	return fmt.Sprintf(`{"total_rows":%d,"offset":0,"docs":[`+"\n%s\n]}\n", len(rows), strings.Join(rows, ",\r\n"))
}

func jobs(rows ...string) string {
	return fmt.Sprintf(`{"total_rows":%d,"offset":0,"jobs":[%s]}`+"\n", len(rows), strings.Join(rows, ","))
}

// look reads the documents of _replicator, the jobs and the tasks, as they must be readable.
func look(t *testing.T, prev *snapshot.Snapshot, docs, jobs, tasks string) *snapshot.Snapshot {
	t.Helper()
	b := snapshot.NewBuilder("prod", noon)
	b.Reuse(prev)
	for _, err := range []error{
		b.Docs("_replicator", strings.NewReader(docs)),
		b.Jobs(strings.NewReader(jobs)),
		b.Tasks(strings.NewReader(tasks)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Snapshot()
}

// find is the replication of that document in _replicator.
func find(t *testing.T, s *snapshot.Snapshot, id string) *snapshot.Replication {
	t.Helper()
	for _, r := range s.Replications {
		if r.Key == (snapshot.Key{Database: "_replicator", DocID: id}) {
			return r
		}
	}
	t.Fatalf("snapshot has no replication %q: it has %s", id, paths(s))
	return nil
}

// paths are the replications of a snapshot, for comparing.
func paths(s *snapshot.Snapshot) string {
	var all []string
	for _, r := range s.Replications {
		all = append(all, r.Path())
	}
	return strings.Join(all, " ")
}

// say is the value of a field as people would write it, "?" when it is unknown.
func say(r *snapshot.Replication, f snapshot.Field) string {
	if !r.Has(f) {
		return "?"
	}
	switch f {
	case snapshot.FieldState:
		return string(r.State)
	case snapshot.FieldError:
		return fmt.Sprintf("%q", r.Error)
	case snapshot.FieldErrorCount:
		return fmt.Sprint(r.ErrorCount)
	case snapshot.FieldID:
		return r.ID
	case snapshot.FieldDocsWritten:
		return fmt.Sprint(r.DocsWritten)
	case snapshot.FieldChangesPending:
		return fmt.Sprint(r.ChangesPending)
	case snapshot.FieldThroughSeq:
		return r.ThroughSeq
	case snapshot.FieldPID:
		return r.PID
	case snapshot.FieldActive:
		return fmt.Sprint(r.Active)
	case snapshot.FieldContinuous:
		return fmt.Sprint(r.Continuous)
	case snapshot.FieldLastUpdated:
		return r.LastUpdated.Format(time.RFC3339)
	case snapshot.FieldStartTime:
		return r.StartTime.Format(time.RFC3339)
	case snapshot.FieldUser:
		return r.User
	case snapshot.FieldSource:
		return r.Source
	case snapshot.FieldHistory:
		var types []string
		for _, e := range r.History {
			types = append(types, string(e.Type))
		}
		return strings.Join(types, " ")
	}
	panic("say does not know " + f.String())
}

// recording is the status and the body of a recorded answer.
func recording(t testing.TB, name string) (status, body string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "couchdb-3.5.0", name))
	if err != nil {
		t.Fatal(err)
	}
	head, body, ok := strings.Cut(string(raw), "\r\n\r\n")
	if !ok {
		t.Fatalf("%s has no end of its headers", name)
	}
	return strings.Fields(head)[1], body
}

// recordings are the names of recorded answers.
func recordings(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "couchdb-3.5.0", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("recordings %s: got %d, error %v", pattern, len(paths), err)
	}
	for i, p := range paths {
		paths[i] = filepath.Base(p)
	}
	return paths
}
