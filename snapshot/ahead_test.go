package snapshot_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/snapshot"
)

// besides reads the listings alone and with what cuts rows ahead: they must see the same.
func besides(t *testing.T, body string, read func(*snapshot.Builder, io.Reader) error) {
	t.Helper()
	var cutting sync.WaitGroup
	alone, beside := snapshot.NewBuilder("prod", noon), snapshot.NewBuilder("prod", noon)
	beside.Beside(cutting.Go)
	want, got := read(alone, strings.NewReader(body)), read(beside, strings.NewReader(body))
	cutting.Wait()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%.80q: got error %v, want %v", body, got, want)
	}
	if diff := cmp.Diff(dump(alone.Snapshot()), dump(beside.Snapshot())); diff != "" {
		t.Fatalf("%.80q: -alone +beside:\n%s", body, diff)
	}
}

func readDocs(b *snapshot.Builder, body io.Reader) error { return b.Docs("_replicator", body) }

func TestRowsCutAheadAreTheSame(t *testing.T) {
	for pattern, read := range map[string]func(*snapshot.Builder, io.Reader) error{
		"docs-*.http": readDocs, "jobs-*.http": (*snapshot.Builder).Jobs,
	} {
		for _, name := range recordings(t, pattern) {
			_, body := recording(t, name)
			besides(t, body, read)
		}
	}
	besides(t, docs(oddities...), readDocs)
}

func TestRowsCutAheadOfAnAnswerThatStopsAnywhere(t *testing.T) {
	list := docs(doc("a", "running", info7, "null"), doc("b", "completed", info9, "null"))
	for n := range len(list) {
		besides(t, list[:n], readDocs)
	}
}

func TestRowsCutAheadOfManyBatchesAndOneTooLong(t *testing.T) {
	rows := make([]string, 3000)
	for i := range rows {
		rows[i] = doc(fmt.Sprintf("doc-%04d", i), "running", info7, "null")
	}
	rows[1000] = `{"doc_id":"` + strings.Repeat("x", 16<<20) + `"}`
	rows[2000] = `{"doc_id":"` + strings.Repeat("y", 1<<20) + `"}`
	besides(t, docs(rows...), readDocs)
}

func TestWhatCutsAheadEndsWhenNobodyTakesIt(t *testing.T) {
	var cutting sync.WaitGroup
	defer cutting.Wait() // hangs, if it does not end
	b := snapshot.NewBuilder("prod", noon)
	b.Beside(cutting.Go)
	b.Keep(func(string) bool { panic("a bug in the caller") })
	defer func() {
		if v := recover(); v != "a bug in the caller" {
			t.Errorf("recovered %v, want the caller's panic", v)
		}
	}()
	rows := make([]string, 5000)
	for i := range rows {
		rows[i] = job(fmt.Sprintf("doc-%04d", i), "", "added")
	}
	b.Jobs(strings.NewReader(jobs(rows...)))
}
