package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/cycle"
	"watchdog/history"
	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/snapshot"
	"watchdog/store"
	"watchdog/watch"
	"watchdog/web"
)

// epoch is a while ago, so that what happened since is past.
var epoch = time.Now().UTC().Truncate(time.Second).Add(-2 * time.Hour)

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// house is a server of the page over a board and a store in memory.
type house struct {
	t      testing.TB
	board  *board.Board
	store  *store.DB
	web    *web.Server
	server *httptest.Server
	log    bytes.Buffer

	mu     sync.Mutex // guards due
	due    []string   // checks that were made to run
	bad    error      // the config; nil: it is good
	alerts []alert.Alert
}

// newHouse has two servers, prod and dr; prod has a check that is called all. Of its three
// deliveries one is sent, one waits and one is dead.
func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseWith(t, web.Options{Settings: web.Settings{ExternalURL: "https://watchdog.example.com"}})
}

func newHouseWith(t testing.TB, o web.Options) *house {
	t.Helper()
	kept, err := store.Open(t.Context(), store.Memory, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	h := &house{t: t, store: kept, board: board.New([]board.Server{
		{Name: "prod", URL: "https://couch.example.com:6984", Checks: []string{"all"}}, {Name: "dr", URL: "https://dr.example.com:6984"},
	})}
	o.Histories, o.Explain = history.NewRecorder(kept, slog.New(slog.DiscardHandler)), explain
	o.Board, o.Archive, o.Said, o.ComeDue, o.Settings.Sinks = h.board, kept, kept, h.comeDue, []string{"oncall", "hook"}
	o.List, o.Reload = h.list, h.reload
	o.Windows = func(now time.Time) []notify.WindowState {
		return []notify.WindowState{{Name: "backup", Open: true, Changes: now.Add(25 * time.Minute), Routes: []int{2}}, {Name: "weekend", Changes: now.Add(50 * time.Hour), Routes: []int{}}}
	}
	o.ConfigPath = "/etc/watchdog/watchdog.yaml"
	o.Build = web.Build{Version: "v1.2.3", Commit: "abc", Go: "go1.26", Store: "memory"}
	o.Log = slog.New(slog.NewTextHandler(&h.log, nil))
	h.web = web.New(o)
	h.web.ConfigLoaded(epoch, web.Reloaded{})
	h.server = httptest.NewServer(h.web.Handler())
	t.Cleanup(h.server.Close)
	h.say("dlv_sent", "oncall", "users")
	h.say("dlv_waits", "hook", "audit")
	h.say("dlv_dead", "hook", "orders")
	h.must(kept.Note(t.Context(), outbox.Sent("dlv_sent", at(1), nil)))
	h.must(kept.Note(t.Context(), outbox.Retry("dlv_waits", time.Now().Add(time.Minute), "hook answered 503 Service Unavailable", nil)))
	h.must(kept.Note(t.Context(), outbox.Bury("dlv_dead", at(2), "hook answered 410 Gone", nil)))
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) url(path string) string { return h.server.URL + path }

func (h *house) comeDue(server, check string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if server != "prod" || check != "all" {
		return false
	}
	h.due = append(h.due, server+"/"+check)
	return true
}

func (h *house) reload(context.Context) (*web.Reloaded, error) {
	if h.bad != nil {
		h.web.ConfigRefused(h.bad)
		return nil, h.bad
	}
	brought := web.Reloaded{Changes: []string{"rules +1"}, RestartNeeded: []string{"store"}}
	h.web.ConfigLoaded(time.Now(), brought)
	return &brought, nil
}

// list adds to alerts what mutes them, as a daemon does, and who has them.
func (h *house) list(all []alert.Alert) []web.Listed {
	standing, err := h.store.Standing(context.Background(), time.Now())
	if err != nil {
		standing = &notify.Standing{}
	}
	router, _ := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall"}}}})
	listed := make([]web.Listed, len(all))
	for i, a := range all {
		a.URL = web.Link("https://watchdog.example.com", a.Fingerprint)
		listed[i] = web.Listed{Alert: a, MutedBy: []string{}}
		if why := router.MutedBy(&a, all, standing, time.Now()); why != "" {
			listed[i].MutedBy = []string{why}
		}
		if ack, said := standing.Acks[a.Fingerprint]; said && ack.Holds(&a) {
			listed[i].AckedBy = ack.By
		}
	}
	return listed
}

func (h *house) ran() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.due)
}

// say queues one message and what it tells of.
func (h *house) say(id, sink, doc string) {
	h.t.Helper()
	a := firing("replication-failed", doc, alert.Critical)
	t := alert.Transition{Reason: alert.ReasonNew, At: at(0), Alert: a}
	h.must(h.store.Commit(h.t.Context(), &cycle.Outcome{
		Server: "prod", At: at(0), Transitions: []alert.Transition{t},
		Messages: []notify.Message{{ID: id, Sink: sink, At: at(0), Alerts: []alert.Transition{t}}},
	}))
}

// look is one check of prod that decided on some alerts.
func (h *house) look(when time.Time, alerts []alert.Alert, all ...*snapshot.Replication) {
	h.lookAt(&snapshot.Snapshot{Server: "prod", At: when, Version: "3.5.0", Usage: snapshot.Usage{Requests: 3, Bytes: 1000}, Replications: all}, alerts)
}

