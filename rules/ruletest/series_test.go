package ruletest_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"watchdog/rules/ruletest"
)

// Each case shows a series and a condition, and at which samples, 30 seconds apart, it is true.
func TestSeries(t *testing.T) {
	for _, tt := range []struct {
		name, field, series string
		when                string
		want                string // of five samples: true, -: not, or unknown
	}{
		{"a single value holds throughout", "docs_written", "7", "docs_written == 7", "*****"},
		{"AxN is N samples of A in all", "docs_written", "7x2 8", "docs_written == 7", "**---"},
		{"the N may stand apart", "state", "running x2, failed", `state == "running"`, "**---"},
		{"and need not", "state", "runningx2 failed", `state == "running"`, "**---"},
		{"commas part like blanks", "docs_written", "1,2 , 3", "docs_written == 2", "-*---"},
		{"after its end a series stays as it was", "docs_written", "1 2 3", "docs_written == 3", "--***"},
		{"A+BxN goes up", "docs_written", "100+50x4 9", "docs_written == 150 || docs_written == 250", "-*-*-"},
		{"A-BxN goes down", "docs_written", "100-50x3 9", "docs_written == 0", "--*--"},
		{"_ is not given: what fires is held", "docs_written", "1 _ 2", "docs_written == 1", "**---"},
		{"_xN is N that are not given", "docs_written", "1 _x2 2", "docs_written == 1", "***--"},
		{"not given is unknown, which is not false", "docs_written", "1 _ 1", "not (docs_written == 1)", "-----"},
		{"a state that is not given", "state", "failed _ running", `state == "failed"`, "**---"},
		{"text in double quotes", "error", `"a, \"b\" x3" x2 c`, `error == "a, \"b\" x3"`, "**---"},
		{"text in single quotes", "error", `'it''s' 'b'x2`, `error == "it's"`, "*----"},
		{"a repetition after a quote needs no blank", "error", `'a'x2 b`, `error == "a"`, "**---"},
		{"in free text the N stands apart", "error", "ax2, b", `error == "ax2"`, "*----"},
		{"a sequence steps where it is a number", "through_seq", "10+5x2 g", `through_seq == "15"`, "-*---"},
		{"a sequence may hold a dash", "through_seq", "12-3, 12-g1AAAx3", `through_seq == "12-3" || through_seq == "12-g1AAAx3"`, "*****"},
		{"true and false", "active", "true x2 false", "active", "**---"},
		{"a time before the first sample", "start_time", "-1h", `age(start_time) > duration("1h1m")`, "---**"},
		{"a time as RFC 3339", "start_time", "2025-12-31T23:00:00Z", `age(start_time) > duration("1h1m")`, "---**"},
		{"continuous is what the id says", "id", "f857+continuous x2, f857", "continuous", "**---"},
		{"crashes are counted", "crashes", "0 1 1 3", `crashes("1m") >= 2`, "---**"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fields := map[string]string{"state": "running", tt.field: tt.series}
			var b strings.Builder
			for name, series := range fields {
				b.WriteString(name + ": " + strconv.Quote(series) + ", ")
			}
			if got := whenTrue(t, planOf(t, "true: "+tt.when), b.String()); got != tt.want {
				t.Errorf("%s: %s\nwhen %s:\n got %s\nwant %s", tt.field, tt.series, tt.when, got, tt.want)
			}
		})
	}
}

// whenTrue marks the samples of five in which the only rule of a plan fires for a replication.
func whenTrue(t *testing.T, plan *ruletest.Plan, fields string) string {
	t.Helper()
	text := "tests: [{name: a, replications: {orders: {" + fields + "}}, expect: [{at: 0s, until: 2m, alerts: []}]}]"
	tests, problems := ruletest.Compile(decode(t, text), plan)
	if len(problems) > 0 {
		t.Fatalf("Compile: %s", problemLines(problems))
	}
	got := []byte("-----")
	for _, failure := range tests[0].Run() {
		for _, f := range failure.Pairs[0].Got.Fields {
			for at := failure.At; at <= failure.Until && f.Name == "status" && f.Text == "firing"; at += 30 * time.Second {
				got[at/(30*time.Second)] = '*'
			}
		}
	}
	return string(got)
}

