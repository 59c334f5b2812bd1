package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/scheduler/couchtest"
	"watchdog/store"
	"watchdog/store/pgtest"
)

const (
	replicaLease = 3 * time.Second
	// resumedWithin is the promise, two lease times, and what a busy machine takes.
	resumedWithin = 2*replicaLease + 5*time.Second
)

const replicasConfig = `
store: %q
lease: %s
checks: [{name: all, schedule: "@every 1s", jitter: 0s}]
rules: [{name: failed, severity: critical, when: state == "failed"}]
sinks: [{name: hook, webhook: {url: %q}}]
routes: [{to: [hook], group_by: [server]}]
servers:
`

// replicas are several daemons on one database, and the servers that they share.
type replicas struct {
	t    *testing.T
	hook *receiver
	docs []*couchtest.Replication // one of each server
	all  []*replicaProcess
	told int // how often each document failed and recovered
}

// replicaProcess is one of them. It reaches the database by a wire that can be cut.
type replicaProcess struct {
	t      *testing.T
	config string
	wire   *pgtest.Wire
	cmd    *exec.Cmd
	log    bytes.Buffer
}

// newReplicas starts n of them, which reach the database of a schema at what address gives.
func newReplicas(t *testing.T, schema string, address func(*replicaProcess) string, servers, n int) *replicas {
	r := &replicas{t: t, hook: newReceiver(t, 0.2)}
	var list strings.Builder
	for i := range servers {
		couch := couchtest.New(couchtest.Options{})
		r.docs = append(r.docs, couch.Put("_replicator", fmt.Sprintf("doc%02d", i), couchtest.Spec{}))
		fmt.Fprintf(&list, "  - {name: server%02d, url: %q}\n", i, serve(t, couch))
	}
	for range n {
		p := &replicaProcess{t: t, config: filepath.Join(t.TempDir(), "watchdog.yaml")}
		dsn := fmt.Sprintf("postgres://watchdog@%s/postgres?sslmode=disable&target_session_attrs=read-write&search_path=%s", address(p), schema)
		text := fmt.Sprintf(replicasConfig, dsn, replicaLease, r.hook.URL) + list.String()
		if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.start()
		r.all = append(r.all, p)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for i, p := range r.all {
				t.Logf("replica %d:\n%s", i, &p.log)
			}
		}
	})
	return r
}

func (p *replicaProcess) start() {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.CommandContext(p.t.Context(), self, "run", "--config", p.config)
	p.cmd.Env = append(os.Environ(), "WATCHDOG_TEST_MAIN=1")
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// signal sends one, and waits for the end of what it ends.
func (p *replicaProcess) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Errorf("signal %v: %v\n%s", s, err, &p.log)
	}
	if s == syscall.SIGKILL || s == syscall.SIGTERM {
		if err := p.cmd.Wait(); err != nil && s == syscall.SIGTERM {
			p.t.Errorf("run after SIGTERM: got %v, want exit status 0\n%s", err, &p.log)
		}
	}
}

// turn makes every document fail and then recover, and waits until all of it was told.
func (r *replicas) turn(when string) {
	r.t.Helper()
	r.fail(when)
	r.recover(when)
}

func (r *replicas) fail(when string) {
	r.t.Helper()
	for _, doc := range r.docs {
		doc.Fail(when)
	}
	r.told++
	r.awaitAll(when, alert.StatusFiring)
}

func (r *replicas) recover(when string) {
	r.t.Helper()
	for _, doc := range r.docs {
		doc.Rewrite()
	}
	r.awaitAll(when, alert.StatusResolved)
}

// awaitAll waits until each document was told of as often as it failed, or recovered.
func (r *replicas) awaitAll(when string, status alert.Status) {
	r.t.Helper()
	began := time.Now()
	for i := range r.docs {
		doc := fmt.Sprintf("doc%02d", i)
		r.hook.await(r.t, fmt.Sprintf("%s %s %s", when, doc, status), func(told) bool {
			return countOf(r.hook.all(), doc, status) >= r.told
		})
		if r.t.Failed() {
			r.t.FailNow()
		}
	}
	var seen time.Duration // when a check saw it; when it is told, the receiver has a say in
	for _, m := range r.hook.all() {
		if m.Status == status {
			seen = max(seen, m.At.Sub(began))
		}
	}
	r.t.Logf("%s: all %s seen after %s, told after %s", when, status, seen.Round(10*time.Millisecond), time.Since(began).Round(10*time.Millisecond))
	if seen > resumedWithin {
		r.t.Errorf("%s: it took %s until all were seen, want %s at most", when, seen, resumedWithin)
	}
}