func (h *house) lookAt(s *snapshot.Snapshot, alerts []alert.Alert) {
	slices.SortFunc(s.Replications, func(a, b *snapshot.Replication) int { return a.Key.Compare(b.Key) })
	outcome := &cycle.Outcome{Server: s.Server, At: s.At}
	for _, a := range alerts {
		if !slices.ContainsFunc(h.alerts, func(b alert.Alert) bool { return a.Fingerprint == b.Fingerprint }) && a.Status == alert.StatusFiring {
			outcome.Transitions = append(outcome.Transitions, alert.Transition{Reason: alert.ReasonNew, At: s.At, Alert: a})
		}
	}
	h.alerts = alerts
	now := time.Now()
	h.web.Publish(h.board.Report(&watch.Report{
		Server: s.Server, Check: "all", Began: now, Elapsed: 42 * time.Millisecond, Next: now.Add(30 * time.Second), Overdue: now.Add(time.Minute),
		Snapshot: s, Outcome: outcome, Alerts: alerts,
	}))
}

func firing(rule, doc string, severity alert.Severity) alert.Alert {
	n := int64(1)
	return alert.Alert{
		Status: alert.StatusFiring, Rule: rule, Severity: severity,
		Fingerprint: alert.Fingerprint(rule, alert.Subject{Server: "prod", Database: "_replicator", DocID: doc}),
		Server:      "prod", Database: "_replicator", DocID: doc, State: "failed", ErrorCount: &n,
		Source: "https://a.example.com/" + doc + "/", Target: "https://b.example.com/" + doc + "/",
		Error: "db_not_found: could not open https://b.example.com/" + doc + "/", Labels: map[string]string{},
		Summary: doc + " failed and will not be tried again", StartsAt: at(0),
	}
}

func replication(doc string, state snapshot.State) *snapshot.Replication {
	return &snapshot.Replication{
		Key: snapshot.Key{Database: "_replicator", DocID: doc}, State: state, ID: "f00+continuous", Continuous: true,
		Source: "https://a.example.com/" + doc + "/", Target: "https://b.example.com/" + doc + "/",
		Known: snapshot.Fields(0).With(snapshot.FieldState, snapshot.FieldSource, snapshot.FieldTarget, snapshot.FieldID, snapshot.FieldContinuous),
	}
}

func failing(doc string) *snapshot.Replication {
	r := replication(doc, snapshot.Failed)
	r.Error, r.ErrorCount = "db_not_found: could not open https://b.example.com/"+doc+"/", 1
	r.Known = r.Known.With(snapshot.FieldError, snapshot.FieldErrorCount)
	return r
}

func running(doc string, written, pending int64) *snapshot.Replication {
	r := replication(doc, snapshot.Running)
	r.DocsWritten, r.ChangesPending = written, pending
	r.Known = r.Known.With(snapshot.FieldDocsWritten, snapshot.FieldChangesPending, snapshot.FieldErrorCount)
	return r
}

// badDay is what the page shows when much is wrong.
func (h *house) badDay() {
	crash := replication("invoices-to-warehouse", snapshot.Crashing)
	crash.Error, crash.ErrorCount = "{shutdown,{error,\"timeout\"}}: no answer of https://warehouse.example.com/invoices/ for 30000 ms", 7
	crash.Known = crash.Known.With(snapshot.FieldError, snapshot.FieldErrorCount)
	all := []*snapshot.Replication{failing("orders"), crash, replication("sessions", snapshot.Pending)}
	for i, name := range []string{"users", "audit", "catalogue", "prices", "stock-eu", "stock-us", "carts", "reviews", "shipments", "returns", "mail", "search-index"} {
		all = append(all, running(name+"-replica", int64(1)<<(i*2+3), int64(i*i*37%900)))
	}
	failed := firing("replication-failed", "orders", alert.Critical)
	flapping := firing("replication-crashing", "invoices-to-warehouse", alert.Warning)
	flapping.State, flapping.Summary, flapping.Error = "crashing", "invoices-to-warehouse crashed and waits for its next try", crash.Error
	flapping.StartsAt = time.Now().Add(-40 * time.Second)
	pending := firing("replication-stalled", "users-replica", alert.Warning)
	pending.Status = alert.StatusPending
	known := firing("replication-failed", "catalogue-to-archive", alert.Critical)
	h.must(h.store.Acknowledge(h.t.Context(), flapping.Fingerprint, notify.Ack{By: "grace", At: time.Now()}))
	h.must(h.store.PutSilence(h.t.Context(), &notify.Silence{
		ID: "sil_archive", Match: map[string][]string{"doc_id": {"*-to-archive"}, "rule": {"replication-failed"}},
		StartsAt: at(0), EndsAt: time.Now().Add(3 * time.Hour), CreatedBy: "ada", Comment: "the archive moves to another host",
	}))
	all = append(all, failing("catalogue-to-archive"))
	h.look(time.Now(), []alert.Alert{failed, flapping, known, pending}, all...)
	dr := &snapshot.Snapshot{Server: "dr", At: at(60), Gaps: []snapshot.Gap{{Part: snapshot.Jobs, Err: errors.New("read jobs of dr: connection refused")}}}
	h.board.Report(&watch.Report{Server: "dr", Snapshot: dr, Outcome: &cycle.Outcome{}})
}

// ask is one request; the body is read whole.
func (h *house) ask(method, path string, header ...string) (*http.Response, []byte) {
	h.t.Helper()
	return h.send(method, path, "", header...)
}

// send is one request with a body.
func (h *house) send(method, path, sent string, header ...string) (*http.Response, []byte) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, h.url(path), strings.NewReader(sent))
	h.must(err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	h.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	h.must(err)
	return resp, body
}

// get decodes an answer.
func (h *house) get(path string) (answer map[string]any) {
	h.t.Helper()
	_, body := h.ask(http.MethodGet, path)
	if err := json.Unmarshal(body, &answer); err != nil {
		h.t.Fatalf("GET %s: %v: %s", path, err, body)
	}
	return answer
}
