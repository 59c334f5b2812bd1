package rules_test

import (
	"testing"

	"watchdog/rules"
)

// Whatever stands in a store, reading it never panics and never allocates without bound; what
// was cut short is an error.
func FuzzRestoreReplication(f *testing.F) {
	set := rules.NewSet(rules.SetSpec{Rules: compile(f, rules.Spec{When: `state == "failed"`})})
	result := set.Step(rules.NewMemory("prod"), orders("crashing", written(7), waiting(1), jobID("a+continuous"), crashedAt(0, -1)).snapshot(0))
	whole, err := result.Replications[0].Memory.AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte{})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = rules.NewMemory("prod").RestoreReplication("_replicator", "orders", b)
	})
}

func TestMemoryThatIsCutShortIsAnError(t *testing.T) {
	set := rules.NewSet(rules.SetSpec{Rules: compile(t, rules.Spec{When: `state == "failed"`})})
	result := set.Step(rules.NewMemory("prod"), orders("crashing", written(7), jobID("a"), crashedAt(0, -1)).snapshot(0))
	whole, err := result.Replications[0].Memory.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := rules.NewMemory("prod").RestoreReplication("_replicator", "orders", whole); err != nil {
		t.Errorf("the whole memory: %v", err)
	}
	for n := range whole {
		if err := rules.NewMemory("prod").RestoreReplication("_replicator", "orders", whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes: got no error", n, len(whole))
		}
	}
	newer := append([]byte{99}, whole[1:]...)
	if err := rules.NewMemory("prod").RestoreReplication("_replicator", "orders", newer); err == nil {
		t.Error("a memory of a newer format: got no error")
	}
}
