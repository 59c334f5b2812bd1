package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/rules"
)

// The traps of a real server, each as a film of a minute a frame.
func TestStalled(t *testing.T) {
	const byCounter, byAny = `stalled("docs_written", "3m")`, `stalled("3m")`
	tests := []struct {
		name string
		when string
		film []frame
		want []string
	}{
		{
			"a counter that stands still while work waits",
			byCounter,
			[]frame{
				orders("running", written(5), waiting(10)), orders("running", written(5), waiting(10)),
				orders("running", written(5), waiting(12)), orders("running", written(5), waiting(12)),
				orders("running", written(6), waiting(11)),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m firing: new", "4m quiet: resolved"},
		},
		{
			"the window begins with the last movement",
			byCounter,
			[]frame{
				orders("running", written(5), waiting(10)), orders("running", written(7), waiting(8)),
				orders("running", written(7), waiting(8)), orders("running", written(7), waiting(8)),
				orders("running", written(7), waiting(8)),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m quiet", "4m firing: new"},
		},
		{
			"an idle replication never stalls, and work that just arrived is not late",
			byCounter,
			[]frame{
				orders("running", written(5), waiting(0)), orders("running", written(5), waiting(0)),
				orders("running", written(5), waiting(0)), orders("running", written(5), waiting(0)),
				orders("running", written(5), waiting(3)), orders("running", written(5), waiting(3)),
				orders("running", written(5), waiting(3)), orders("running", written(5), waiting(3)),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m quiet", "4m quiet", "5m quiet", "6m quiet", "7m firing: new"},
		},
		{
			"changes_pending null after a restart is neither idle nor stuck",
			byCounter,
			[]frame{
				orders("running", written(201)), orders("running", written(201)), orders("running", written(201)),
				orders("running", written(201)), orders("running", written(201)),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m quiet", "4m quiet"},
		},
		{
			"null between two answers holds the clock",
			byCounter,
			[]frame{
				orders("running", written(5), waiting(10)), orders("running", written(5)),
				orders("running", written(5)), orders("running", written(5), waiting(10)),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m firing: new"},
		},
		{
			"a firing stall is held while nobody knows whether work waits",
			byCounter,
			[]frame{
				orders("running", written(5), waiting(10)), absent, absent,
				orders("running", written(5), waiting(10)), orders("running", written(5)), orders("running", written(5), waiting(0)),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m firing: new", "4m firing", "5m quiet: resolved"},
		},
		{
			"stuck from the start: it crashes and runs again, and is held in between",
			byCounter,
			[]frame{
				orders("running", written(0), waiting(2000)), orders("running", written(0), waiting(2000)),
				orders("crashing"), orders("running", written(0), waiting(2000)),
				orders("crashing"), orders("running", written(0), waiting(2000)),
				orders("running", written(9), waiting(1991)),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m firing: new", "4m firing", "5m firing", "6m quiet: resolved"},
		},
		{
			"a terminal state ends a stall",
			byCounter,
			[]frame{
				orders("running", written(5), waiting(10)), absent, absent, orders("running", written(5), waiting(10)),
				orders("completed", written(5)),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m firing: new", "4m quiet: resolved"},
		},
		{
			"a counter that went down has moved: the job started anew",
			byCounter,
			[]frame{
				orders("running", written(105), waiting(10)), orders("running", written(105), waiting(10)),
				orders("running", written(50), waiting(65)), orders("running", written(50), waiting(65)),
				orders("running", written(50), waiting(65)), orders("running", written(50), waiting(65)),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m quiet", "4m quiet", "5m firing: new"},
		},
		{
			"a filter moves only through_seq: writing stalls, the replication does not",
			byAny,
			[]frame{
				orders("running", written(5), waiting(10), through("1-a")), orders("running", written(5), waiting(9), through("2-b")),
				orders("running", written(5), waiting(8), through("3-c")), orders("running", written(5), waiting(7), through("4-d")),
				orders("running", written(5), waiting(7), through("4-d")), orders("running", written(5), waiting(7), through("4-d")),
				orders("running", written(5), waiting(7), through("4-d")),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m quiet", "4m quiet", "5m quiet", "6m firing: new"},
		},
		{
			"info null: a counter that was never given cannot stand still",
			byCounter,
			[]frame{orders("running", waiting(5)), absent, absent, absent, orders("running", waiting(5))},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m quiet", "4m quiet"},
		},
		{
			"blind: nothing moves and nobody knows whether work waits",
			`blind("2m")`,
			[]frame{
				orders("running", written(5), waiting(0)), orders("running", written(5)), orders("running", written(5)),
				orders("running", written(5)), orders("running", written(5), waiting(0)),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m firing: new", "4m quiet: resolved"},
		},
		{
			"blind begins anew with every movement",
			`blind("2m")`,
			[]frame{orders("running", written(5)), orders("running", written(6)), orders("running", written(7)), orders("running", written(7))},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m quiet"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := rules.NewSet(rules.SetSpec{Rules: compile(t, rules.Spec{When: tt.when})})
			if diff := cmp.Diff(tt.want, play(t, set, tt.film)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.when, diff)
			}
		})
	}
}

func TestCrashes(t *testing.T) {
	tests := []struct {
		name string
		when string
		film []frame
		want []string
	}{
		{
			"crashes are counted from the history, whatever the state",
			`crashes("10m") >= 2`,
			[]frame{orders("running", crashedAt(-1, -2))},
			[]string{"0m firing: new"},
		},
		{
			"they leave the window by the passing of time alone",
			`crashes("3m") >= 2`,
			[]frame{orders("running", crashedAt(0, -1)), orders("running", crashedAt(0, -1)), orders("running", crashedAt(0, -1))},
			[]string{"0m firing: new", "1m firing", "2m quiet: resolved"},
		},
		{
			"they are merged over polls, since a job keeps only its last events",
			`crashes("10m") >= 4`,
			[]frame{orders("running", lastCrashedAt(0, -1)), orders("running", lastCrashedAt(1, 0)), orders("running", lastCrashedAt(2, 1))},
			[]string{"0m quiet", "1m quiet", "2m firing: new"},
		},
		{
			"two crashes in one second are two",
			`crashes("10m") == 2`,
			[]frame{orders("running", crashedAt(0, 0)), orders("running", crashedAt(0, 0))},
			[]string{"0m firing: new", "1m firing"},
		},
		{
			"another replication under the same document starts at none",
			`crashes("10m") >= 2`,
			[]frame{orders("crashing", jobID("a"), crashedAt(0, -1)), orders("running", jobID("b"), crashedAt())},
			[]string{"0m firing: new", "1m quiet: resolved"},
		},
		{
			"a history that was cut short proves many, not few",
			`crashes("10m") >= 2`,
			[]frame{orders("running", lastCrashedAt(0, -1)), orders("running", lastCrashedAt(0, -1))},
			[]string{"0m firing: new", "1m firing"},
		},
		{
			"nor does it prove that there were none before",
			`crashes("10m") < 3`,
			[]frame{orders("running", lastCrashedAt(0, -1)), orders("running", crashedAt(0, -1))},
			[]string{"0m quiet", "1m quiet"},
		},
		{
			"without a history they are unknown",
			`crashes("10m") == 0`,
			[]frame{orders("running"), orders("running", crashedAt())},
			[]string{"0m quiet", "1m firing: new"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := rules.NewSet(rules.SetSpec{Rules: compile(t, rules.Spec{When: tt.when})})
			if diff := cmp.Diff(tt.want, play(t, set, tt.film)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.when, diff)
			}
		})
	}
}

func TestIncreaseAndRate(t *testing.T) {
	tests := []struct {
		name string
		when string
		film []frame
		want []string
	}{
		{
			"an increase that is enough fires before the window is full",
			`increase("doc_write_failures", "5m") > 2`,
			[]frame{orders("running", refused(7)), orders("running", refused(8)), orders("running", refused(10))},
			[]string{"0m quiet", "1m quiet", "2m firing: new"},
		},
		{
			"too little an increase is unknown until the window has been seen",
			`increase("docs_written", "2m") < 5`,
			[]frame{orders("running", written(1)), orders("running", written(2)), orders("running", written(3))},
			[]string{"0m quiet", "1m quiet", "2m firing: new"},
		},
		{
			"it leaves the window by the passing of time alone",
			`increase("doc_write_failures", "2m") > 0`,
			[]frame{
				orders("running", refused(0)), orders("running", refused(1)), orders("running", refused(1)),
				orders("running", refused(1)), orders("running", refused(1)),
			},
			[]string{"0m quiet", "1m firing: new", "2m firing", "3m quiet: resolved", "4m quiet"},
		},
		{
			"a counter that went down has risen from nothing since",
			`increase("docs_written", "5m") >= 12`,
			[]frame{orders("running", written(100)), orders("running", written(110)), orders("running", written(2))},
			[]string{"0m quiet", "1m quiet", "2m firing: new"},
		},
		{
			"a look without the counter changes nothing",
			`increase("docs_written", "5m") >= 5`,
			[]frame{orders("running", written(1)), orders("crashing"), orders("running", written(6))},
			[]string{"0m quiet", "1m quiet", "2m firing: new"},
		},
		{
			"a rate is per second",
			`rate("docs_written", "2m") < 1 && changes_pending > 0`,
			[]frame{
				orders("running", written(0), waiting(500)), orders("running", written(90), waiting(410)),
				orders("running", written(180), waiting(320)), orders("running", written(200), waiting(300)),
			},
			[]string{"0m quiet", "1m quiet", "2m quiet", "3m firing: new"},
		},
		{
			"equality cannot be decided from a bound",
			`increase("docs_written", "5m") == 0`,
			[]frame{orders("running", written(1)), orders("running", written(1))},
			[]string{"0m quiet", "1m quiet"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := rules.NewSet(rules.SetSpec{Rules: compile(t, rules.Spec{When: tt.when})})
			if diff := cmp.Diff(tt.want, play(t, set, tt.film)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.when, diff)
			}
		})
	}
}

// However many points a counter makes, what is remembered of a window is bounded.
func TestWhatIsRememberedOfAWindowIsBounded(t *testing.T) {
	set := rules.NewSet(rules.SetSpec{Rules: compile(t, rules.Spec{When: `increase("docs_written", "7d") > 1000000`})})
	memory := rules.NewMemory("prod")
	largest := 0
	for minute := range 40_000 {
		result := set.Step(memory, orders("running", written(int64(minute))).snapshot(minute))
		memory.Apply(result)
		b, err := result.Replications[0].Memory.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, len(b))
	}
	if largest > 1200 {
		t.Errorf("the memory of a replication that never rests: got %d bytes, want 1200 at most", largest)
	}
}
