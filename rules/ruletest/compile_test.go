package ruletest_test

import (
	"strings"
	"testing"

	"watchdog/rules/ruletest"
	"watchdog/snapshot"
)

func TestMistakesInAFile(t *testing.T) {
	const seen = "replications: {orders: {state: failed}}, "
	const expects = "expect: [{at: 0s, alerts: []}]"
	for _, tt := range []struct{ name, tests, want string }{
		{"no tests", "[]", `tests: the file has no tests; add one, as tests: [{name: …, replications: …, expect: …}]`},
		{
			"a test without a name", "[{" + seen + expects + "}]",
			`tests[0].name: the test has no name; give it one that says what is shown, as a sentence`,
		},
		{
			"two tests of one name", "[{name: a, " + seen + expects + "}, {name: a, " + seen + expects + "}]",
			`tests[1].name: two tests have the name "a"; name it for what makes it another one`,
		},
		{
			"a test that shows nothing", "[{name: a, " + expects + "}]",
			`tests[0].replications: the test shows nothing; add some, as replications: {orders: {state: running x3}}`,
		},
		{
			"a test that expects nothing", "[{name: a, " + seen + "}]",
			`tests[0].expect: the test expects nothing; add what it must cause, as expect: [{at: 1m30s, alerts: []}]`,
		},
		{
			"a moment at which nothing is expected", "[{name: a, " + seen + "expect: [{at: 0s}]}]",
			`tests[0].expect[0]: nothing is expected at that moment; add alerts: [] if there must be none`,
		},
		{
			"no moment", "[{name: a, " + seen + "expect: [{alerts: []}]}]",
			`tests[0].expect[0]: the moment is missing; add at: 0s for the first sample`,
		},
		{
			"a moment that is none", "[{name: a, " + seen + "expect: [{at: soon, alerts: []}]}]",
			`tests[0].expect[0].at: "soon" is not a moment; write it like 1m30s, counted from the first sample`,
		},
		{
			"a moment between two samples", "[{name: a, " + seen + "expect: [{at: 45s, alerts: []}]}]",
			`tests[0].expect[0].at: no sample is taken at 45s: there is one every 30s; take 30s or 1m`,
		},
		{
			"a moment before the first sample", "[{name: a, " + seen + "expect: [{at: -30s, alerts: []}]}]",
			`tests[0].expect[0].at: no sample is taken at -30s; the first sample is at 0s`,
		},
		{
			"a moment that is years away", "[{name: a, " + seen + "expect: [{at: 10y, alerts: []}]}]",
			`tests[0].expect[0].at: a test has at most 100000 samples, and this would be number 10512000`,
		},
		{
			"an end before the beginning", "[{name: a, " + seen + "expect: [{at: 1m, until: 30s, alerts: []}]}]",
			`tests[0].expect[0].until: 30s is before 1m`,
		},
		{
			"an alert that could be any", "[{name: a, " + seen + "expect: [{at: 1m, alerts: [{}]}]}]",
			`tests[0].expect[0].alerts[0]: the alert could be any; add rule, doc_id and status at least`,
		},
		{
			"a rule that there is not", "[{name: a, " + seen + "expect: [{at: 1m, alerts: [{rule: faild}]}]}]",
			`tests[0].expect[0].alerts[0].rule: "faild" is not a rule; did you mean "failed"?`,
		},
		{
			"a status that there is not", "[{name: a, " + seen + "expect: [{at: 1m, alerts: [{status: on}]}]}]",
			`tests[0].expect[0].alerts[0].status: "on" is not a status; those there are: pending, firing, resolved, event`,
		},
		{
			"a severity that there is not", "[{name: a, " + seen + "expect: [{at: 1m, alerts: [{severity: criticl}]}]}]",
			`tests[0].expect[0].alerts[0].severity: "criticl" is not a severity; did you mean "critical"?`,
		},
		{
			"a time that is none", "[{name: a, " + seen + "expect: [{at: 1m, alerts: [{starts_at: now}]}]}]",
			`tests[0].expect[0].alerts[0].starts_at: "now" is not a moment; write it like 1m30s, counted from the first sample`,
		},
		{
			"a sink that there is not", "[{name: a, " + seen + "expect: [{at: 1m, messages: [{sink: oncal}]}]}]",
			`tests[0].expect[0].messages[0].sink: "oncal" is not a sink; did you mean "oncall"?`,
		},
		{
			"a message that could be any", "[{name: a, " + seen + "expect: [{at: 1m, messages: [{}]}]}]",
			`tests[0].expect[0].messages[0]: the message could be any; add sink and headline`,
		},
		{
			"an event that there is not", "[{name: a, replications: {orders: {history: [{at: 0s, type: crash}]}}, " + expects + "}]",
			`tests[0].replications.orders.history[0].type: "crash" is no event of a job; write one of added, started, stopped, crashed`,
		},
		{
			"an event without a time", "[{name: a, replications: {orders: {history: [{type: crashed}]}}, " + expects + "}]",
			`tests[0].replications.orders.history[0].at: "" is not a time; write it like -1h, for an hour before the first sample, or 2026-01-02T03:04:05Z`,
		},
		{
			"crashes told twice", "[{name: a, replications: {orders: {crashes: 1, history: []}}, " + expects + "}]",
			`tests[0].replications.orders.crashes: the history tells of the crashes; leave one of them out`,
		},
		{
			"a server told twice", "[{name: a, " + seen + "servers: {prod: {}}, " + expects + "}]",
			`tests[0].servers.prod: the test shows the server "prod" twice; write all of it in one place`,
		},
		{
			"a recording beside samples", "[{name: a, recording: a.ndjson, " + seen + expects + "}]",
			`tests[0].recording: a test shows a recording, or what it says itself; make two tests of it`,
		},
		{
			"a recording that cannot be read", "[{name: a, recording: a.ndjson, " + expects + "}]",
			`tests[0].recording: open a.ndjson: no such file`,
		},
		{
			"all at once", "[{name: a, replications: {orders: {state: x, docs_written: y}}, expect: [{at: 1s, alerts: []}]}]",
			`tests[0].replications.orders.state[0:1]: "x" is not a state; write it like running x3, failed
tests[0].replications.orders.docs_written[0:1]: "y" is not a whole number; write it like 100+50x4
tests[0].expect[0].at: no sample is taken at 1s: there is one every 30s; take 0s or 30s`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tests, problems := ruletest.Compile(decode(t, "tests: "+tt.tests), planOf(t, `failed: state == "failed"`))
			if got := problemLines(problems); got != tt.want {
				t.Errorf("Compile:\n got %s\nwant %s", got, tt.want)
			}
			if wrong := strings.Count(tt.tests, "name: a"); len(tests) >= max(wrong, 1) {
				t.Errorf("Compile gave %d tests to run, some of them with mistakes", len(tests))
			}
		})
	}
}

