package couchtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"watchdog/scheduler/couchtest"
)

// crowd is a server with n replications, most of them running.
func crowd(n int) *couchtest.Server {
	srv := couchtest.New(couchtest.Options{})
	for i := range n {
		spec := couchtest.Spec{State: couchtest.Running, Docs: 1000, Rate: 1}
		switch i % 50 {
		case 0:
			spec.State, spec.Error = couchtest.Failed, "bad"
		case 1:
			spec.State, spec.Error = couchtest.Crashing, "db_not_found: could not open http://127.0.0.1:5984/x/"
		}
		srv.Put("_replicator", fmt.Sprintf("doc-%06d", i), spec)
	}
	return srv
}

func TestAKeysetWalkSeesEachRowOnce(t *testing.T) {
	const n = 10_000
	srv := crowd(n)
	client, stop := srv.Client()
	defer stop()
	seen, key := 0, ""
	for {
		res, err := client.Get(fmt.Sprintf("http://couchdb/_scheduler/docs?limit=2001&startkey=%%22%s%%22", key))
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			TotalRows int `json:"total_rows"`
			Offset    int
			Docs      []struct {
				DocID string `json:"doc_id"`
			}
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if page.TotalRows != n || page.Offset != seen {
			t.Errorf("page from %q: got total_rows %d, offset %d, want %d, %d", key, page.TotalRows, page.Offset, n, seen)
		}
		for i, d := range page.Docs {
			if want := fmt.Sprintf("doc-%06d", seen+i); d.DocID != want {
				t.Fatalf("row %d: got %s, want %s", seen+i, d.DocID, want)
			}
		}
		if len(page.Docs) < 2001 {
			seen += len(page.Docs)
			break
		}
		seen += len(page.Docs) - 1
		key = page.Docs[len(page.Docs)-1].DocID
	}
	if seen != n {
		t.Errorf("rows: got %d, want %d", seen, n)
	}
}

func BenchmarkList(b *testing.B) {
	const n = 100_000
	srv := crowd(n)
	url, stop, err := srv.Serve("")
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	for _, path := range []string{"/_scheduler/docs", "/_scheduler/docs?states=failed", "/_scheduler/jobs?limit=1000000", "/_scheduler/jobs?limit=0", "/_active_tasks"} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			var size int64
			for b.Loop() {
				res, err := http.Get(url + path)
				if err != nil {
					b.Fatal(err)
				}
				size, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(size)
		})
	}
}

// The cost of a change must not depend on how many there are.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		srv := crowd(n)
		r := srv.Doc("_replicator", "doc-000005")
		b.Run(fmt.Sprintf("crash and recover among %d", n), func(b *testing.B) {
			for b.Loop() {
				r.Crash("boom")
				r.Recover()
			}
		})
		b.Run(fmt.Sprintf("fail and rewrite among %d", n), func(b *testing.B) {
			for b.Loop() {
				r.Fail("bad")
				r.Start()
			}
		})
		b.Run(fmt.Sprintf("put among %d", n), func(b *testing.B) {
			for b.Loop() {
				srv.Put("_replicator", "doc-000007", couchtest.Spec{State: couchtest.Running})
			}
		})
	}
}
