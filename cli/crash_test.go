package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"watchdog/alert"
	"watchdog/cli"
	"watchdog/scheduler/couchtest"
)

// receiver is a webhook's receiver that keeps all it was told. It refuses a share of what it
// gets, some of it after having taken it.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	messages map[string][]told // by delivery id
	requests int
	changed  chan struct{} // closed and replaced at each message
	refuse   float64
}

// told is one transition as it arrived.
type told struct {
	alert.Transition
	ID string
}

func newReceiver(t *testing.T, refuse float64) *receiver {
	r := &receiver{messages: map[string][]told{}, changed: make(chan struct{}), refuse: refuse}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var body struct {
		ID     string             `json:"id"`
		Alerts []alert.Transition `json:"alerts"`
	}
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil || body.ID != req.Header.Get("webhook-id") {
		http.Error(w, "what is this?", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	if rand.Float64() < r.refuse/2 {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	var all []told
	for _, tr := range body.Alerts {
		all = append(all, told{tr, body.ID})
	}
	r.messages[body.ID] = all
	close(r.changed)
	r.changed = make(chan struct{})
	if rand.Float64() < r.refuse/2 {
		panic(http.ErrAbortHandler) // it has the message, and the sender does not know
	}
}

// all is everything told, in the order in which it was decided.
func (r *receiver) all() []told {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []told
	for _, m := range r.messages {
		all = append(all, m...)
	}
	slices.SortFunc(all, func(a, b told) int { return a.At.Compare(b.At) })
	return all
}

// await waits until something that fits was told.
func (r *receiver) await(t *testing.T, what string, fits func(told) bool) {
	t.Helper()
	patience := time.After(40 * time.Second)
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if slices.ContainsFunc(r.all(), fits) {
			return
		}
		select {
		case <-changed:
		case <-patience:
			t.Errorf("not told within two minutes: %s", what)
			return
		}
	}
}

const crashConfig = `
store: %s
servers: [{name: prod, url: %q}]
checks: [{name: all, schedule: "@every 1s", jitter: 0s}]
rules: [{name: failed, severity: critical, when: state == "failed"}]
sinks: [{name: hook, webhook: {url: %q}}]
routes: [{to: [hook], group_by: [%s]}]
`

// daemon is the binary, run again and again on one store.
type daemon struct {
	t      *testing.T
	config string
	store  string
	log    bytes.Buffer
}

func newDaemon(t *testing.T, couch string, hook *receiver, groupBy string) *daemon {
	d := &daemon{t: t, config: filepath.Join(t.TempDir(), "watchdog.yaml"), store: filepath.Join(t.TempDir(), "watchdog.db")}
	text := fmt.Sprintf(crashConfig, d.store, couch, hook.URL, groupBy)
	if err := os.WriteFile(d.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// start runs the daemon until ctx ends, by a signal.
func (d *daemon) start(ctx context.Context, signal syscall.Signal) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "run", "--config", d.config)
	cmd.Env = append(os.Environ(), "WATCHDOG_TEST_MAIN=1")
	cmd.Stderr = &d.log
	cmd.Cancel = func() error { return cmd.Process.Signal(signal) }
	return cmd.Run()
}

func serve(t *testing.T, s *couchtest.Server) string {
	url, stop, err := s.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return url
}

func countOf(all []told, doc string, status alert.Status) int {
	n := 0
	for _, m := range all {
		if m.DocID == doc && m.Status == status {
			n++
		}
	}
	return n
}

// checkTold: no transition under two ids, and firing and resolved take turns for each alert.
func checkTold(t *testing.T, all []told) {
	t.Helper()
	ids := map[string][]string{}
	last := map[string]alert.Status{}
	for _, m := range all {
		key := fmt.Sprint(m.Fingerprint, m.Status, m.StartsAt.UnixMicro())
		ids[key] = append(ids[key], m.ID)
		if m.Status == last[m.Fingerprint] {
			t.Errorf("%s: told %s twice in a row, at %v", m.DocID, m.Status, m.At)
		}
		last[m.Fingerprint] = m.Status
	}
	for key, under := range ids {
		if len(under) != 1 {
			t.Errorf("transition %s: told under %v, want one id", key, under)
		}
	}
}

// runFor runs the daemon until done returns, and stops it as systemd does.
func (d *daemon) runFor(done func()) {
	d.t.Helper()
	ctx, stop := context.WithCancel(d.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.start(ctx, syscall.SIGTERM) }()
	done()
	stop()
	select {
	case err := <-ended:
		if err != nil && !errors.Is(err, context.Canceled) {
			d.t.Errorf("run after SIGTERM: got %v, want exit status 0\n%s", err, &d.log)
		}
	case <-time.After(10 * time.Second):
		d.t.Errorf("run did not end within 10s of SIGTERM\n%s", &d.log)
	}
}

func TestThreeHundredFailuresInOneCheckAreFewMessages(t *testing.T) {
	const docs = 300
	couch := couchtest.New(couchtest.Options{})
	for i := range docs {
		couch.Put("_replicator", fmt.Sprintf("doc%03d", i), couchtest.Spec{State: couchtest.Failed, Error: "duplicate"})
	}
	hook := newReceiver(t, 0)
	d := newDaemon(t, serve(t, couch), hook, "server, rule")
	d.runFor(func() {
		hook.await(t, "all 300", func(told) bool { return len(hook.all()) >= docs })
	})
	checkTold(t, hook.all())
	if got := len(hook.all()); got != docs {
		t.Errorf("alerts told: got %d, want %d", got, docs)
	}
	if hook.requests > 3 {
		t.Errorf("messages: got %d, want 3 at most", hook.requests)
	}
}

func TestAFailureWhileTheDaemonWasDownIsToldOnceAfterTheStart(t *testing.T) {
	couch := couchtest.New(couchtest.Options{})
	orders := couch.Put("_replicator", "orders", couchtest.Spec{})
	couch.Put("_replicator", "audit", couchtest.Spec{State: couchtest.Failed, Error: "before"})
	hook := newReceiver(t, 0)
	d := newDaemon(t, serve(t, couch), hook, "server, rule")
	firing := func(doc string) func(told) bool {
		return func(m told) bool { return m.DocID == doc && m.Status == alert.StatusFiring }
	}
	d.runFor(func() { hook.await(t, "audit fires", firing("audit")) })
	orders.Fail("while it was down")
	d.runFor(func() { hook.await(t, "orders fires", firing("orders")) })
	d.runFor(func() {
		couch.Put("_replicator", "marker", couchtest.Spec{State: couchtest.Failed})
		hook.await(t, "marker fires", firing("marker"))
	})
	var got []string
	for _, m := range hook.all() {
		got = append(got, m.DocID+" "+string(m.Status))
	}
	if want := "audit firing, orders firing, marker firing"; strings.Join(got, ", ") != want {
		t.Errorf("told over three runs: got %v, want %s", got, want)
	}
}

// A hangup, as of a terminal that closes or a `systemctl reload`, does not end the watching.
func TestAHangupDoesNotEndTheDaemon(t *testing.T) {
	couch := couchtest.New(couchtest.Options{})
	couch.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Failed})
	hook := newReceiver(t, 0)
	d := newDaemon(t, serve(t, couch), hook, "doc_id")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "run", "--config", d.config)
	cmd.Env = append(os.Environ(), "WATCHDOG_TEST_MAIN=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	told := func(doc string) {
		hook.await(t, doc+" fires", func(m told) bool { return m.DocID == doc })
	}
	told("orders")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	couch.Put("_replicator", "audit", couchtest.Spec{State: couchtest.Failed})
	told("audit")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("run after SIGHUP and SIGTERM: got %v, want exit status 0", err)
	}
}

// A service manager may stop it while it starts.
func TestASIGTERMDuringTheStartIsAnOrderlyEnd(t *testing.T) {
	d := newDaemon(t, "http://127.0.0.1:1", newReceiver(t, 0), "doc_id")
	told, tell := context.WithCancel(t.Context())
	tell()
	var log bytes.Buffer
	code := cli.Main(told, []string{"run", "--config", d.config}, cli.IO{Stdout: &log, Stderr: &log, Env: noEnv})
	if code != 0 {
		t.Errorf("run that is told to stop before it began: got exit code %d, want 0\n%s", code, &log)
	}
}
