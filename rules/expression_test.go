package rules_test

import (
	"strconv"
	"strings"
	"testing"

	"watchdog/diag"
	"watchdog/rules"
)

// Each expression on one look at a replication of which the state is "running", error_count 6
// and docs_written 5, and everything else unknown.
func TestThreeValuedLogic(t *testing.T) {
	tests := []struct {
		when string
		want string // of when itself, read off three rules: when, !when, on_unknown
	}{
		{`state == "running"`, "true"},
		{`state in ["failed", "crashing"]`, "false"},
		{`changes_pending > 0`, "unknown"},
		{`changes_pending == 0`, "unknown"},
		{`changes_pending != 0`, "unknown"},
		{`!(changes_pending > 0)`, "unknown"},
		{`state == "running" && changes_pending > 0`, "unknown"},
		{`changes_pending > 0 && state == "failed"`, "false"},
		{`changes_pending > 0 || state == "running"`, "true"},
		{`changes_pending > 0 or state == "failed"`, "unknown"},
		{`not (changes_pending > 0 || state == "running")`, "false"},
		{`continuous ? error_count > 5 : error_count > 4`, "true"},
		{`continuous ? error_count > 5 : error_count > 6`, "unknown"},
		{`state == "running" ? error_count > 5 : changes_pending > 0`, "true"},
		{`error_count + docs_written == 11`, "true"},
		{`error contains "timeout"`, "unknown"},
		{`database startsWith "_rep" && doc_id matches "^ord.*s$"`, "true"},
		{`labels.team == "data"`, "true"},
		{`labels["none"] == ""`, "true"},
		{`age(start_time) > duration("1m")`, "unknown"},
		{`age(since) >= duration("0s")`, "true"},
		{`stalled("10m")`, "unknown"},
		{`!stalled("10m")`, "unknown"},
		{`stalled("10m") == true`, "unknown"},
		{`crashes("1h") > 3`, "unknown"},
		{`active`, "unknown"},
		{`len(labels) == 1`, "true"},
		{`error_count % (docs_written - 5) == 0`, "unknown"}, // division by zero fails
	}
	for _, tt := range tests {
		t.Run(tt.when, func(t *testing.T) {
			set := rules.NewSet(rules.SetSpec{
				Labels: map[string]string{"team": "data"},
				Rules: compile(t,
					rules.Spec{Name: "true", When: tt.when},
					rules.Spec{Name: "false", When: "!(" + tt.when + ")"},
				),
			})
			memory := rules.NewMemory("prod")
			memory.Apply(set.Step(memory, orders("running", errorCount(6), written(5)).snapshot(0)))
			got := "unknown"
			for _, a := range memory.Alerts() {
				got = a.Rule
			}
			if got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.when, got, tt.want)
			}
		})
	}
}

