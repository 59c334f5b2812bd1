package couchtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler/couchtest"
)

func TestAScriptHappensAtItsOwnTimes(t *testing.T) {
	w := newWorld(t, couchtest.Options{})
	orders := w.srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running, Rate: 2})
	begin := w.srv.Now()
	var told []string
	tell := func(what string) func() {
		return func() { told = append(told, fmt.Sprintf("%s at %s", what, w.srv.Now().Sub(begin))) }
	}
	w.srv.Play(couchtest.Script{
		{At: 9 * time.Second, Do: func() { orders.Recover(); tell("recover")() }},
		{At: 3 * time.Second, Do: func() { orders.Crash("boom"); tell("crash")() }},
		{At: 3 * time.Second, Do: tell("and then")},
		{At: 5 * time.Second, Do: func() { w.srv.After(2*time.Second, tell("nested")) }},
		{At: time.Hour, Do: tell("too early")},
	})
	w.srv.Advance(2 * time.Second)
	if len(told) != 0 {
		t.Errorf("after 2s: got %v, want nothing", told)
	}
	w.srv.Advance(58 * time.Second)
	want := []string{"crash at 3s", "and then at 3s", "nested at 7s", "recover at 9s"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("steps run late, by one jump of the clock (-want +got):\n%s", diff)
	}
	if got, want := w.history(), "started@00:09 crashed@00:03 started@00:00 added@00:00"; got != want {
		t.Errorf("history: got %s, want %s", got, want)
	}
	if got, want := w.srv.Now().Sub(begin), time.Minute; got != want {
		t.Errorf("the server's time after the script: got %s, want %s", got, want)
	}
}

func TestARequestFindsWhatIsDue(t *testing.T) {
	now := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	w := newWorld(t, couchtest.Options{Now: func() time.Time { return now }})
	orders := w.srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
	w.srv.After(3*time.Second, func() { orders.Fail("bad") })
	now = now.Add(4 * time.Second)
	var row struct {
		State       string
		LastUpdated time.Time `json:"last_updated"`
	}
	w.get("/_scheduler/docs/_replicator/orders", &row)
	if row.State != "failed" || !row.LastUpdated.Equal(now.Add(-time.Second)) {
		t.Errorf("row: got %s since %s, want failed since %s", row.State, row.LastUpdated, now.Add(-time.Second))
	}
}

func TestServeMakesTheServersURLItsOwn(t *testing.T) {
	srv := couchtest.New(couchtest.Options{Manual: true})
	orders := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running, Waiting: 3})
	url, stop, err := srv.Serve("")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if got, want := srv.URL("orders"), url+"/orders/"; got != want {
		t.Errorf("URL of orders: got %s, want %s", got, want)
	}
	id := orders.JobID()
	for _, path := range []string{"/_scheduler/docs/_replicator/orders", "/_scheduler/jobs/" + id} {
		res, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		var row struct{ Source string }
		err = json.NewDecoder(res.Body).Decode(&row)
		res.Body.Close()
		if err != nil || row.Source != url+"/orders/" {
			t.Errorf("source in %s: got %s, %v, want %s/orders/", path, row.Source, err, url)
		}
		res, err = http.Get(row.Source + "_changes?since=0&limit=0")
		if err != nil {
			t.Fatal(err)
		}
		var feed struct{ Pending int }
		err = json.NewDecoder(res.Body).Decode(&feed)
		res.Body.Close()
		if err != nil || feed.Pending != 3 {
			t.Errorf("pending of the source in %s: got %d, %v, want 3", path, feed.Pending, err)
		}
	}
	stop()
	if _, err := http.Get(url); err == nil {
		t.Error("after stop: got an answer, want none")
	}
}

func TestManyHandsAtOnce(t *testing.T) {
	w := newWorld(t, couchtest.Options{})
	var all []*couchtest.Replication
	for i := range 50 {
		all = append(all, w.srv.Put("_replicator", fmt.Sprintf("doc-%02d", i), couchtest.Spec{State: couchtest.Running, Rate: 5}))
	}
	var hands sync.WaitGroup
	for hand := range 4 {
		hands.Go(func() {
			for i := range 200 {
				r := all[(i*7+hand)%len(all)]
				switch i % 7 {
				case 0:
					r.Crash("boom")
				case 1:
					r.Start()
				case 2:
					r.Complete()
				case 3:
					r.Delete()
				case 4:
					w.srv.Put("_replicator", fmt.Sprintf("doc-%02d", (i*3)%50), couchtest.Spec{State: couchtest.Running})
				case 5:
					w.srv.After(time.Second, r.Stop)
				case 6:
					w.srv.Advance(100 * time.Millisecond)
				}
			}
		})
	}
	paths := []string{"/_scheduler/docs", "/_scheduler/jobs?limit=1000", "/_active_tasks", "/_replicator/_changes", "/_replicator/_all_docs"}
	for _, path := range paths {
		hands.Go(func() {
			for range 50 {
				if got := look(w.client, path); got[:3] != "200" {
					t.Errorf("GET %s: got %s, want 200", path, got)
				}
			}
		})
	}
	hands.Wait()
	var docs struct {
		Docs []struct {
			DocID string `json:"doc_id"`
		}
	}
	w.get("/_scheduler/docs", &docs)
	seen := map[string]bool{}
	for i, d := range docs.Docs {
		if seen[d.DocID] || i > 0 && d.DocID <= docs.Docs[i-1].DocID {
			t.Errorf("document %s is listed twice or out of order", d.DocID)
		}
		seen[d.DocID] = true
	}
	for i, r := range all {
		id := fmt.Sprintf("doc-%02d", i)
		if res := w.get("/_scheduler/docs/_replicator/"+id, &struct{}{}); (res.StatusCode == http.StatusOK) != seen[id] {
			t.Errorf("document %s, %s: listed %t, asked for %d", id, r.State(), seen[id], res.StatusCode)
		}
	}
}
