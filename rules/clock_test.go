package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"watchdog/rules"
	"watchdog/snapshot"
)

// timedRules are those that measure time, by our clock.
func timedRules(t testing.TB) *rules.Set {
	return rules.NewSet(rules.SetSpec{Rules: compile(
		t,
		rules.Spec{Name: "held", When: `state == "failed"`, For: 3 * time.Minute},
		rules.Spec{Name: "damped", When: `state == "crashing"`, KeepFiringFor: 3 * time.Minute},
		rules.Spec{Name: "stalled", When: `stalled("docs_written", "3m")`},
		rules.Spec{Name: "blind", When: `blind("3m")`},
		rules.Spec{Name: "long", When: `in_state("4m")`},
		rules.Spec{Name: "busy", When: `increase("docs_written", "3m") > 1`},
		rules.Spec{Name: "down", Scope: "server", When: `!up`, For: 2 * time.Minute},
	)})
}

// asOf is a snapshot by a clock that is ahead, and was set by some of that since the one before.
func (f frame) asOf(minute int, ahead, set time.Duration) *snapshot.Snapshot {
	s := f.snapshot(minute)
	s.At, s.ClockSet = s.At.Add(ahead), set
	return s
}

// what is told, without the times.
func what(result *rules.Result) (lines []string) {
	for _, tr := range result.Transitions {
		lines = append(lines, fmt.Sprintf("%s %s %s %s", tr.Rule, tr.Subject(), tr.Status, tr.Reason))
	}
	return lines
}

// What is measured in time is measured by time that has passed: who sets the clock neither makes
// anything fire or end, nor keeps it from doing so; and what is stored says the same after a restart.
func TestAClockThatIsSetChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		set := timedRules(t)
		steady, pushed := rules.NewMemory("prod"), rules.NewMemory("prod")
		disk := newDisk()
		ahead := time.Duration(0)
		for minute, f := range drawFilm(rt) {
			by := time.Duration(rapid.SampledFrom([]int{0, 0, 0, -600, -7, -2, 3, 60, 600}).Draw(rt, "set")) * time.Minute
			if minute == 0 {
				by = 0
			} else if rapid.Bool().Draw(rt, "restart") {
				by, pushed = 0, disk.load(rt)
			}
			ahead += by
			want := set.Step(steady, f.snapshot(minute))
			got := set.Step(pushed, f.asOf(minute, ahead, by))
			if diff := cmp.Diff(what(want), what(got)); diff != "" {
				rt.Fatalf("minute %d, the clock %s ahead (-steady +set):\n%s", minute, ahead, diff)
			}
			disk.commit(rt, got)
			steady.Apply(want)
			pushed.Apply(got)
		}
	})
}

// After a start nobody knows that the clock was set while it was down.
func TestAClockThatWasSetBackDuringARestart(t *testing.T) {
	busy := func(n int64) frame { return orders("running", written(n), waiting(10)) }
	for _, tt := range []struct {
		name string
		rule rules.Spec
		film []frame // the clock is set back by an hour before the third
		want []string
	}{
		{
			"a hold begins anew at most",
			rules.Spec{When: `state == "failed"`, For: 2 * time.Minute},
			states("running", "failed", "failed", "failed", "failed"),
			[]string{"0m quiet", "1m pending", "2m pending", "3m pending", "4m firing: new"},
		},
		{
			"what has ended is damped as long as it says at most",
			rules.Spec{When: `state == "failed"`, KeepFiringFor: 2 * time.Minute},
			states("failed", "running", "running", "running", "running"),
			[]string{"0m firing: new", "1m firing", "2m firing", "3m firing", "4m quiet: resolved"},
		},
		{
			"what stalls goes on stalling",
			rules.Spec{When: `stalled("docs_written", "1m")`},
			[]frame{busy(5), busy(5), busy(5), busy(5), busy(6)},
			[]string{"0m quiet", "1m firing: new", "2m firing", "3m firing", "4m quiet: resolved"},
		},
		{
			"what lasts goes on lasting",
			rules.Spec{When: `in_state("1m")`},
			states("running", "running", "running", "running", "failed"),
			[]string{"0m quiet", "1m firing: new", "2m firing", "3m firing", "4m quiet: resolved"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			rapid.Check(t, func(rt *rapid.T) {
				set, memory, disk := rules.NewSet(rules.SetSpec{Rules: compile(t, tt.rule)}), rules.NewMemory("prod"), newDisk()
				got = nil
				for minute, f := range tt.film {
					ahead := time.Duration(0)
					if minute >= 2 {
						ahead = -time.Hour
					}
					if minute == 2 || minute > 2 && rapid.Bool().Draw(rt, "restart") {
						memory = disk.load(rt)
					}
					result := set.Step(memory, f.asOf(minute, ahead, 0))
					disk.commit(rt, result)
					memory.Apply(result)
					got = append(got, describeFrame(minute, memory, result))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					rt.Fatalf("%s (-want +got):\n%s", tt.name, diff)
				}
			})
		})
	}
}
