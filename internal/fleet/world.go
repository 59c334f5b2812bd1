//go:build linux

package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"watchdog/internal/chaos"
	"watchdog/store/pgtest"
)

// ruleFailed is the one rule of a run.
const ruleFailed = "failed"

// world is all that a run consists of.
type world struct {
	Options
	t        testing.TB
	began    time.Time
	database *database
	servers  *servers
	receiver *receiver
	replicas []*replica
	spare    chan struct{} // holds as many as may have a fault at the same time

	living       context.Context //nolint:containedctx // ends with cease: nothing new happens
	cease        context.CancelFunc
	waiting      context.Context //nolint:containedctx // ends with giveUp: nothing is waited for
	giveUp       context.CancelFunc
	quiet, ended time.Time

	mu     sync.Mutex // guards the rest
	faults []Fault
	truth  chaos.Truth
	found  []chaos.Violation
	lines  []string
}

// newWorld starts everything, and returns when all replicas watch.
func newWorld(t testing.TB, o Options) *world {
	w := &world{Options: o, t: t, began: time.Now(), spare: make(chan struct{}, replicas-1)}
	w.living, w.cease = context.WithCancel(t.Context())
	w.waiting, w.giveUp = context.WithCancel(t.Context())
	w.database, w.servers, w.receiver = newDatabase(t), newServers(t, o.Servers), newReceiver(t)
	if err := w.database.prepare(t.Context()); err != nil {
		t.Fatalf("prepare the database: %v", err)
	}
	var starting sync.WaitGroup
	for i := range replicas {
		r := &replica{world: w, name: replicaName(i)}
		for i, slot := range w.database.slots {
			r.wires[i] = pgtest.NewWire(t, slot.Address())
		}
		w.replicas = append(w.replicas, r)
		starting.Go(r.start)
	}
	t.Cleanup(w.killAll)
	starting.Wait()
	if t.Failed() || len(w.found) > 0 {
		t.Fatalf("replicas did not start: %v", w.found)
	}
	return w
}

// config is that of one process, which every server knows by its name.
func (w *world) config(r *replica, process string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `store: %q
lease: %s
checks: [{name: all, schedule: "@every %s"}]
rules: [{name: %s, severity: critical, when: state == "failed"}]
sinks: [{name: hook, webhook: {url: %q}}]
routes: [{to: [hook], group_by: [server]}]
servers:
`, w.database.by(r.wires, process), w.Lease, checkEvery, ruleFailed, w.receiver.URL)
	for i, url := range w.servers.urls {
		fmt.Fprintf(&b, "  - {name: %s, url: %q, auth: {username: %s, password: secret, basic: true}}\n", serverName(i), url, process)
	}
	return b.String()
}

// checkEvery is the schedule. What fails is told sooner: its server rings for a check.
const checkEvery = 2 * time.Second

// stop ends the replicas as a service manager does.
func (w *world) stop() {
	for _, r := range w.replicas {
		r.end(syscall.SIGTERM)
	}
}

// killAll leaves no process behind.
func (w *world) killAll() {
	for _, r := range w.replicas {
		for _, p := range r.lives {
			p.asked.Store(true)
			_ = p.cmd.Process.Kill() // most have ended
			<-p.ended
		}
	}
}

// happened adds to the truth.
func (w *world) happened(t chaos.Trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.truth.Troubles = append(w.truth.Troubles, t)
}

// note puts a line into the film strip.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.lines = append(w.lines, fmt.Sprintf("%8.3fs %s  %s", now.Sub(w.began).Seconds(), now.Format(clock), fmt.Sprintf(format, args...)))
}

func (w *world) film() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.lines, "\n")
}

func (w *world) wrong(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, chaos.Violation{Check: chaos.Other, Text: fmt.Sprintf(format, args...)})
}

// history is what everybody has recorded, once everything has ended.
func (w *world) history() *History {
	h := &History{
		Faults: w.faults, Looks: w.servers.looks, Quiet: w.quiet, End: w.ended, Told: w.receiver.all(), Truth: w.truth,
	}
	for i := range w.Servers {
		h.Servers = append(h.Servers, serverName(i))
	}
	if err := w.database.read(context.WithoutCancel(w.t.Context()), h); err != nil {
		w.t.Fatalf("read what the database has recorded: %v", err)
	}
	for _, r := range w.replicas {
		h.Living = append(h.Living, r.now().name)
	}
	names := map[string]string{"": ""}
	for _, r := range w.replicas {
		for _, p := range r.lives {
			names[fmt.Sprint(p.cmd.Process.Pid)] = p.name
			words, err := p.words()
			if err != nil {
				w.t.Fatal(err)
			}
			h.Words = append(h.Words, words...)
		}
	}
	for i, e := range h.Trail {
		parts := strings.Split(e.Holder, "-") // host, which may have some too, process id, chance
		if len(parts) > 2 {
			h.Trail[i].Holder = names[parts[len(parts)-2]]
		}
	}
	slices.SortStableFunc(h.Looks, func(a, b Look) int { return a.At.Compare(b.At) })
	return h
}
