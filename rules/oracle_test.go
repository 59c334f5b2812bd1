package rules_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"watchdog/rules"
	"watchdog/snapshot"
)

// simple is a rule that the oracle can follow: it fires while the state is one of fires, for
// so many minutes, and ends when it is one of ends, if any are given.
type simple struct {
	fires, ends []string
	hold, keep  int
	onUnknown   string
}

func (s simple) spec() rules.Spec {
	in := func(states []string) string {
		return fmt.Sprintf("state in [%q, %q]", states[0], states[len(states)-1])
	}
	spec := rules.Spec{
		When: in(s.fires), For: time.Duration(s.hold) * time.Minute,
		KeepFiringFor: time.Duration(s.keep) * time.Minute, OnUnknown: s.onUnknown,
	}
	if s.ends != nil {
		spec.Until = in(s.ends)
	}
	return spec
}

// oracle says what a rule tells over a film of states, a minute a frame, in the plainest way:
// by what docs/rules.md says, without remembering anything but the alert. "" is a state that was not
// given, "-" an absent replication, "x" a deleted one.
func oracle(s simple, film []string) (told []string) {
	began, quiet, firing := -1, -1, false
	for now, state := range film {
		truth := func(states []string) string {
			switch {
			case state != "":
				return map[bool]string{true: "fire", false: "resolve"}[slices.Contains(states, state)]
			default:
				return s.onUnknown
			}
		}
		when := truth(s.fires)
		over := when == "resolve"
		if s.ends != nil {
			over = truth(s.ends) == "fire" && state != "" || state == "" && s.onUnknown == "resolve"
		}
		switch {
		case state == "x":
			if firing {
				told = append(told, fmt.Sprintf("%dm deleted", now))
			}
			began, quiet, firing = -1, -1, false
		case state == "-": // nothing is known, nothing happens
		case !firing && when == "fire":
			if began < 0 {
				began = now
			}
			if now-began >= s.hold {
				firing = true
				told = append(told, fmt.Sprintf("%dm new", now))
			}
		case !firing && when == "resolve":
			began = -1
		case firing && over:
			if quiet < 0 {
				quiet = now
			}
			if now-quiet >= s.keep {
				began, quiet, firing = -1, -1, false
				told = append(told, fmt.Sprintf("%dm resolved", now))
			}
		case firing && (state != "" || s.onUnknown == "fire"):
			quiet = -1
		}
	}
	return told
}

func TestStepSaysWhatAPlainOracleSays(t *testing.T) {
	some := rapid.SliceOfN(rapid.SampledFrom([]string{"running", "crashing", "failed"}), 1, 2)
	rapid.Check(t, func(rt *rapid.T) {
		s := simple{
			fires: some.Draw(rt, "fires"), hold: rapid.IntRange(0, 3).Draw(rt, "hold"), keep: rapid.IntRange(0, 3).Draw(rt, "keep"),
			onUnknown: rapid.SampledFrom([]string{"hold", "fire", "resolve"}).Draw(rt, "on_unknown"),
		}
		if rapid.Bool().Draw(rt, "until") {
			s.ends = some.Draw(rt, "ends")
		}
		film := rapid.SliceOfN(rapid.SampledFrom([]string{"running", "crashing", "failed", "pending", "", "-", "x"}), 1, 30).Draw(rt, "film")

		set := rules.NewSet(rules.SetSpec{Rules: compile(t, s.spec())})
		memory := rules.NewMemory("prod")
		var got []string
		for minute, state := range film {
			result := set.Step(memory, oracleFrame(state).snapshot(minute))
			memory.Apply(result)
			for _, tr := range result.Transitions {
				got = append(got, fmt.Sprintf("%dm %s", minute, tr.Reason))
			}
		}
		if diff := cmp.Diff(oracle(s, film), got); diff != "" {
			rt.Fatalf("%+v over %q (-oracle +Step):\n%s", s, film, diff)
		}
	})
}

func oracleFrame(state string) frame {
	switch state {
	case "x":
		return gone
	case "-":
		return absent
	default:
		return frame{rows: []*snapshot.Replication{replication("orders", state)}}
	}
}