func TestSeriesMistakesAreAtTheirPlace(t *testing.T) {
	for _, tt := range []struct{ name, field, series, want string }{
		{
			"a state that is none", "state", "running x3, faild x2",
			`.state[12:17]: "faild" is not a state; did you mean "failed"?`,
		},
		{
			"a word where a number belongs", "docs_written", "1x2 many",
			`.docs_written[4:8]: "many" is not a whole number; write it like 100+50x4`,
		},
		{
			"a negative number", "docs_written", "-1",
			`.docs_written[0:2]: "-1" is not a whole number; write it like 100+50x4`,
		},
		{
			"a step without a repetition", "docs_written", "5 100+50",
			`.docs_written[2:8]: "100+50" steps, but does not say how often; write it like 100+50x4: four samples, each 50 above the one before`,
		},
		{
			"a step below zero", "docs_written", "100-50x4",
			`.docs_written[0:8]: the last of the 4 samples would be -50, which no counter is`,
		},
		{"no repetition at all", "docs_written", "5x0", `.docs_written[2:3]: a value is repeated 1 to 100000 times, not 0`},
		{
			"a repetition that eats the memory", "state", "running x1000000000",
			`.state[9:19]: a value is repeated 1 to 100000 times, not 1000000000`,
		},
		{
			"many that are too many together", "docs_written", "5x60000 6x60000",
			`.docs_written[8:15]: the series has more than 100000 samples`,
		},
		{"a repetition of nothing", "docs_written", "x3", `.docs_written[0:2]: "x3" is not a whole number; write it like 100+50x4`},
		{
			"a quote that does not end", "error", `ok, "db_not_found`,
			`.error[4:17]: the quotes that begin here do not end; close the quotes`,
		},
		{
			"an escape that JSON does not have", "error", `"a\d"`,
			`.error[0:5]: what stands in the quotes cannot be read; a backslash begins \" \\ \n \t or \u0041`,
		},
		{
			"a sentence without quotes", "error", "ok, could not open",
			`.error[10:13]: a text with blanks in it needs quotes; write it like '"could not open" x3', or part two values by a comma`,
		},
		{"blanks alone", "error", "  ", `.error: the series is empty; leave it out, or write values such as "db_not_found: could not open" x3`},
		{
			"a time that is none", "start_time", "yesterday",
			`.start_time[0:9]: "yesterday" is not a time; write it like -1h, for an hour before the first sample, or 2026-01-02T03:04:05Z`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := decode(t, "tests: [{name: a, replications: {orders: {"+tt.field+": "+strconv.Quote(tt.series)+"}}, expect: [{at: 0s, alerts: []}]}]")
			_, problems := ruletest.Compile(f, planOf(t))
			if got, want := problemLines(problems), "tests[0].replications.orders"+tt.want; got != want {
				t.Errorf("Compile of %s:\n got %s\nwant %s", tt.series, got, want)
			}
		})
	}
}

func FuzzSeries(f *testing.F) {
	f.Add("running x3, failed", "100+50x4 _x2 9", `"a \" b" x3 'it''s'`)
	f.Add("_", "1-1x2", "''")
	f.Fuzz(func(t *testing.T, state, written, reason string) {
		file := &ruletest.File{Tests: []ruletest.Case{{
			Name: "a",
			Seen: ruletest.Seen{Replications: map[string]ruletest.Replication{
				"r": {State: state, DocsWritten: written, Error: reason},
			}},
			Expect: []ruletest.Expectation{{At: "0s", Alerts: []ruletest.AlertSpec{}}},
		}}}
		_, problems := ruletest.Compile(file, planOf(t))
		for _, p := range problems {
			text := map[string]string{
				"tests[0].replications.r.state":        state,
				"tests[0].replications.r.docs_written": written,
				"tests[0].replications.r.error":        reason,
			}[p.Field]
			if p.Offset < 0 || p.Length < 0 || p.Offset+p.Length > len(text) {
				t.Errorf("%s: a mistake at %d to %d of %q", p.Field, p.Offset, p.Offset+p.Length, text)
			}
		}
	})
}
