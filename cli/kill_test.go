package cli_test

import (
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
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/notify/webhook"
	"watchdog/outbox"
	"watchdog/rules"
	"watchdog/secret"
	"watchdog/snapshot"
	"watchdog/store"
)

// How often a process is killed; WATCHDOG_KILLS says another number, for a longer run.
const (
	kills         = 200
	killsFullDisk = 100
)

// The sinks of a victim: some fail half of the time, one never answers.
const (
	flakySinks = 4
	stuckSink  = "stuck"
)

// victim is the process that is killed: decisions, store and workers as in the daemon, without a
// CouchDB and its schedule, so that hundreds of lives fit into seconds. In each step one of six
// replications fails or recovers. With drain it decides nothing, and ends when all is sent.
func victim() {
	if err := live(os.Getenv("VICTIM_STORE"), os.Getenv("VICTIM_URL"), os.Getenv("VICTIM_DRAIN")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func live(path, url, drain string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	kept, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		return err
	}
	var workers sync.WaitGroup
	for _, sink := range victimSinks() {
		w, err := victimWorker(kept, sink, url)
		if err != nil {
			return err
		}
		workers.Go(func() { _ = w.Run(ctx) })
	}
	if drain == "" {
		return decideForever(ctx, kept)
	}
	err = awaitSent(ctx, kept, strings.TrimPrefix(drain, "drain "))
	stop()
	workers.Wait()
	return errors.Join(err, kept.Close())
}

func victimWorker(kept *store.DB, sink, url string) (*outbox.Worker, error) {
	hook, err := webhook.New(webhook.Config{URL: secret.String(url + "/" + sink)}, webhook.Options{})
	if err != nil {
		return nil, err
	}
	return outbox.NewWorker(outbox.Options{
		Sink: sink, Queue: impatient{kept}, Timeout: 5 * time.Second, Grace: 100 * time.Millisecond, Concurrency: 4, DigestAbove: 3,
		Deliver: func(ctx context.Context, item outbox.Item) ([]byte, error) {
			var m notify.Message
			if err := json.Unmarshal(item.Payload, &m); err != nil {
				return nil, err
			}
			return nil, hook.Send(ctx, &m)
		},
	}), nil
}

func victimSinks() []string {
	sinks := []string{stuckSink}
	for i := range flakySinks {
		sinks = append(sinks, fmt.Sprint("flaky", i))
	}
	return sinks
}

// impatient is a queue that has what failed tried again soon: lives are short.
type impatient struct{ *store.DB }

func (q impatient) Note(ctx context.Context, notes ...outbox.Note) error {
	for i := range notes {
		if soon := time.Now().Add(20 * time.Millisecond); notes[i].At.After(soon) {
			notes[i].At = soon
		}
	}
	return q.DB.Note(ctx, notes...)
}

// decideForever makes one of the replications fail or recover, again and again. What could not be
// committed is not applied, and decided anew.
func decideForever(ctx context.Context, kept *store.DB) error {
	state, err := kept.Load(ctx, "prod")
	if err != nil {
		return err
	}
	rule, problems := rules.Compile(rules.Spec{Name: "failed", When: `state == "failed"`, Severity: "critical"})
	if rule == nil {
		return fmt.Errorf("compile: %v", problems)
	}
	router, _ := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: victimSinks(), GroupBy: []string{"target"}}}})
	decider := &cycle.Cycle{Rules: rules.NewSet(rules.SetSpec{Rules: []*rules.Rule{rule}}), Router: router}
	for {
		snap, err := world(state, rand.IntN(6))
		if err != nil {
			return err
		}
		outcome := decider.Step(state, snap, nil)
		if err := kept.Commit(ctx, outcome); err == nil {
			state.Apply(outcome)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// world is a snapshot in which one of six replications is not as it was.
func world(state *cycle.State, turns int) (*snapshot.Snapshot, error) {
	failed := map[string]bool{}
	for _, a := range state.Alerts() {
		failed[a.DocID] = true
	}
	var docs []string
	for i := range 6 {
		id, as := fmt.Sprint("doc", i), "running"
		if failed[id] != (i == turns) {
			as = "failed"
		}
		docs = append(docs, fmt.Sprintf(`{"database":"_replicator","doc_id":%q,"id":null,"node":"n","source":"http://a/x/","target":"http://b/t%d/",`+
			`"state":%q,"info":{"error":"broken"},"error_count":0,"last_updated":"2026-01-01T00:00:00Z","start_time":"2026-01-01T00:00:00Z"}`, id, i%2, as))
	}
	line := fmt.Sprintf(`{"t":%q,"server":"prod","docs":{"total_rows":6,"offset":0,"docs":[%s]},"jobs":{"total_rows":0,"offset":0,"jobs":[]}}`,
		time.Now().UTC().Format(time.RFC3339Nano), strings.Join(docs, ","))
	return snapshot.NewReader(strings.NewReader(line)).Next()
}

// awaitSent waits until nothing waits for sinks of a name.
func awaitSent(ctx context.Context, kept *store.DB, sinks string) error {
	for {
		backlogs, err := kept.Backlogs(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(backlogs, func(b store.Backlog) bool { return b.Waiting > 0 && strings.HasPrefix(b.Sink, sinks) }) {
			return nil
		}
		<-time.After(10 * time.Millisecond)
	}
}

// ears hear what each sink is told. They fail half of the time, half of that after having heard;
// one hangs.
type ears struct {
	*httptest.Server
	mu    sync.Mutex
	sound string // the name that sinks begin with which fail no more; "-" for none
	heard map[string][]heardMessage
	wrong []string
}

type heardMessage struct {
	ID     string
	Alerts []alert.Transition
}

func newEars(t *testing.T) *ears {
	e := &ears{sound: "-", heard: map[string][]heardMessage{}}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *ears) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m heardMessage
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return // of a process that was killed
	}
	sink := strings.TrimPrefix(r.URL.Path, "/")
	e.mu.Lock()
	sound := strings.HasPrefix(sink, e.sound)
	if !sound && sink != stuckSink && rand.IntN(4) == 0 {
		e.mu.Unlock()
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	e.hear(sink, m)
	e.mu.Unlock()
	switch {
	case sound:
	case sink == stuckSink:
		<-r.Context().Done() // it has heard, and never says so
	case rand.IntN(3) == 0:
		panic(http.ErrAbortHandler) // likewise
	}
}

// hear notes a message, the first time that it comes. Under its id nothing else may ever be told.
func (e *ears) hear(sink string, m heardMessage) {
	for _, before := range e.heard[sink] {
		if before.ID != m.ID {
			continue
		}
		if diff := cmp.Diff(before, m); diff != "" {
			e.wrong = append(e.wrong, fmt.Sprintf("%s was told two things under one id (-before +after):\n%s", sink, diff))
		}
		return
	}
	e.heard[sink] = append(e.heard[sink], m)
}

// check compares what each sink heard with what happened: everything, once, of each alert in
// order.
func (e *ears) check(t *testing.T, path string) {
	t.Helper()
	kept, err := store.Open(t.Context(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	happened, err := kept.Transitions(t.Context(), store.TransitionFilter{})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(happened)
	want := byAlert(happened)
	for _, wrong := range e.wrong {
		t.Error(wrong)
	}
	for _, sink := range victimSinks() {
		var told []alert.Transition
		for _, m := range e.heard[sink] {
			told = append(told, m.Alerts...)
		}
		if diff := cmp.Diff(want, byAlert(told)); diff != "" {
			t.Errorf("%s: what happened to each alert, and what was told (-happened +told):\n%s", sink, diff)
		}
		t.Logf("%s: %d transitions in %d messages", sink, len(told), len(e.heard[sink]))
	}
}

func byAlert(all []alert.Transition) map[string][]string {
	of := map[string][]string{}
	for i := range all {
		of[all[i].DocID] = append(of[all[i].DocID], fmt.Sprint(all[i].Status, " ", all[i].At.UnixMicro()))
	}
	return of
}

// run lets a victim live until ctx ends, by a kill.
func (e *ears) run(ctx context.Context, path, drain string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), "WATCHDOG_TEST_VICTIM=1", "VICTIM_STORE="+path, "VICTIM_URL="+e.URL, "VICTIM_DRAIN="+drain)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// killAgain lets victims live for up to 100 ms, one after the other.
func (e *ears) killAgain(t *testing.T, path string, times int, mayEnd func(error) bool) {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("WATCHDOG_KILLS")); err == nil {
		times = n
	} else if testing.Short() {
		times /= 5
	}
	for range times {
		life, end := context.WithTimeout(t.Context(), time.Duration(rand.IntN(100_000))*time.Microsecond)
		err := e.run(life, path, "")
		if life.Err() == nil && !mayEnd(err) {
			t.Fatalf("a process ended by itself: %v", err)
		}
		end()
	}
}

// drain lets everything be sent: first while the one that hangs still hangs, for it must delay no
// other.
func (e *ears) drain(t *testing.T, path string) {
	t.Helper()
	for _, step := range []struct{ sound, drained string }{{"flaky", "flaky"}, {"", ""}} {
		e.mu.Lock()
		e.sound = step.sound
		e.mu.Unlock()
		patience, end := context.WithTimeout(t.Context(), time.Minute)
		if err := e.run(patience, path, "drain "+step.drained); err != nil {
			t.Fatalf("drain %s: %v", step.drained, err)
		}
		end()
	}
}

func TestTwoHundredKillsLoseNothingAndTellNothingTwice(t *testing.T) {
	path, e := filepath.Join(t.TempDir(), "watchdog.db"), newEars(t)
	e.killAgain(t, path, kills, func(error) bool { return false })
	e.drain(t, path)
	e.check(t, path)
}