// Three replicas share twelve servers, while each of them, and the database, fails in its own way:
// every transition is told, none under two ids, and each in its turn.
func TestReplicasLoseNothingAndTellNothingTwice(t *testing.T) {
	db := &pgtest.Server{Durable: true}
	t.Cleanup(db.Close)
	dsn := db.Schema(t)
	_, schema, _ := strings.Cut(dsn, "search_path=")
	r := newReplicas(t, schema, func(p *replicaProcess) string {
		p.wire = pgtest.NewWire(t, db.Address())
		return p.wire.Address()
	}, 12, 3)
	a, b, c := r.all[0], r.all[1], r.all[2]
	r.turn("all is well")

	a.signal(syscall.SIGKILL)
	r.turn("one was killed")
	a.start()

	b.signal(syscall.SIGSTOP)
	r.turn("one is paused")
	b.signal(syscall.SIGCONT)
	r.turn("it goes on")

	c.wire.Cut(true)
	r.turn("one is cut off")
	c.wire.Cut(false)
	r.turn("it is back")

	db.Stop()
	for _, doc := range r.docs {
		doc.Fail("the database is away")
	}
	r.told++
	<-time.After(2 * time.Second) // of the outage
	for _, doc := range r.docs {
		doc.Rewrite()
	}
	<-time.After(2 * time.Second) // of the outage
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
	r.awaitAll("the database was away", alert.StatusFiring)
	r.awaitAll("the database was away", alert.StatusResolved)

	a.signal(syscall.SIGTERM)
	r.turn("one was stopped")
	for _, p := range r.all[1:] {
		p.signal(syscall.SIGTERM)
	}
	checkTold(t, r.hook.all())
	checkAgainstStore(t, dsn, r.hook.all())
}

// A database fails, and its standby becomes the one that is written to.
func TestReplicasGoOnWithAPromotedStandby(t *testing.T) {
	db := &pgtest.Server{Durable: true}
	t.Cleanup(db.Close)
	standby := db.Standby(t)
	t.Cleanup(standby.Close)
	dsn := db.Schema(t)
	_, schema, _ := strings.Cut(dsn, "search_path=")
	r := newReplicas(t, schema, func(*replicaProcess) string { return db.Address() + "," + standby.Address() }, 4, 2)
	r.turn("all is well")
	for _, doc := range r.docs {
		doc.Fail("during the failover")
	}
	r.told++
	db.Stop()
	standby.Promote(t)
	r.awaitAll("the standby was promoted", alert.StatusFiring)
	r.recover("the standby was promoted")
	for _, p := range r.all {
		p.signal(syscall.SIGTERM)
	}
	checkTold(t, r.hook.all())
	checkAgainstStore(t, standby.URL()+"&search_path="+schema, r.hook.all())
}

// checkAgainstStore: what the store says happened is what was told.
func checkAgainstStore(t *testing.T, dsn string, all []told) {
	t.Helper()
	kept, err := store.Open(t.Context(), dsn, store.Options{ReadOnly: true})
	if err != nil {
		t.Fatalf("Open after the last signal: %v", err)
	}
	defer kept.Close()
	happened, err := kept.Transitions(t.Context(), store.TransitionFilter{})
	if err != nil {
		t.Fatalf("Transitions: %v", err)
	}
	line := func(tr *alert.Transition) string {
		return fmt.Sprint(tr.DocID, " ", tr.Status, " ", tr.At.UnixMicro())
	}
	var want, got []string
	for i := range happened {
		want = append(want, line(&happened[i]))
	}
	for i := range all {
		got = append(got, line(&all[i].Transition))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what happened and what was told (-happened +told):\n%s", diff)
	}
}
