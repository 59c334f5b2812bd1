package couchtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler/couchtest"
)

// row is what a watcher looks at.
type row struct {
	DocID      string `json:"doc_id"`
	State      string
	ErrorCount int `json:"error_count"`
	Info       *struct {
		Error          string
		DocsWritten    int  `json:"docs_written"`
		Failures       int  `json:"doc_write_failures"`
		ChangesPending *int `json:"changes_pending"`
	}
}

// rows reads both replicator databases of the demo.
func rows(t *testing.T, client *http.Client) map[string]row {
	t.Helper()
	all := map[string]row{}
	for _, db := range []string{"_replicator", "team/_replicator"} {
		res, err := client.Get("http://couchdb/_scheduler/docs/" + db)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var list struct{ Docs []row }
		if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
			t.Fatal(err)
		}
		for _, r := range list.Docs {
			all[r.DocID] = r
		}
	}
	return all
}

// frame is one replication at one moment, next to how far it was a second before.
func frame(r, before row) string {
	if r.DocID == "" {
		return "-"
	}
	text := r.State
	if r.ErrorCount > 0 {
		text += fmt.Sprintf(" errors=%d", r.ErrorCount)
	}
	if r.State != "running" || r.Info == nil {
		return text
	}
	if p := r.Info.ChangesPending; p == nil {
		text += " pending=null"
	} else {
		text += fmt.Sprintf(" pending=%d", *p)
	}
	if before.Info != nil && before.State == r.State {
		text += fmt.Sprintf(" %+d", r.Info.DocsWritten-before.Info.DocsWritten)
	}
	return text
}

func demo() (*couchtest.Server, *http.Client, func()) {
	start := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	srv := couchtest.Demo(couchtest.Options{Now: func() time.Time { return start }})
	client, stop := srv.Client()
	return srv, client, stop
}

func TestDemoTellsItsStory(t *testing.T) {
	srv, client, stop := demo()
	defer stop()
	tests := []struct {
		id    string
		strip map[int]string // by second
	}{
		{"orders", map[int]string{
			1: "running pending=0 +12", 2: "running pending=0 +12", 3: "crashing errors=1", 8: "crashing errors=1",
			9: "running errors=1 pending=null", 10: "running errors=1 pending=24 +60", 12: "running errors=1 pending=0 +12",
		}},
		{"orders-dr", map[int]string{1: "-", 2: "failed errors=1", 29: "failed errors=1", 31: "running pending=80772 +6000", 50: "running pending=0 +12"}},
		{"invoices", map[int]string{
			3: "running pending=0 +8", 4: "running pending=0 +8", 5: "running pending=8 +0", 12: "running pending=64 +0",
			13: "running pending=72 +0", 14: "running pending=40 +40", 16: "running pending=0 +16",
		}},
		{"nightly-archive", map[int]string{0: "running pending=1200", 1: "running pending=1140 +60", 19: "running pending=60 +60", 20: "completed", 79: "completed"}},
		{"geo", map[int]string{31: "running pending=0 +3", 32: "pending", 35: "pending", 37: "running pending=0 +3"}},
		{"payments", map[int]string{37: "running pending=9 +6", 39: "running pending=9 +0", 46: "running pending=9 +0", 47: "running pending=9 +6"}},
		{"sessions", map[int]string{44: "running pending=0 +40", 45: "crashing", 48: "crashing errors=1", 52: "crashing errors=2", 59: "running errors=2 pending=160 +400"}},
		{"mail-archive", map[int]string{49: "running pending=0 +0", 50: "-", 69: "-", 71: "running pending=0 +0"}},
		{"reports", map[int]string{63: "running pending=0 +1", 64: "error errors=1", 71: "error errors=1", 73: "running pending=0 +1"}},
		{"audit-log", map[int]string{1: "running pending=null +0", 79: "running pending=null +0"}},
		{"customers", map[int]string{1: "running pending=0 +2", 79: "running pending=0 +2"}},
		{"products", map[int]string{2: "running pending=0 +1", 78: "running pending=0 +1"}},
	}
	film := []map[string]row{rows(t, client)}
	for range 79 {
		srv.Advance(time.Second)
		film = append(film, rows(t, client))
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			got := map[int]string{}
			for second := range tt.strip {
				before := row{}
				if second > 0 {
					before = film[second-1][tt.id]
				}
				got[second] = frame(film[second][tt.id], before)
			}
			if diff := cmp.Diff(tt.strip, got); diff != "" {
				t.Errorf("%s by second (-want +got):\n%s", tt.id, diff)
			}
		})
	}
	for id := range film[79] {
		known := false
		for _, tt := range tests {
			known = known || tt.id == id
		}
		if !known {
			t.Errorf("replication %s of the demo is not looked at", id)
		}
	}
}

func TestDemoSaysWhyInCouchDBsWords(t *testing.T) {
	srv, client, stop := demo()
	defer stop()
	tests := []struct {
		id    string
		after time.Duration
		want  string
	}{
		{"orders-dr", 2 * time.Second, "Replication `" + srv.Doc("_replicator", "orders").JobID() +
			"` specified by document `orders-dr` already started, triggered by document `orders` from db `_replicator`"},
		{"orders", 3 * time.Second, "db_not_found: could not open http://127.0.0.1:5984/orders/"},
		{"sessions", 45 * time.Second, "{http_request_failed,\"GET\",\"https://replica.example.com/sessions/\",\n                     {error,{conn_failed,{error,econnrefused}}}}"},
		{"reports", 64 * time.Second, "Couldn't open document `_design/reports` from source database `http://127.0.0.1:5984/reports/`: {error,<<\"not_found\">>}"},
	}
	begin := srv.Now()
	for _, tt := range tests {
		srv.Advance(begin.Add(tt.after).Sub(srv.Now()))
		r := rows(t, client)[tt.id]
		if r.Info == nil || r.Info.Error != tt.want {
			t.Errorf("error of %s after %s: got %+v, want %q", tt.id, tt.after, r.Info, tt.want)
		}
	}
}

func TestDemoBeginsAgainAndStaysAlive(t *testing.T) {
	srv, client, stop := demo()
	defer stop()
	srv.Advance(100*couchtest.DemoCycle + 79*time.Second)
	var states []string
	for range 3 {
		srv.Advance(2 * time.Second) // 1 s, 3 s and 5 s of the next cycle
		all := rows(t, client)
		states = append(states, strings.Join([]string{all["orders"].State, all["orders-dr"].State, all["nightly-archive"].State}, " "))
	}
	want := []string{"running running running", "crashing failed running", "crashing failed running"}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("orders, orders-dr and nightly-archive at 1 s, 3 s and 5 s of cycle 102 (-want +got):\n%s", diff)
	}
	orders := rows(t, client)["orders"]
	if orders.ErrorCount != 1 {
		t.Errorf("error_count of orders after 102 crashes, each after a scheduler stop: got %d, want 1", orders.ErrorCount)
	}
}