func TestCompileSaysWhatIsWrong(t *testing.T) {
	tests := []struct {
		name string
		spec rules.Spec
		want string // field[offset:end] level: message; hint
	}{
		{"a misspelt field", rules.Spec{When: `stat == "failed"`}, `when[0:4] unknown field "stat"; did you mean "state"?`},
		{"the place counts bytes", rules.Spec{When: `error == "é" && stat == ""`}, `when[17:21] unknown field "stat"; did you mean "state"?`},
		{"a misspelt function", rules.Spec{When: `staled("10m")`}, `when[0:6] unknown function "staled"; did you mean "stalled"?`},
		{"a misspelt counter", rules.Spec{When: `stalled("docs_writen", "10m")`}, `when[8:21] stalled cannot follow "docs_writen"; did you mean "docs_written"?`},
		{"a window that is none", rules.Spec{When: `stalled("10 minutes")`}, `when[8:20] "10 minutes" is not a duration: write it like 30s, 10m, 1h30m or 90d`},
		{"a window too long", rules.Spec{When: `crashes("30d") > 1`}, `when[8:13] the window 30d is out of range; write a window between 1s and 7d`},
		{"a number compared with text", rules.Spec{When: `state == 5`}, `when[6:8] invalid operation: == (mismatched types string and int); compare text with text and numbers with numbers`},
		{"an age compared with text", rules.Spec{When: `age(since) > "5m"`}, `when[11:12] invalid operation: > (mismatched types duration and string); write a duration as duration("10m")`},
		{"a bad duration", rules.Spec{When: `age(since) > duration("5 min")`}, `when[22:29] "5 min" is not a duration; write it like 90s, 10m or 1h30m`},
		{"not a condition", rules.Spec{When: `error_count`}, `when[0:11] this is not a condition: expected bool, but got int; compare it with something, as in error_count > 5`},
		{"one = too few", rules.Spec{When: `state = "failed"`}, `when[6:7] = does not compare; write ==`},
		{"an unclosed bracket", rules.Spec{When: `(state == "failed"`}, `when[`},
		{"nil", rules.Spec{When: `changes_pending == nil`}, `when[19:22] a field cannot be compared with nil; what the server did not give is unknown, and never fires; see on_unknown, or blind("10m")`},
		{"a range", rules.Spec{When: `error_count in 1..1000000000`}, `when[16:18] ranges cannot be used; compare with >= and <=`},
		{"a loop", rules.Spec{When: `all([1, 2], # > 1)`}, `when[0:3] the function all cannot be used in a rule of scope replication; `},
		{"memory", rules.Spec{When: `len(repeat("x", 1000000000)) > 1`}, `when[4:10] the function repeat cannot be used in a rule of scope replication; `},
		{"the clock", rules.Spec{When: `since > now()`}, `when[8:11] the function now cannot be used in a rule of scope replication; `},
		{"a field of the other scope", rules.Spec{When: `failures > 3`}, `when[0:8] unknown field "failures"; the fields of a rule of scope replication are `},
		{"a function in server scope", rules.Spec{When: `crashes("1h") > 3`, Scope: "server"}, `when[0:7] unknown function "crashes"`},
		{"until too", rules.Spec{When: `state == "failed"`, Until: `stat == ""`}, `until[0:4] unknown field "stat"; did you mean "state"?`},
		{"neither when nor on", rules.Spec{}, `when[0:0] the rule has neither when nor on; add a condition, as when: state == "failed"`},
		{"an event that holds", rules.Spec{On: &rules.EventSpec{To: []string{"failed"}}, For: 1}, `on[0:0] an event is told once: it neither holds nor ends; leave out for, until and keep_firing_for, or on`},
		{"an unknown state of an event", rules.Spec{On: &rules.EventSpec{To: []string{"done"}}}, `on.to[0][0:0] CouchDB has no state "done"; the states are `},
		{"a severity", rules.Spec{When: "active", Severity: "critcal"}, `severity[0:0] "critcal" is not a severity: use info, warning or critical; did you mean "critical"?`},
		{"a scope", rules.Spec{When: "active", Scope: "job"}, `scope[0:0] unknown scope "job"; write replication or server`},
		{"on_unknown", rules.Spec{When: "active", OnUnknown: "ignore"}, `on_unknown[0:0] unknown value "ignore"; write hold, fire, resolve`},
		{"a template that does not parse", rules.Spec{When: "active", Summary: "{{ .doc_id"}, `summary[0:0] bad template: `},
		{"a template with a misspelt field", rules.Spec{When: "active", Summary: "{{ .docid }}"}, `summary[0:0] bad template: map has no entry for key "docid"; did you mean "doc_id"?`},
		{"lint: error_count saturates", rules.Spec{When: "error_count > 10"}, `when[14:16] lint error-count-saturates: error_count never gets above 10`},
		{"lint: docs_written alone", rules.Spec{When: "docs_written < 1"}, `when[0:12] lint docs-written-without-pending: docs_written says nothing without changes_pending`},
		{"lint: a misspelt state", rules.Spec{When: `state in ["failed", "runing"]`}, `when[20:28] lint unknown-state: CouchDB has no state "runing"; did you mean "running"?`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Name = "rule"
			rule, problems := rules.Compile(tt.spec)
			if len(problems) == 0 {
				t.Fatalf("Compile(%+v): got no problem, want %s", tt.spec, tt.want)
			}
			p := problems[0]
			if got := problemLine(p); !strings.HasPrefix(got, tt.want) {
				t.Errorf("Compile:\n got %s\nwant %s", got, tt.want)
			}
			if wantRule := p.Level == diag.Lint; (rule != nil) != wantRule {
				t.Errorf("Compile: got a rule: %v, want %v", rule != nil, wantRule)
			}
		})
	}
}

func problemLine(p diag.Problem) string {
	var b strings.Builder
	b.WriteString(p.Field)
	b.WriteString("[" + strconv.Itoa(p.Offset) + ":" + strconv.Itoa(p.Offset+p.Length) + "] ")
	if p.Level == diag.Lint {
		b.WriteString("lint " + p.ID + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

func TestEveryMistakeOfARuleAtOnce(t *testing.T) {
	_, problems := rules.Compile(rules.Spec{
		Severity: "bad", Scope: "replication", OnUnknown: "bad", When: `stat == "" && staled("1m")`, Until: "5", Summary: "{{",
	})
	if got, want := len(problems), 7; got != want {
		for _, p := range problems {
			t.Log(problemLine(p))
		}
		t.Errorf("Compile: got %d problems, want %d", got, want)
	}
}
