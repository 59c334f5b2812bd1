package rules_test

import (
	"testing"
	"time"

	"watchdog/alert"
	"watchdog/rules"
)

// A sample is of a subject that the rule would tell of.
func TestSamplesAreWhatTheRuleIsAbout(t *testing.T) {
	for _, tt := range []struct {
		spec rules.Spec
		want string // as the summary has it
	}{
		{rules.Spec{When: `state == "failed"`}, "failed 1 true"},
		{rules.Spec{When: `state == "crashing"`}, "crashing 10 true"},
		{rules.Spec{When: `error_count > 5`}, "crashing 10 true"},
		{rules.Spec{When: `crashes("1h") >= 3`}, "crashing 10 true"},
		{rules.Spec{When: `state == "running" && crashes("24h") >= 6`}, "running 0 true"},
		{rules.Spec{When: `state == "pending" && in_state("30m")`}, "pending 0 true"},
		{rules.Spec{When: `state == "error"`}, "error 10 true"},
		{rules.Spec{When: `stalled("docs_written", "7d")`}, "running 0 true"},
		{rules.Spec{When: `blind("15m")`}, "running 0 true"},
		{rules.Spec{When: `increase("doc_write_failures", "1h") > 0`}, "running 0 true"},
		{rules.Spec{When: `state == "running" && not active`}, "running 0 true"},
		{rules.Spec{When: `changes_pending > 1000 && rate("docs_written", "5m") < 1`}, "crashing 10 true"},
		{rules.Spec{On: &rules.EventSpec{From: []string{"running"}, To: []string{"completed"}}}, "completed 0 false"},
		{rules.Spec{On: &rules.EventSpec{To: []string{"failed"}}}, "failed 1 true"},
		{rules.Spec{When: `state == "running" && error_count > 3`}, "crashing 10 true"}, // none fits
	} {
		tt.spec.Name, tt.spec.Summary = "r", "{{ .state }} {{ .error_count }} {{ .continuous }}"
		got := compile(t, tt.spec)[0].Sample("prod", nil, start)
		if got.Alert.Summary != tt.want {
			t.Errorf("when %s, on %v: got %q, want %q", tt.spec.When, tt.spec.On, got.Alert.Summary, tt.want)
		}
	}
}

func TestSamplesOfServersAreWhatTheRuleIsAbout(t *testing.T) {
	for _, tt := range []struct{ when, want string }{
		{`failures >= 3`, "false 3"},
		{`count(replications, .state == "failed") > 5`, "true 0"},
		{`percent(replications, .state == "crashing" && crashes("1h") > 2) > 50`, "true 0"},
		{`count(replications, .doc_id == "orders") == 0`, "true 0"},
	} {
		rule := compile(t, rules.Spec{Name: "r", Scope: "server", When: tt.when, Summary: "{{ .up }} {{ .failures }}"})[0]
		got := rule.Sample("prod", map[string]string{"team": "data"}, start.Add(time.Hour)).Alert
		if got.Summary != tt.want || got.Status != alert.StatusFiring || got.Labels["team"] != "data" {
			t.Errorf("when %s: got %q (%s, labels %v), want %q, firing, with the server's labels", tt.when, got.Summary, got.Status, got.Labels, tt.want)
		}
	}
}
