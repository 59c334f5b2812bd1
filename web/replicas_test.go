package web_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/lease"
	"watchdog/snapshot"
	"watchdog/watch"
	"watchdog/web"
)

// pair are two replicas, of which this one is web-1: it watches prod and tells oncall, and web-2
// watches dr and tells hook.
type pair struct {
	show func(rows bool) // brings the board up to date
}

func (pair) Name() string   { return "web-1" }
func (pair) Live() []string { return []string{"web-1", "web-2"} }
func (pair) Held() []string { return []string{"server/prod", "sink/oncall"} }

func (p pair) Show(_ context.Context, rows bool) {
	if p.show != nil {
		p.show(rows)
	}
}

func (pair) Roster(context.Context) (*lease.Roster, error) {
	since := at(0)
	return &lease.Roster{
		Replicas: []lease.Replica{
			{Name: "web-0", Until: at(60), Since: &since},
			{Name: "web-1", Live: true, Since: &since, Until: time.Now()},
			{Name: "web-2", Live: true, Since: &since, Until: time.Now()},
		},
		Leases: []lease.Tenure{
			{Kind: "server", Name: "dr", Holder: "web-2", Live: true, Epoch: 2, Since: &since},
			{Kind: "server", Name: "prod", Holder: "web-1", Live: true, Epoch: 1, Since: &since},
			{Kind: "sink", Name: "hook", Holder: "web-2", Live: true, Epoch: 1, Since: &since},
			{Kind: "sink", Name: "oncall", Holder: "web-1", Live: true, Epoch: 1},
		},
	}, nil
}

// newPair is a house of web-1, where web-2 has written down that it sees a replication mail, which
// failed.
func newPair(t *testing.T) *house {
	t.Helper()
	there := board.New([]board.Server{{Name: "dr"}})
	seen := &snapshot.Snapshot{Server: "dr", At: at(30), Version: "3.4.2", Replications: []*snapshot.Replication{failing("mail")}}
	there.Report(&watch.Report{Server: "dr", Snapshot: seen})
	sight, err := there.Server("dr").Sight("web-2", nil)
	if err != nil {
		t.Fatal(err)
	}
	var h *house
	h = newHouseWith(t, web.Options{Replicas: pair{show: func(rows bool) {
		told := *sight
		if !rows {
			told.Parts = nil
		}
		d := new(board.Distant)
		if err := d.Take(&told); err != nil {
			t.Error(err)
		}
		h.board.Elsewhere("dr", []alert.Alert{fires("mail")}, d)
	}}})
	h.look(at(40), []alert.Alert{fires("orders")}, failing("orders"))
	return h
}

func fires(doc string) alert.Alert {
	server := map[string]string{"mail": "dr", "orders": "prod"}[doc]
	return alert.Alert{
		Fingerprint: "f" + doc, Rule: "failed", Severity: alert.Critical, Status: alert.StatusFiring,
		Server: server, Database: "_replicator", DocID: doc, StartsAt: at(30),
	}
}

func TestTheAPIShowsWhatAnotherReplicaSees(t *testing.T) {
	h := newPair(t)
	var got []string
	for _, one := range h.get("/api/v1/replications")["replications"].([]any) {
		r := one.(map[string]any)
		got = append(got, fmt.Sprint(r["server"], "/", r["doc_id"], " ", r["state"], " seen by ", r["watched_by"], " at ", r["seen_at"]))
	}
	want := []string{
		"dr/mail failed seen by web-2 at " + at(30).Format(time.RFC3339),
		"prod/orders failed seen by web-1 at " + at(40).Format(time.RFC3339),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("replications (-want +got):\n%s", diff)
	}
	got = nil
	for _, one := range h.get("/api/v1/checks")["servers"].([]any) {
		s := one.(map[string]any)
		got = append(got, fmt.Sprint(s["name"], " up ", s["up"], " CouchDB ", s["version"], " by ", s["watched_by"], " elsewhere ", s["elsewhere"], " failed ", s["replications"].(map[string]any)["failed"]))
	}
	want = []string{"dr up true CouchDB 3.4.2 by web-2 elsewhere true failed 1", "prod up true CouchDB 3.5.0 by web-1 elsewhere false failed 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
}

func TestTheAPISaysWhoWatchesWhat(t *testing.T) {
	for name, tt := range map[string]struct {
		house *house
		want  string
	}{
		"of two replicas":                 {newPair(t), "web-1: dr by web-2, prod by web-1, hook by web-2, oncall by web-1"},
		"of a process that has the store": {newHouse(t), ": "},
	} {
		answer := tt.house.get("/api/v1/replicas")
		var all []string
		for _, one := range answer["leases"].([]any) {
			l := one.(map[string]any)
			all = append(all, fmt.Sprint(l["name"], " by ", l["holder"]))
		}
		if got := fmt.Sprint(answer["replica"], ": ", strings.Join(all, ", ")); got != tt.want {
			t.Errorf("replicas %s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestThePageSaysWhoWatchesWhat(t *testing.T) {
	h := newPair(t)
	_, body := h.ask(http.MethodGet, "/")
	page := regexp.MustCompile(`<[^>]*>|\s+`).ReplaceAllString(string(body), " ")
	page = regexp.MustCompile(` +`).ReplaceAllString(page, " ")
	for _, want := range []string{
		"2 alerts firing",
		"up · CouchDB 3.4.2 · 1 replications",
		"watched by web-2 since 2 h ago ; as of " + at(30).Format("15:04:05") + " UTC",
		"watched by web-1 since 2 h ago </",
		"web-0 is not heard of any more",
		"web-1 (this one) watches 1 server, tells 1 sink",
	} {
		if want = strings.TrimSuffix(want, "</"); !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	_, body = h.ask(http.MethodGet, "/replications/dr/_replicator/mail")
	if want := "As web-2 saw it"; !strings.Contains(string(body), want) {
		t.Errorf("the page of a replication does not say %q", want)
	}
	_, body = newHouse(t).ask(http.MethodGet, "/")
	if strings.Contains(string(body), "Replicas") {
		t.Error("the page of a process that has the store to itself speaks of replicas")
	}
}

// What one replica says of servers and sinks the other does not say again.
func TestMetricsAreOfThisReplica(t *testing.T) {
	h := newPair(t)
	h.get("/api/v1/replications")
	var got []string
	for _, name := range []string{"server_up", "alerts", "check_runs_total", "queue_deliveries", "leases", "replicas"} {
		got = append(got, regexp.MustCompile(`(?m)^watchdog_`+name+`[{ ].*$`).FindAllString(scrape(h), -1)...)
	}
	slices.Sort(got)
	want := []string{
		`watchdog_alerts{rule="failed",severity="critical",status="firing"} 1`,
		`watchdog_check_runs_total{check="all",server="prod"} 1`,
		`watchdog_leases{kind="ear"} 0`, `watchdog_leases{kind="server"} 1`, `watchdog_leases{kind="sink"} 1`,
		`watchdog_queue_deliveries{sink="oncall"} 0`,
		`watchdog_replicas 2`,
		`watchdog_server_up{server="prod"} 1`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}
