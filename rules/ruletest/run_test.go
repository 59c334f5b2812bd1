package ruletest_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"watchdog/rules"
	"watchdog/rules/ruletest"
	"watchdog/snapshot"
)

func TestAFailureIsToldOnceAndResolved(t *testing.T) {
	got := run(t, planOf(t, `replication-failed: state == "failed"`, `replication-stalled: stalled("docs_written", "10m")`), `
config: watchdog.yaml
tests:
  - name: a failure is told once and resolved
    interval: 30s
    replications:
      orders: {state: "running x3, failed x4, running x2"}
      audit: {state: "running x9", docs_written: "100+50x4 300x5", changes_pending: "10x9"}
    expect:
      - {at: 1m30s, alerts: [{rule: replication-failed, doc_id: orders, status: firing}]}
`)
	if got != "" {
		t.Errorf("got\n%s\nwant all as expected", got)
	}
}

// Each case says what is expected wrongly, or rightly, of the same two replications: orders fails
// at 1m and is well again at 2m; audit is well.
func TestExpectations(t *testing.T) {
	for _, tt := range []struct{ name, expect, want string }{
		{"nothing before", `{at: 30s, alerts: []}`, ""},
		{"fields that are not given are not compared", `{at: 1m, alerts: [{doc_id: orders}]}`, ""},
		{"all fields of an alert", `{at: 1m, alerts: [{status: firing, reason: new, rule: failed, severity: warning, server: prod,
			database: _replicator, doc_id: orders, replication_id: "", source: "http://a/b", target: "", state: failed, previous_state: running,
			error_count: "1", error: db_not_found, labels: {team: data}, summary: "", description: "", runbook_url: "",
			starts_at: 1m, ends_at: ""}]}`, ""},
		{"an alert that goes on is there, and not told", `{at: 1m30s, alerts: [{status: firing, reason: "", starts_at: 1m}]}`, ""},
		{"a resolution is there in its sample", `{at: 2m, alerts: [{status: resolved, reason: resolved, starts_at: "2026-01-01T00:01:00Z", ends_at: 2m}]}`, ""},
		{"and in no other", `{at: 2m30s, alerts: []}`, ""},
		{"an expectation over samples", `{at: 1m, until: 1m30s, alerts: [{status: firing}]}`, ""},
		{"that fails in one of them", `{at: 1m, until: 2m, alerts: [{status: firing}]}`, `
tests[0].expect[0]: at 2m, alerts:
    expected          got
  ! status: firing    nothing

  ! nothing           rule: failed
  !                   doc_id: orders
  !                   status: resolved
`},
		{"what is wrong in the same way for several is told once", `{at: 0s, until: 1m30s, alerts: []}`, `
tests[0].expect[0]: at 1m to 1m30s, alerts:
    expected    got
  ! nothing     rule: failed
  !             doc_id: orders
  !             status: firing
`},
		{"what differs is marked", `{at: 1m, alerts: [{rule: failed, doc_id: orders, state: running}]}`, `
tests[0].expect[0]: at 1m, alerts:
    expected          got
    rule: failed      rule: failed
    doc_id: orders    doc_id: orders
  ! state: running    state: failed
`},
		{"all others are absent", `{at: 1m, alerts: []}`, `
tests[0].expect[0]: at 1m, alerts:
    expected    got
  ! nothing     rule: failed
  !             doc_id: orders
  !             status: firing
`},
		{"one alert does not stand for two", `{at: 1m, alerts: [{rule: failed}, {doc_id: orders}]}`, `
tests[0].expect[0]: at 1m, alerts:
    expected          got
  ! doc_id: orders    nothing
`},
		{"a label that is not there", `{at: 1m, alerts: [{labels: {team: data, region: eu}}]}`, `
tests[0].expect[0]: at 1m, alerts:
    expected             got
  ! labels.region: eu    labels.region: ""
    labels.team: data    labels.team: data
`},
		{"a message", `{at: 1m, messages: [{sink: oncall, headline: "firing: failed, prod/_replicator/orders", alerts: [{doc_id: orders, reason: new}]}]}`, ""},
		{"no message while it goes on", `{at: 1m30s, messages: []}`, ""},
		{"a message that says something else", `{at: 1m, messages: [{sink: oncall, alerts: [{doc_id: audit}]}]}`, `
tests[0].expect[0]: at 1m, messages:
    expected                  got
    sink: oncall              sink: oncall
  ! alert: {doc_id: audit}    alert: none
  ! alert: none               alert: {rule: failed, doc_id: orders, status: firing}
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, planOf(t, `failed: state == "failed"`), `
tests:
  - name: a
    replications:
      orders: {state: "running x2, failed x2, running", error_count: 1, error: db_not_found, source: "http://a/b"}
      audit: {state: running}
    expect: [`+strings.ReplaceAll(tt.expect, "\t", "")+`]
`)
			if want := strings.TrimPrefix(tt.want, "\n"); got != want {
				t.Errorf("Run:\ngot\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Two that are expected may each fit two alerts, and only one way of giving them out is right.
func TestMatchingFindsTheOneWay(t *testing.T) {
	got := run(t, planOf(t, `failed: state == "failed"`), `
tests:
  - name: a
    replications: {a: {state: failed}, b: {state: failed, source: x}, c: {state: failed, source: x}}
    expect:
      - {at: 0s, alerts: [{rule: failed}, {source: x}, {doc_id: b}]}
      - {at: 0s, alerts: [{source: x}, {rule: failed}, {doc_id: c}]}
`)
	if got != "" {
		t.Errorf("got\n%s\nwant all as expected", got)
	}
}

// What becomes of a row: each case tells in which of five samples a condition is true.
func TestWhatAJobShows(t *testing.T) {
	for _, tt := range []struct{ name, fields, when, want string }{
		{"a change to crashing is a crash", `state: "running, crashing x2, running, crashing"`, `crashes("1h") == 2`, "----*"},
		{"crashing at first sight is a crash", `state: "crashing, running"`, `crashes("1h") == 1`, "*****"},
		{"a crash leaves the window", `state: "running, crashing, running"`, `crashes("1m") == 1`, "-**--"},
		{"a crash has the reason that is given", `state: "running, crashing", error: "_, db_not_found, _"`, `error == "db_not_found"`, "-****"},
		{"the last reason stays as the error", `state: "running, crashing, running"`, `error == "the job crashed"`, "-****"},
		{"without a crash there is no error", `state: running`, `error == ""`, "*****"},
		{"error_count is counted as CouchDB does", `state: "running, crashing, running, crashing, running"`, `error_count == 2`, "---**"},
		{"unless it is given", `state: "running, crashing", error_count: "0 5"`, `error_count == 5`, "-****"},
		{"a job that ended shows no history", `state: "running, failed"`, `crashes("1h") == 0 && state == "running"`, "*----"},
		{"a pending job has been stopped, not crashed", `state: "running, pending, running"`, `crashes("1h") == 0`, "*****"},
		{"crashes tell more than the states", `state: running, crashes: "0 0 3"`, `crashes("1h") == 3`, "--***"},
		{"crashes that are not given", `state: running, crashes: "_"`, `crashes("1h") >= 0`, "-----"},
		{"crashes that went down: another job", `state: running, crashes: "3 3 1"`, `error_count == 1`, "--***"},
		{"CouchDB keeps 20 events, so that the crashes before are unknown", `state: running, crashes: "0 12"`, `crashes("1h") == 10`, "-----"},
		{"but there were so many at least", `state: running, crashes: "0 12"`, `crashes("1h") >= 9`, "-****"},
		{
			"a history that is given", `state: running, history: [{at: 1m, type: crashed, reason: x}, {at: -1h, type: started}, {at: -1h, type: added}]`,
			`error == "x"`, "--***",
		},
		{
			"since when is the last event at first sight", `state: running, history: [{at: -1h, type: started}, {at: -1h, type: added}]`,
			`in_state("1h1m")`, "--***",
		},
		{"otherwise it is the first sample", `state: running`, `in_state("1m")`, "--***"},
		{"a field that is not given", `state: running`, `docs_written >= 0`, "-----"},
		{"absent holds what fires", `state: "failed, absent x2, running"`, `state == "failed"`, "***--"},
		{"deleted ends it", `state: "failed, deleted x2, running"`, `state == "failed"`, "*----"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := whenTrue(t, planOf(t, "true: "+tt.when), tt.fields); got != tt.want {
				t.Errorf("{%s} when %s:\n got %s\nwant %s", tt.fields, tt.when, got, tt.want)
			}
		})
	}
}

func TestChecksThatFail(t *testing.T) {
	unreachable := rules.ServerUnreachable
	plan := planOf(t, `failed: state == "failed"`)
	plan.Rules = compiled(t, unreachable, rules.Spec{Name: "failed", When: `state == "failed"`}, rules.Spec{
		Name: "slow", Scope: "server", When: `latency > duration("1s")`,
	})
	for _, tt := range []struct{ name, seen, expect string }{
		{
			"a failed check holds", `check: "ok x2, failed", replications: {orders: {state: "failed x2, running"}}`,
			`{at: 0s, until: 1m30s, alerts: [{rule: failed, status: firing}]}`,
		},
		{
			"a partial one holds what it shows, and counts as failed", `check: "ok, partial x3, ok", replications: {orders: {state: "failed, running"}}`,
			`{at: 1m30s, alerts: [{rule: failed, status: firing}, {rule: server-unreachable, error: the listing broke off}]}`,
		},
		{
			"and ends it when it is whole again", `check: "ok, partial x3, ok", replications: {orders: {state: "failed, running"}}`,
			`{at: 2m, alerts: [{rule: failed, status: resolved}, {rule: server-unreachable, status: resolved}]}`,
		},
		{
			"of all databases", `check: "ok x2, failed", replications: {team/_replicator/orders: {state: "failed x2, deleted"}}`,
			`{at: 30s, alerts: [{rule: failed, database: team/_replicator}]}`,
		},
		{
			"three in a row are an alert, with the error", `check: 'ok, "connection reset" x3'`,
			`{at: 1m30s, alerts: [{rule: server-unreachable, server: prod, doc_id: "", reason: new, error: connection reset}]}`,
		},
		{"latency", `latency: "100ms x2 2s", replications: {}`, `{at: 1m, alerts: [{rule: slow}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := run(t, plan, "tests: [{name: a, "+tt.seen+", expect: ["+tt.expect+"]}]"); got != "" {
				t.Errorf("Run:\ngot\n%s\nwant all as expected", got)
			}
		})
	}
}

func TestServersAndDatabases(t *testing.T) {
	plan := planOf(t)
	plan.Rules = func(server string) []*rules.Rule {
		if server == "quiet" {
			return nil
		}
		return compiled(t, rules.Spec{Name: "failed", When: `state == "failed"`, Labels: map[string]string{"own": "1"}})(server)
	}
	got := run(t, plan, `
tests:
  - name: a
    server: berlin
    labels: {team: search}
    replications:
      team/_replicator/orders: {state: failed}
      _replicator/odd/slash: {state: failed}
      _replicate/f857: {state: failed}
    servers:
      quiet: {replications: {orders: {state: failed}}}
      rome: {replications: {orders: {state: "running x2, failed"}}}
    expect:
      - at: 1m
        alerts:
          - {server: berlin, database: team/_replicator, doc_id: orders, labels: {team: search, own: "1"}}
          - {server: berlin, database: _replicator, doc_id: odd/slash}
          - {server: berlin, database: _replicate, doc_id: f857}
          - {server: rome, database: _replicator, doc_id: orders, labels: {team: data}, reason: new}
`)
	if got != "" {
		t.Errorf("got\n%s\nwant all as expected", got)
	}
}

func TestEventsAndHolds(t *testing.T) {
	plan := planOf(t)
	plan.Rules = compiled(t,
		rules.Spec{Name: "completed", On: &rules.EventSpec{From: []string{"running"}, To: []string{"completed"}}},
		rules.Spec{Name: "failed", When: `state == "failed"`, For: time.Minute, KeepFiringFor: time.Minute},
	)
	got := run(t, plan, `
tests:
  - name: an event is there in its sample alone
    replications: {orders: {state: "running x2, completed"}}
    expect:
      - {at: 30s, alerts: []}
      - {at: 1m, alerts: [{rule: completed, status: event, reason: event}], messages: [{headline: "event: completed, prod/_replicator/orders"}]}
      - {at: 1m30s, alerts: []}
  - name: what holds is pending, and not told
    replications: {orders: {state: "failed x4, running"}}
    expect:
      - {at: 0s, until: 30s, alerts: [{rule: failed, status: pending, reason: "", starts_at: 0s}], messages: []}
      - {at: 1m, alerts: [{status: firing, reason: new, starts_at: 0s}]}
      - {at: 2m, until: 2m30s, alerts: [{status: firing}]}
      - {at: 3m, alerts: [{status: resolved, ends_at: 3m}]}
`)
	if got != "" {
		t.Errorf("got\n%s\nwant all as expected", got)
	}
}

// The same test run again gives the same, although the jobs in it have a history.
func TestATestCanBeRunAgain(t *testing.T) {
	tests, problems := ruletest.Compile(decode(t, `
tests: [{name: a, replications: {a: {state: "running, crashing"}}, expect: [{at: 30s, alerts: [{rule: crashed}]}]}]
`), planOf(t, `crashed: crashes("1h") == 1`))
	if len(problems) > 0 {
		t.Fatal(problemLines(problems))
	}
	for range 2 {
		if failures := tests[0].Run(); len(failures) > 0 {
			t.Errorf("got %v, want all as expected", failures)
		}
	}
}

// What nobody expected of a server is named by the server.
func TestAnUnexpectedAlertOfAServer(t *testing.T) {
	plan := planOf(t)
	plan.Rules = compiled(t, rules.Spec{Name: "few", Scope: "server", When: "docs < 2"})
	got := run(t, plan, `tests: [{name: a, interval: 30m, replications: {a: {state: running}}, expect: [{at: 1h, until: 1h30m, alerts: []}]}]`)
	want := `tests[0].expect[0]: at 1h to 1h30m, alerts:
    expected    got
  ! nothing     rule: few
  !             server: prod
  !             status: firing
`
	if got != want {
		t.Errorf("Run:\ngot\n%s\nwant\n%s", got, want)
	}
}

// In a recording of a real server moments count from its first snapshot, or are its own.
func TestARecording(t *testing.T) {
	plan := planOf(t, `failed: state == "failed"`)
	plan.Recording = func(path string) ([]*snapshot.Snapshot, error) {
		return recording(t, "../../snapshot/testdata/"+path), nil
	}
	got := run(t, plan, `
tests:
  - name: a
    recording: timeline.ndjson
    expect:
      - at: 2026-11-24T07:25:40Z
        alerts: [{rule: failed, doc_id: zz-duplicate, reason: new, starts_at: 2026-11-24T07:25:40Z}]
      - {at: 0s, alerts: [{doc_id: zz-duplicate, starts_at: 0s}]}
      - at: 2026-11-24T07:25:49Z
        alerts: [{doc_id: zz-duplicate, reason: ""}, {doc_id: orders-dup}]
      - {at: "2026-11-24T07:25:40Z", messages: [{headline: "firing: failed, recording/_replicator/zz-duplicate"}]}
`)
	if got != "" {
		t.Errorf("got\n%s\nwant all as expected", got)
	}
}

func recording(t *testing.T, path string) []*snapshot.Snapshot {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []*snapshot.Snapshot
	for r := snapshot.NewReader(f); ; {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
}

func compiled(t *testing.T, specs ...rules.Spec) func(string) []*rules.Rule {
	t.Helper()
	var all []*rules.Rule
	for _, s := range specs {
		r, problems := rules.Compile(s)
		if r == nil {
			t.Fatalf("Compile(%s): %+v", s.Name, problems)
		}
		all = append(all, r)
	}
	return func(string) []*rules.Rule { return all }
}

// BenchmarkCase compiles and runs one case against four rules: that of the specification, of nine
// samples; and an hour of two replications every 30 seconds.
func BenchmarkCase(b *testing.B) {
	b.Run("9 samples", func(b *testing.B) {
		benchmarkCase(b, `
tests:
  - name: a
    replications:
      orders: {state: "running x3, failed x4, running x2"}
      audit: {state: "running x9", docs_written: "100+50x4 300x5", changes_pending: "10x9"}
    expect:
      - {at: 1m30s, alerts: [{rule: failed, doc_id: orders, status: firing}]}
`)
	})
	b.Run("120 samples", func(b *testing.B) {
		benchmarkCase(b, `
tests:
  - name: a
    replications:
      orders: {state: "running x20, crashing x5, running x30, failed x20, running x45", error: "_x20, db_not_found x5, _"}
      audit: {state: "running x120", docs_written: "100+50x40 2100x80", changes_pending: "10x120", doc_write_failures: 0}
    expect:
      - {at: 10m, alerts: []}
      - {at: 28m, alerts: [{rule: failed, doc_id: orders, status: firing}]}
      - {at: 59m, alerts: [{rule: stalled, doc_id: audit}]}
`)
	})
}

func benchmarkCase(b *testing.B, text string) {
	plan := planOf(b, `failed: state == "failed"`, `crashing: crashes("1h") >= 3`,
		`stalled: stalled("docs_written", "10m")`, `refused: increase("doc_write_failures", "1h") > 0`)
	f := decode(b, text)
	for b.Loop() {
		tests, problems := ruletest.Compile(f, plan)
		if len(problems) > 0 {
			b.Fatal(problemLines(problems))
		}
		if failures := tests[0].Run(); len(failures) > 0 {
			b.Fatal(failures)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "cases/s")
}

// A thousand cases take no more than a second: the promise, with room for a busy machine.
func TestAThousandCasesASecond(t *testing.T) {
	var b strings.Builder
	b.WriteString("tests:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, `
  - name: case %d
    replications:
      orders: {state: "running x3, failed x4, running x2"}
      audit: {state: "running x9", docs_written: "100+50x4 300x5", changes_pending: "10x9"}
    expect:
      - {at: 1m30s, alerts: [{rule: failed, doc_id: orders, status: firing}]}
`, i)
	}
	began := time.Now()
	if got := run(t, planOf(t, `failed: state == "failed"`), b.String()); got != "" {
		t.Errorf("got\n%s\nwant all as expected", got)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("1000 cases took %s, want a second", took)
	}
}
