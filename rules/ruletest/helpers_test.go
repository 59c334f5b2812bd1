package ruletest_test

import (
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"watchdog/diag"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/rules/ruletest"
	"watchdog/snapshot"
)

// decode reads a test file; what a config's decoder would say against it is tested there.
func decode(t testing.TB, text string) *ruletest.File {
	t.Helper()
	var f ruletest.File
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		t.Fatalf("decode: %v\n%s", err, text)
	}
	return &f
}

// planOf has rules by name and condition, on every server, and routes all to one sink.
func planOf(t testing.TB, when ...string) *ruletest.Plan {
	t.Helper()
	var all []*rules.Rule
	for _, w := range when {
		name, condition, _ := strings.Cut(w, ": ")
		r, problems := rules.Compile(rules.Spec{Name: name, When: condition})
		if r == nil {
			t.Fatalf("Compile(%s): %+v", w, problems)
		}
		all = append(all, r)
	}
	router, problems := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall"}}}})
	if len(problems) > 0 {
		t.Fatalf("NewRouter: %+v", problems)
	}
	return &ruletest.Plan{
		Server: "prod",
		Rules:  func(string) []*rules.Rule { return all },
		Labels: func(string) map[string]string { return map[string]string{"team": "data"} },
		Router: router, Sinks: []string{"oncall", "log"},
		Recording: func(path string) ([]*snapshot.Snapshot, error) { return nil, fmt.Errorf("open %s: no such file", path) },
	}
}

// run compiles a file that has no mistakes and gives what its tests say, "" for all passed.
func run(t testing.TB, plan *ruletest.Plan, text string) string {
	t.Helper()
	tests, problems := ruletest.Compile(decode(t, text), plan)
	if len(problems) > 0 {
		t.Fatalf("Compile: %s", problemLines(problems))
	}
	var b strings.Builder
	for _, test := range tests {
		for _, f := range test.Run() {
			b.WriteString(f.Path + ": " + f.String())
		}
	}
	return b.String()
}

func problemLines(problems []diag.Problem) string {
	var lines []string
	for _, p := range problems {
		line := p.Field
		if p.Length > 0 {
			line += fmt.Sprintf("[%d:%d]", p.Offset, p.Offset+p.Length)
		}
		line += ": " + p.Message
		if p.Hint != "" {
			line += "; " + p.Hint
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
