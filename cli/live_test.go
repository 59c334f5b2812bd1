package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/config"
	"watchdog/cycle"
	"watchdog/rules"
	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/snapshot"
)

// What a daemon tells while it watches a server is what replaying a recording of the same
// looks tells: the demo's story, a look a second, by the rules of the shipped config.
func TestARecordingReplayedTellsWhatWasToldLive(t *testing.T) {
	cfg, found := config.Load(config.Options{Path: "../watchdog.yaml", Env: func(string) (string, bool) { return "", false }})
	if cfg == nil {
		t.Fatal(found)
	}
	now := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	couch := couchtest.Demo(couchtest.Options{Now: func() time.Time { return now }})
	transport, stop := couch.Client()
	t.Cleanup(stop)
	client, err := scheduler.New(scheduler.Options{
		Spec: scheduler.Spec{
			Name: "demo", URL: "http://couch.example:5984", ReplicatorDBs: []string{"_replicator", "team/_replicator"},
			AskSources: new(false),
		},
		Transport: transport.Transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	decide := &cycle.Cycle{Rules: rules.NewSet(rules.SetSpec{Rules: cfg.Rules})}
	state, said := cycle.NewState("demo"), func(o *cycle.Outcome) (lines []string) {
		for _, tr := range o.Transitions {
			lines = append(lines, fmt.Sprint(tr.At.Format(time.TimeOnly), " ", tr.Rule, " ", tr.DocID, " ", tr.Status))
		}
		return lines
	}
	var live, replayed []string
	var recording bytes.Buffer
	writer := snapshot.NewWriter(&recording)
	var last *snapshot.Snapshot
	for range 120 {
		now = now.Add(time.Second)
		last = client.Read(t.Context(), now, last)
		outcome := decide.Step(state, last, nil)
		state.Apply(outcome)
		live = append(live, said(outcome)...)
		if err := writer.Write(client.Record(t.Context(), now)); err != nil {
			t.Fatal(err)
		}
	}
	state = cycle.NewState("demo")
	for reader := snapshot.NewReader(&recording); ; {
		snap, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		outcome := decide.Step(state, snap, nil)
		state.Apply(outcome)
		replayed = append(replayed, said(outcome)...)
	}
	if diff := cmp.Diff(live, replayed); diff != "" {
		t.Errorf("told (-live +replayed):\n%s", diff)
	}
	if len(live) < 8 {
		t.Errorf("told live: got %d transitions, want 8 at least: the story shows little", len(live))
	}
}

// A node of a cluster goes down: its jobs vanish from a listing that looks whole, with status
// 200. Nothing is resolved by that, and nothing is told anew when the node is back.
func TestARecordingOfANodeThatGoesDownAndComesBackTellsNothing(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	couch := couchtest.New(couchtest.Options{Now: func() time.Time { return now }, Nodes: []string{"couchdb@a", "couchdb@b"}, Manual: true})
	couch.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Crashing, Error: "db_not_found", Node: "couchdb@b"})
	couch.Put("_replicator", "audit", couchtest.Spec{State: couchtest.Crashing, Error: "db_not_found", Node: "couchdb@a"})
	transport, stop := couch.Client()
	t.Cleanup(stop)
	client, err := scheduler.New(scheduler.Options{
		Spec:      scheduler.Spec{Name: "prod", URL: "http://couch.example:5984", AskSources: new(false)},
		Transport: transport.Transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	var recording bytes.Buffer
	writer := snapshot.NewWriter(&recording)
	for look := range 12 {
		now = now.Add(10 * time.Second)
		couch.NodeDown("couchdb@b", look >= 3 && look < 9)
		if err := writer.Write(client.Record(t.Context(), now)); err != nil {
			t.Fatal(err)
		}
	}
	rule, problems := rules.Compile(rules.Spec{Name: "crashing", When: `state == "crashing"`})
	if rule == nil {
		t.Fatal(problems)
	}
	decide := &cycle.Cycle{Rules: rules.NewSet(rules.SetSpec{Rules: []*rules.Rule{rule}})}
	state := cycle.NewState("prod")
	var told []string
	for reader := snapshot.NewReader(&recording); ; {
		snap, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		outcome := decide.Step(state, snap, nil)
		state.Apply(outcome)
		for _, tr := range outcome.Transitions {
			told = append(told, tr.DocID+" "+string(tr.Status))
		}
	}
	if diff := cmp.Diff([]string{"audit firing", "orders firing"}, told); diff != "" {
		t.Errorf("told over the time that a node was away (-want +got):\n%s", diff)
	}
}
