package rules_test

import (
	"strings"
	"testing"

	"watchdog/rules"
)

// A template that fails at run time never costs the alert: a plain text says that it failed.
func TestTemplateThatFailsFallsBack(t *testing.T) {
	tests := []struct {
		name, summary, want string
	}{
		{"a call that fails", `{{ if eq .doc_id "orders" }}{{ slice .doc_id 0 99 }}{{ end }}`, "(the template of summary failed: "},
		{"a text without end", `{{ if eq .doc_id "orders" }}{{ printf "%9000d" 1 }}{{ end }}`, "(the template of summary failed: "},
		{"what was not given is said to be unknown", `{{ .changes_pending }} wait`, "unknown wait"},
		{"a text that was not given is empty", `[{{ .source }}]`, "[]"},
		{"truncate", `{{ truncate 4 .state }}`, "run…"},
		{"humanize", `{{ humanize 950 }} {{ humanize 1250 }} {{ humanize 3400000 }} {{ humanize .changes_pending }}`, "950 1.25k 3.4M unknown"},
		{"a label that is not there is empty", `[{{ .labels.team }}]`, "[]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rule, problems := rules.Compile(rules.Spec{Name: "r", When: `state == "running"`, Summary: tt.summary})
			if rule == nil {
				t.Fatalf("Compile: %+v", problems)
			}
			result := rules.NewSet(rules.SetSpec{Rules: []*rules.Rule{rule}}).Step(rules.NewMemory("prod"), orders("running").snapshot(0))
			if len(result.Transitions) != 1 {
				t.Fatalf("transitions: got %d, want 1", len(result.Transitions))
			}
			if got := result.Transitions[0].Summary; !strings.HasPrefix(got, tt.want) {
				t.Errorf("summary: got %q, want %q", got, tt.want)
			}
		})
	}
}
