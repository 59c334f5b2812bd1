package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/rules"
)

func TestExplainSaysWhichPartDecides(t *testing.T) {
	set := rules.NewSet(rules.SetSpec{Rules: compile(t,
		rules.Spec{Name: "failed", When: `state == "failed"`},
		rules.Spec{Name: "held", When: `error_count > 2 && state == "running"`, For: 10 * time.Minute},
		rules.Spec{Name: "stalled", When: `stalled("docs_written", "10m") || changes_pending > 1000`},
		rules.Spec{Name: "ends", When: `error_count > 2`, Until: `error_count < 1`},
		rules.Spec{Name: "elsewhere", When: `active`, Match: map[string][]string{"doc_id": {"inv*"}}},
		rules.Spec{Name: "slow", When: `rate("docs_written", "5m") < 1`},
		rules.Spec{Name: "done", On: &rules.EventSpec{From: []string{"running"}, To: []string{"completed"}}},
	)})
	memory := rules.NewMemory("prod")
	look := orders("running", errorCount(3), written(5))
	memory.Apply(set.Step(memory, look.snapshot(0)))

	var got []string
	for _, e := range set.Explain(memory, look.rows[0], start.Add(4*time.Minute)) {
		line := fmt.Sprintf("%s %s %s", e.Rule, e.When, e.Status)
		for _, p := range e.Parts {
			line += fmt.Sprintf("; %s %s is %s", p.Field, p.Text, p.Value)
			if p.Why != "" {
				line += ": " + p.Why
			}
		}
		if e.Waits != "" {
			line += "; " + e.Waits
		}
		got = append(got, line)
	}
	want := []string{
		`failed false ; when state == "failed" is false`,
		`held true pending; when error_count > 2 is true; when state == "running" is true; fires in 6m0s, if it stays so`,
		`stalled unknown ; when stalled("docs_written", "10m") is unknown: the server did not give changes_pending, so nobody knows whether work waits; when changes_pending > 1000 is unknown: the server did not give changes_pending`,
		`ends true firing; when error_count > 2 is true; until error_count < 1 is false`,
		`elsewhere false ; match doc_id is false; when active is unknown: the server did not give active`,
		`slow unknown ; when rate("docs_written", "5m") < 1 is unknown: rate("docs_written", "5m") has not been seen for its whole window`,
		`done false ; on from running to completed is false: it is told when the state changes`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Explain (-want +got):\n%s", diff)
	}
}
