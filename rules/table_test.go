package rules_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"

	"watchdog/rules"
	"watchdog/snapshot"
)

// What is remembered follows what is seen, whatever comes, goes and is restored, in any order.
func TestMemoryKnowsWhatItWasShown(t *testing.T) {
	set := rules.NewSet(rules.SetSpec{Rules: compile(t, rules.Spec{When: `state == "failed"`})})
	random := rand.New(rand.NewPCG(7, 7))
	memory, stored := rules.NewMemory("prod"), map[snapshot.Key][]byte{}
	shown := map[string]bool{}
	for minute := range 60 {
		asked := map[snapshot.Key]snapshot.Answer{}
		for range 5 {
			doc := fmt.Sprint("doc-", random.IntN(40))
			key := snapshot.Key{Database: "_replicator", DocID: doc}
			shown[doc] = !shown[doc]
			if delete(asked, key); !shown[doc] {
				asked[key] = snapshot.Answer{Missing: true}
			}
		}
		var rows []*snapshot.Replication
		for _, doc := range slices.Sorted(maps.Keys(shown)) {
			if shown[doc] {
				rows = append(rows, replication(doc, "running", written(int64(minute))))
			}
		}
		result := set.Step(memory, &snapshot.Snapshot{Server: "prod", At: start.Add(time.Duration(minute) * time.Minute), Replications: rows, Asked: asked})
		for _, c := range result.Replications {
			key := snapshot.Key{Database: c.Database, DocID: c.DocID}
			if delete(stored, key); c.Memory != nil {
				stored[key], _ = c.Memory.AppendBinary(nil)
			}
		}
		memory.Apply(result)
		if minute%10 == 9 {
			memory = restored(t, stored)
		}
		var got []string
		for key := range memory.Absent(&snapshot.Snapshot{Server: "prod"}) {
			got = append(got, key.DocID)
		}
		maps.DeleteFunc(shown, func(_ string, is bool) bool { return !is })
		if want := slices.Sorted(maps.Keys(shown)); !slices.Equal(got, want) {
			t.Fatalf("minute %d, remembered: got %v, want %v", minute, got, want)
		}
	}
}

// restored is a memory that is given what was stored in the order of a map: none.
func restored(t *testing.T, stored map[snapshot.Key][]byte) *rules.Memory {
	t.Helper()
	memory := rules.NewMemory("prod")
	for key, b := range stored {
		if err := memory.RestoreReplication(key.Database, key.DocID, b); err != nil {
			t.Fatal(err)
		}
	}
	return memory
}

// Two checks on one server each know what they have evaluated, and neither makes the other forget.
func TestSetsDoNotEvaluateForEachOther(t *testing.T) {
	memory := rules.NewMemory("prod")
	both := compile(t, rules.Spec{Name: "one", When: `state == "failed"`}, rules.Spec{Name: "other", When: `state == "failed"`})
	one, other := rules.NewSet(rules.SetSpec{Rules: both[:1], All: both}), rules.NewSet(rules.SetSpec{Rules: both[1:], All: both})
	snap := orders("failed").snapshot(0)
	for i, want := range []struct {
		set  *rules.Set
		told int
	}{{one, 1}, {other, 1}, {one, 0}, {other, 0}} {
		result := want.set.Step(memory, snap)
		memory.Apply(result)
		if got := len(result.Transitions); got != want.told {
			t.Errorf("step %d: got %d transitions, want %d", i, got, want.told)
		}
	}
}

// A row that reads as the one before takes its place, so that a look and its rows are let go when
// the next one is there.
func TestMemoryLetsGoOfTheLookBefore(t *testing.T) {
	set := rules.NewSet(rules.SetSpec{Rules: compile(t, rules.Spec{When: `state == "failed"`})})
	memory := rules.NewMemory("prod")
	show := func(minute int) weak.Pointer[snapshot.Replication] {
		look := orders("running", written(7))
		memory.Apply(set.Step(memory, look.snapshot(minute)))
		return weak.Make(look.rows[0])
	}
	before := show(0)
	show(1)
	runtime.GC()
	if before.Value() != nil {
		t.Error("the row of the look before: got it still in memory, want it let go")
	}
	runtime.KeepAlive(memory)
}
