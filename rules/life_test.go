package rules_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/rules"
	"watchdog/snapshot"
)

func TestLifeOfAnAlert(t *testing.T) {
	failed := rules.Spec{When: `state == "failed"`}
	tests := []struct {
		name string
		rule rules.Spec
		film []frame
		want []string
	}{
		{
			"what is wrong at the first look is told",
			failed, states("failed", "failed"),
			[]string{"0m firing: new", "1m firing"},
		},
		{
			"it fires once and resolves once",
			failed, states("running", "failed", "failed", "running", "running"),
			[]string{"0m quiet", "1m firing: new", "2m firing", "3m quiet: resolved", "4m quiet"},
		},
		{
			"it fires again in a second life",
			failed, states("failed", "running", "failed"),
			[]string{"0m firing: new", "1m quiet: resolved", "2m firing: new"},
		},
		{
			"a hold is waited for",
			rules.Spec{When: failed.When, For: 2 * time.Minute},
			states("failed", "failed", "failed", "failed"),
			[]string{"0m pending", "1m pending", "2m firing: new", "3m firing"},
		},
		{
			"a dip restarts the hold",
			rules.Spec{When: failed.When, For: 2 * time.Minute},
			states("failed", "running", "failed", "failed", "failed"),
			[]string{"0m pending", "1m quiet", "2m pending", "3m pending", "4m firing: new"},
		},
		{
			"what was only pending ends unsaid",
			rules.Spec{When: failed.When, For: 5 * time.Minute},
			append(states("failed"), gone),
			[]string{"0m pending", "1m quiet"},
		},
		{
			"an unknown state holds what fires",
			failed, states("failed", "", "failed", "running"),
			[]string{"0m firing: new", "1m firing", "2m firing", "3m quiet: resolved"},
		},
		{
			"an unknown state fires nothing",
			failed, states("running", "", ""),
			[]string{"0m quiet", "1m quiet", "2m quiet"},
		},
		{
			"a pending alert does not fire while unknown, and goes on waiting",
			rules.Spec{When: failed.When, For: 2 * time.Minute},
			states("failed", "", "", "failed"),
			[]string{"0m pending", "1m pending", "2m pending", "3m firing: new"},
		},
		{
			"on_unknown: fire counts unknown as true",
			rules.Spec{When: failed.When, OnUnknown: "fire"},
			states("running", "", "running"),
			[]string{"0m quiet", "1m firing: new", "2m quiet: resolved"},
		},
		{
			"on_unknown: resolve counts unknown as false",
			rules.Spec{When: failed.When, OnUnknown: "resolve"},
			states("failed", ""),
			[]string{"0m firing: new", "1m quiet: resolved"},
		},
		{
			"until decides the end: hysteresis",
			rules.Spec{When: "error_count > 5", Until: "error_count < 3"},
			[]frame{orders("running", errorCount(6)), orders("running", errorCount(4)), orders("running"), orders("running", errorCount(2)), orders("running", errorCount(4))},
			[]string{"0m firing: new", "1m firing", "2m firing", "3m quiet: resolved", "4m quiet"},
		},
		{
			"until can come true by the passing of time alone",
			rules.Spec{When: failed.When, Until: `in_state("2m")`},
			states("failed", "failed", "failed"),
			[]string{"0m firing: new", "1m firing", "2m quiet: resolved"},
		},
		{
			"keep_firing_for damps a flap",
			rules.Spec{When: failed.When, KeepFiringFor: 2 * time.Minute},
			states("failed", "running", "failed", "running", "running", "running"),
			[]string{"0m firing: new", "1m firing", "2m firing", "3m firing", "4m firing", "5m quiet: resolved"},
		},
		{
			"absence is not deletion",
			failed, append(states("failed"), absent, absent, orders("failed")),
			[]string{"0m firing: new", "1m firing", "2m firing", "3m firing"},
		},
		{
			"a confirmed deletion resolves",
			failed, append(states("failed"), absent, gone),
			[]string{"0m firing: new", "1m firing", "2m quiet: deleted"},
		},
		{
			"a failed check holds",
			failed, append(states("failed"), gap, orders("failed")),
			[]string{"0m firing: new", "1m firing", "2m firing"},
		},
		{
			"an incomplete check resolves nothing, the next complete one does",
			failed,
			[]frame{orders("failed"), {rows: orders("running").rows, gap: true}, orders("running")},
			[]string{"0m firing: new", "1m firing", "2m quiet: resolved"},
		},
		{
			"an incomplete check still fires",
			failed,
			[]frame{{rows: orders("failed").rows, gap: true}},
			[]string{"0m firing: new"},
		},
		{
			"match leaves out what it does not name",
			rules.Spec{When: failed.When, Match: map[string][]string{"doc_id": {"inv*"}}},
			states("failed"),
			[]string{"0m quiet"},
		},
		{
			"match by a field the server did not give neither fires nor resolves",
			rules.Spec{When: failed.When, Match: map[string][]string{"source": {"*"}}},
			states("failed"),
			[]string{"0m quiet"},
		},
		{
			"an event is told once",
			rules.Spec{On: &rules.EventSpec{From: []string{"running"}, To: []string{"completed"}}},
			states("running", "completed", "completed"),
			[]string{"0m quiet", "1m quiet: event", "2m quiet"},
		},
		{
			"an event is not told at first sight",
			rules.Spec{On: &rules.EventSpec{To: []string{"completed"}}},
			states("completed", "completed"),
			[]string{"0m quiet", "1m quiet"},
		},
		{
			"an event sees through a state that was not given",
			rules.Spec{On: &rules.EventSpec{From: []string{"running"}, To: []string{"completed"}}},
			states("running", "", "completed"),
			[]string{"0m quiet", "1m quiet", "2m quiet: event"},
		},
		{
			"in_state waits from the change of state",
			rules.Spec{When: `state == "pending" && in_state("2m")`},
			states("running", "pending", "pending", "pending"),
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m firing: new"},
		},
		{
			"previous_state is unknown until it changed",
			rules.Spec{When: `previous_state == "running"`},
			states("running", "crashing"),
			[]string{"0m quiet", "1m firing: new"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := rules.NewSet(rules.SetSpec{Rules: compile(t, tt.rule)})
			if diff := cmp.Diff(tt.want, play(t, set, tt.film)); diff != "" {
				t.Errorf("Step over the film (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServerUnreachable(t *testing.T) {
	set := rules.NewSet(rules.SetSpec{Rules: compile(t, rules.ServerUnreachable, rules.Spec{Name: "replication-failed", When: `state == "failed"`})})
	film := []frame{orders("failed"), gap, gap, gap, gap, orders("failed"), gap}
	want := []string{
		"0m firing: new", "1m firing", "2m firing", "3m firing firing: new", "4m firing firing",
		"5m firing: resolved", "6m firing",
	}
	if diff := cmp.Diff(want, play(t, set, film)); diff != "" {
		t.Errorf("three failed checks in a row (-want +got):\n%s", diff)
	}
}

func TestSeverityThatRisesIsTold(t *testing.T) {
	warning := rules.Spec{Name: "a", When: `state == "failed"`, Severity: "warning"}
	critical := warning
	critical.Severity = "critical"
	memory := rules.NewMemory("prod")
	var got []string
	for minute, spec := range []rules.Spec{warning, critical, critical, warning} {
		set := rules.NewSet(rules.SetSpec{Rules: compile(t, spec)})
		result := set.Step(memory, orders("failed").snapshot(minute))
		memory.Apply(result)
		got = append(got, describeFrame(minute, memory, result))
	}
	want := []string{"0m firing: new", "1m firing: severity", "2m firing", "3m firing"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("severity changed by the config (-want +got):\n%s", diff)
	}
}

func TestAlertOfARuleThatIsGoneResolves(t *testing.T) {
	both := compile(t, rules.Spec{Name: "a", When: `state == "failed"`}, rules.Spec{Name: "b", When: `state == "failed"`})
	memory := rules.NewMemory("prod")
	memory.Apply(rules.NewSet(rules.SetSpec{Rules: both}).Step(memory, orders("failed").snapshot(0)))

	other := rules.NewSet(rules.SetSpec{Rules: both[:1], All: both})
	result := other.Step(memory, orders("failed").snapshot(1))
	memory.Apply(result)
	if got := len(memory.Alerts()); got != 2 {
		t.Errorf("alerts after a check that does not run rule b but another does: got %d, want 2", got)
	}
	result = rules.NewSet(rules.SetSpec{Rules: both[:1]}).Step(memory, orders("failed").snapshot(2))
	memory.Apply(result)
	if len(result.Transitions) != 1 || result.Transitions[0].Rule != "b" || result.Transitions[0].Status != "resolved" {
		t.Errorf("transitions after rule b was taken out of the config: got %+v, want b resolved", result.Transitions)
	}
}

// Two checks share what is remembered of a replication: an event belongs to a change of state
// that only one of them sees happen.
func TestEventIsSeenByWhicheverCheckSeesTheChange(t *testing.T) {
	failed := compile(t, rules.Spec{Name: "failed", When: `state == "failed"`})
	done := compile(t, rules.Spec{Name: "done", On: &rules.EventSpec{To: []string{"completed"}}})
	all := append(failed, done...)
	often := rules.NewSet(rules.SetSpec{Rules: failed, All: all})
	seldom := rules.NewSet(rules.SetSpec{Rules: done, All: all})
	memory := rules.NewMemory("prod")
	var got []string
	for minute, step := range []struct {
		set   *rules.Set
		state string
	}{{seldom, "running"}, {often, "running"}, {often, "completed"}, {seldom, "completed"}} {
		result := step.set.Step(memory, orders(step.state).snapshot(minute))
		memory.Apply(result)
		got = append(got, describeFrame(minute, memory, result))
	}
	want := []string{"0m quiet", "1m quiet", "2m quiet: event", "3m quiet"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("two checks, one event (-want +got):\n%s", diff)
	}
}

func TestTransitionSaysWhatIsKnown(t *testing.T) {
	set := rules.NewSet(rules.SetSpec{
		Labels: map[string]string{"team": "data"},
		Rules: compile(t, rules.Spec{
			Name: "failed", When: `state == "failed"`, Severity: "critical", Labels: map[string]string{"pager": "yes"},
			Summary: "{{ .doc_id }} failed: {{ .error }}, was {{ .previous_state }}, wrote {{ .docs_written }}, for {{ .labels.team }}{{ .labels.none }}",
		}),
	})
	memory := rules.NewMemory("prod")
	memory.Apply(set.Step(memory, orders("running").snapshot(0)))
	result := set.Step(memory, orders("failed", failedWith("duplicate"), errorCount(1)).snapshot(1))
	if len(result.Transitions) != 1 {
		t.Fatalf("transitions: got %d, want 1", len(result.Transitions))
	}
	got := result.Transitions[0]
	one := int64(1)
	want := got
	want.Summary = "orders failed: duplicate, was running, wrote unknown, for data"
	want.State, want.PreviousState, want.ErrorCount, want.Error = "failed", "running", &one, "duplicate"
	want.StartsAt, want.At = start.Add(time.Minute), start.Add(time.Minute)
	want.Labels = map[string]string{"team": "data", "pager": "yes"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transition (-want +got):\n%s", diff)
	}
}

func TestAbsent(t *testing.T) {
	set := rules.NewSet(rules.SetSpec{Rules: compile(t, rules.Spec{When: `state == "failed"`})})
	memory := rules.NewMemory("prod")
	memory.Apply(set.Step(memory, frame{rows: []*snapshot.Replication{
		replication("audit", "running"), replication("orders", "running"),
	}}.snapshot(0)))
	tests := []struct {
		name string
		look frame
		want int
	}{
		{"what is there is not absent", frame{rows: []*snapshot.Replication{replication("audit", ""), replication("orders", "")}}, 0},
		{"what is missing from a complete view is", orders("running"), 1},
		{"nothing is absent from an incomplete view", frame{gap: true}, 0},
		{"what was asked for is not asked again", gone, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := 0
			for range memory.Absent(tt.look.snapshot(1)) {
				got++
			}
			if got != tt.want {
				t.Errorf("Absent: got %d replications, want %d", got, tt.want)
			}
		})
	}
}