func TestMomentsOfARecording(t *testing.T) {
	plan := planOf(t, `failed: state == "failed"`)
	plan.Recording = func(path string) ([]*snapshot.Snapshot, error) {
		if path == "empty.ndjson" {
			return nil, nil
		}
		return recording(t, "../../snapshot/testdata/"+path), nil
	}
	for _, tt := range []struct{ name, test, want string }{
		{"an empty one", "recording: empty.ndjson, expect: [{at: 1m, alerts: []}]", `tests[0].recording: empty.ndjson holds no snapshot`},
		{
			"after the last snapshot", "recording: timeline.ndjson, expect: [{at: 2m, alerts: []}]",
			`tests[0].expect[0].at: the recording goes from 2026-11-24T07:25:40Z to 2026-11-24T07:27:21Z`,
		},
		{
			"before the first", `recording: timeline.ndjson, expect: [{at: "2026-11-24T07:25:39Z", alerts: []}]`,
			`tests[0].expect[0].at: the recording goes from 2026-11-24T07:25:40Z to 2026-11-24T07:27:21Z`,
		},
		{
			"a rule that there is not", `recording: timeline.ndjson, expect: [{at: 1m, alerts: [{rule: faild}]}]`,
			`tests[0].expect[0].alerts[0].rule: "faild" is not a rule; did you mean "failed"?`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := ruletest.Compile(decode(t, "tests: [{name: a, "+tt.test+"}]"), plan)
			if got := problemLines(problems); got != tt.want {
				t.Errorf("Compile:\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}
