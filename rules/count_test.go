package rules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/rules"
	"watchdog/snapshot"
)

// fleet is one snapshot of replications in these states; "" is one the server did not give.
func fleet(states ...string) frame {
	var f frame
	for i, state := range states {
		f.rows = append(f.rows, replication(string(rune('a'+i)), state, waiting(int64(i))))
	}
	return f
}

func TestCountAndPercent(t *testing.T) {
	tests := []struct {
		name string
		when string
		film []frame
		want []string
	}{
		{
			"too many failed on one server",
			`count(replications, .state == "failed") >= 2`,
			[]frame{fleet("failed", "running"), fleet("failed", "failed"), fleet("running", "failed")},
			[]string{"0m quiet", "1m firing: new", "2m quiet: resolved"},
		},
		{
			"a condition may be written with # or in braces",
			`count(replications, {#.state in ["failed", "crashing"] && .changes_pending > 0}) == 1`,
			[]frame{fleet("failed", "crashing", "running")},
			[]string{"0m firing: new"},
		},
		{
			"a share in percent",
			`percent(replications, .state == "failed") > 40`,
			[]frame{fleet("failed", "running", "running"), fleet("failed", "failed", "running")},
			[]string{"0m quiet", "1m firing: new"},
		},
		{
			"of no replications there is no share",
			`percent(replications, .state == "failed") < 1`,
			[]frame{fleet()},
			[]string{"0m quiet"},
		},
		{
			"what is not known counts for neither side",
			`count(replications, .state == "failed") >= 2`,
			[]frame{fleet("failed", "", "failed"), fleet("failed", ""), fleet("failed", "running")},
			[]string{"0m firing: new", "1m firing", "2m quiet: resolved"},
		},
		{
			"a server that cannot be read has no count",
			`count(replications, .state == "failed") < 1`,
			[]frame{gap, fleet("running")},
			[]string{"0m quiet", "1m firing: new"},
		},
		{
			"what is remembered can be counted too",
			`count(replications, in_state("2m") && .state == "running") == 2`,
			[]frame{fleet("running", "running"), fleet("running", "running"), fleet("running", "running")},
			[]string{"0m quiet", "1m quiet", "2m firing: new"},
		},
		{
			"two counts in one comparison",
			`count(replications, .state == "failed") > count(replications, .state == "running")`,
			[]frame{fleet("failed", "running"), fleet("failed", "failed", "running")},
			[]string{"0m quiet", "1m firing: new"},
		},
		{
			"an expected replication is missing",
			`count(replications, .doc_id == "b") == 0`,
			[]frame{fleet("running", "running"), fleet("running"), fleet("running", "running")},
			[]string{"0m quiet", "1m firing: new", "2m quiet: resolved"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := rules.NewSet(rules.SetSpec{Rules: compile(t, rules.Spec{Scope: "server", When: tt.when})})
			if diff := cmp.Diff(tt.want, play(t, set, tt.film)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.when, diff)
			}
		})
	}
}

func TestCountSaysWhatIsWrong(t *testing.T) {
	tests := []struct{ name, when, want string }{
		{"a misspelt field inside", `count(replications, .stat == "failed") > 1`, `when[21:25] unknown field "stat"; did you mean "state"?`},
		{"a field of the server inside", `percent(replications, .failures > 1) > 1`, `when[23:31] unknown field "failures"`},
		{"something else than replications", `count(jobs, .state == "failed") > 1`, `when[0:5] count takes replications, and a condition on each; write it like count(replications, .state == "failed")`},
		{"no condition", `percent(replications) > 1`, `when[`},
		{"not a condition inside", `count(replications, .error_count) > 1`, `when[21:32] this is not a condition: expected bool, but got int`},
		{"the name that stands in for percent", `groupBy(replications, .state == "x") > 1`, `when[0:7] the function groupBy cannot be used in a rule of scope server; `},
		{"a misspelt percent", `percnt(jobs) > 1`, `when[0:6] unknown function "percnt"; did you mean "percent"?`},
		{"two mistakes", `count(replications, .stat == "x") > 1 && vesion == ""`, `when[21:25] unknown field "stat"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := rules.Compile(rules.Spec{Name: "r", Scope: "server", When: tt.when})
			if len(problems) == 0 {
				t.Fatalf("Compile(%s): got no problem, want %s", tt.when, tt.want)
			}
			if got := problemLine(problems[0]); !strings.HasPrefix(got, tt.want) {
				t.Errorf("Compile(%s):\n got %s\nwant %s", tt.when, got, tt.want)
			}
		})
	}
}

func BenchmarkCount(b *testing.B) {
	set := rules.NewSet(rules.SetSpec{Rules: compile(b, rules.Spec{Scope: "server", When: `count(replications, .state == "failed") > 10`})})
	memory := rules.NewMemory("prod")
	snap := &snapshot.Snapshot{Server: "prod", At: start, Replications: manyReplications(20_000)}
	memory.Apply(set.Step(memory, snap))
	for b.Loop() {
		memory.Apply(set.Step(memory, snap))
	}
	b.ReportMetric(20_000*float64(b.N)/b.Elapsed().Seconds(), "replications/s")
}
