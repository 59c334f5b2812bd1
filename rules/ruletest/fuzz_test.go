package ruletest_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"watchdog/rules"
	"watchdog/rules/ruletest"
)

// manySamples is a series that would take long.
var manySamples = regexp.MustCompile(`x\s*\d{4}`)

// A file of tests is refused with the places of its mistakes, or runs. What was there, written down
// as expected, is as expected, at every moment that is asked for; with one alert less it is not.
func FuzzFile(f *testing.F) {
	files, err := filepath.Glob("../../library/*_test.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("tests of the library: got %v, %v", files, err)
	}
	for _, file := range append(files, "../../watchdog_test.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, one := range []string{
		"tests: [{name: a, interval: -30s, replications: {orders: {state: failed}}, expect: [{at: 1m, alerts: []}]}]",
		"tests: [{name: a, check: 'ok, failed x2, partial, \"no\"', latency: 1s x9, version: 3.5.0, expect: [{at: 0s, until: 2m, alerts: []}]}]",
		"tests: [{name: a, servers: {b: {replications: {x/_replicator/y: {state: 'running, deleted', history: [{at: -1h, type: crashed}]}}}}, expect: [{at: 9999-01-01T00:00:00Z, alerts: []}]}]",
		"tests: [{name: a, recording: none.ndjson, expect: [{at: 0s, messages: [{sink: oncall, alerts: [{ends_at: ''}]}]}]}]",
		"interval: 1ns\ntests: [{name: a, replications: {a: {state: 'crashing, absent x3, failed', crashes: 0+1x9}}, expect: [{at: 5ns, alerts: []}]}]",
	} {
		f.Add(one)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var file ruletest.File
		d := yaml.NewDecoder(strings.NewReader(text))
		d.KnownFields(true)
		if len(text) > 1<<14 || d.Decode(&file) != nil || manySamples.MatchString(text) {
			return
		}
		plan := planOf(t, `failed: state == "failed"`, `crashing: state in ["crashing", "error"]`, `stalled: stalled("docs_written", "5m")`)
		tests, problems := ruletest.Compile(&file, plan)
		if len(tests) == 0 && len(problems) == 0 {
			t.Errorf("there is nothing to run, and nothing is wrong with\n%s", text)
		}
		for _, p := range problems {
			if p.Message == "" || !strings.HasPrefix(p.Field, "tests") || p.Offset < 0 || p.Length < 0 {
				t.Errorf("a mistake that is nowhere: %+v of\n%s", p, text)
			}
		}
		for _, one := range tests {
			var i int
			for i = range file.Tests {
				if file.Tests[i].Name == one.Name {
					break
				}
			}
			checkCase(t, plan, &file, &file.Tests[i])
		}
	})
}

// checkCase takes a good test, and looks at what it says where other things are expected.
func checkCase(t *testing.T, plan *ruletest.Plan, file *ruletest.File, c *ruletest.Case) {
	for _, e := range c.Expect {
		if tooLate(file, c, e.At) || tooLate(file, c, e.Until) {
			return
		}
	}
	for _, e := range c.Expect {
		e = ruletest.Expectation{At: e.At, Alerts: []ruletest.AlertSpec{}}
		failures := runCase(t, plan, file, c, e)
		if len(failures) == 0 {
			continue
		}
		if len(failures) != 1 || failures[0].Path != "tests[0].expect[0]" || failures[0].What != "alerts" {
			t.Fatalf("no alerts are expected at %s: got %+v, want one failure", e.At, failures)
		}
		for _, p := range failures[0].Pairs {
			if p.Expected != nil || p.Got == nil {
				t.Fatalf("no alerts are expected at %s: got %v, want what there is", e.At, failures[0])
			}
			e.Alerts = append(e.Alerts, specOf(t, p.Got))
		}
		if failures := runCase(t, plan, file, c, e); len(failures) > 0 {
			t.Errorf("what there was at %s is expected: got %v, want none", e.At, failures)
		}
		e.Alerts = e.Alerts[1:]
		if failures := runCase(t, plan, file, c, e); len(failures) != 1 {
			t.Errorf("one alert less than there was at %s is expected: got %v, want a failure", e.At, failures)
		}
	}
}

// tooLate says that it would take long until a moment.
func tooLate(file *ruletest.File, c *ruletest.Case, at string) bool {
	interval := c.Interval
	if interval == 0 {
		interval = file.Interval
	}
	if interval == 0 {
		interval = 30 * time.Second
	}
	d, err := rules.ParseDuration(at)
	return at != "" && (err != nil || d/interval > 500)
}

// runCase runs a test in which one thing is expected, twice.
func runCase(t *testing.T, plan *ruletest.Plan, file *ruletest.File, c *ruletest.Case, e ruletest.Expectation) []ruletest.Failure {
	t.Helper()
	one := *c
	one.Expect = []ruletest.Expectation{e}
	tests, problems := ruletest.Compile(&ruletest.File{Interval: file.Interval, Tests: []ruletest.Case{one}}, plan)
	if len(problems) > 0 || len(tests) != 1 {
		t.Fatalf("a test that was good is not with %+v: %+v", e, problems)
	}
	failures := tests[0].Run()
	if again := tests[0].Run(); !reflect.DeepEqual(failures, again) {
		t.Fatalf("run again: got %v, want %v", again, failures)
	}
	return failures
}

// specOf is what a side says, as it is written in a test.
func specOf(t *testing.T, side *ruletest.Side) ruletest.AlertSpec {
	t.Helper()
	fields := map[string]string{}
	for _, f := range side.Fields {
		fields[f.Name] = f.Text
	}
	text, err := yaml.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	var spec ruletest.AlertSpec
	if err := yaml.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}
