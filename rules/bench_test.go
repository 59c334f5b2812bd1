package rules_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"watchdog/rules"
	"watchdog/snapshot"
)

// tenRules are of the kinds that people write.
func tenRules(b *testing.B) []*rules.Rule {
	return compile(b,
		rules.Spec{Name: "r0", When: `state == "failed"`},
		rules.Spec{Name: "r1", When: `state == "crashing"`, For: time.Minute},
		rules.Spec{Name: "r2", When: `error_count > 5`, Until: `error_count < 3`},
		rules.Spec{Name: "r3", When: `stalled("docs_written", "10m")`},
		rules.Spec{Name: "r4", When: `stalled("30m")`},
		rules.Spec{Name: "r5", When: `crashes("1h") >= 3`},
		rules.Spec{Name: "r6", When: `doc_write_failures > 0 && state == "running"`},
		rules.Spec{Name: "r7", When: `state == "pending" && in_state("15m")`},
		rules.Spec{Name: "r8", When: `changes_pending > 100000`, For: time.Hour},
		rules.Spec{Name: "r9", When: `state == "error"`, Match: map[string][]string{"database": {"*"}}},
	)
}

func manyReplications(n int) []*snapshot.Replication {
	rows := make([]*snapshot.Replication, n)
	for i := range rows {
		rows[i] = replication(fmt.Sprintf("replication-%07d", i), "running",
			written(int64(i)), waiting(0), errorCount(0), crashedAt(), through("7-g1AAAACbeJzLYWBgYMpgTmEQTM4vTc5ISXIwNDLXMwBCwxyQVCJDUv"))
	}
	return rows
}

// BenchmarkStep steps 100,000 replications with ten rules. "unchanged" shares its rows with the
// look before, as a reader does that knows the bytes; "equal" has them decoded anew; the others
// have that share of rows with a counter moved.
func BenchmarkStep(b *testing.B) {
	const n = 100_000
	for _, bench := range []struct {
		name    string
		changed int // of 100
		anew    bool
	}{{"unchanged", 0, false}, {"equal", 0, true}, {"1%", 1, false}, {"10%", 10, false}, {"100%", 100, false}} {
		b.Run(bench.name, func(b *testing.B) {
			set := rules.NewSet(rules.SetSpec{Rules: tenRules(b)})
			memory := rules.NewMemory("prod")
			rows := manyReplications(n)
			at := start
			memory.Apply(set.Step(memory, &snapshot.Snapshot{Server: "prod", At: at, Replications: rows}))
			looks := [2][]*snapshot.Replication{rows, rows}
			if bench.anew {
				looks[1] = manyReplications(n)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				look := looks[i%2]
				if bench.changed > 0 {
					b.StopTimer()
					look = moved(look, bench.changed, int64(i))
					b.StartTimer()
				}
				at = at.Add(30 * time.Second)
				memory.Apply(set.Step(memory, &snapshot.Snapshot{Server: "prod", At: at, Replications: look}))
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "replications/s")
		})
	}
}

// BenchmarkServers steps a server for each core at once, each of 10,000 replications of which 1 %
// have moved: what one server remembers no other needs.
func BenchmarkServers(b *testing.B) {
	const n = 10_000
	set := rules.NewSet(rules.SetSpec{Rules: tenRules(b)})
	rows := manyReplications(n)
	looks := [2][]*snapshot.Replication{rows, moved(rows, 1, 7)}
	b.RunParallel(func(pb *testing.PB) {
		memory, at := rules.NewMemory("prod"), start
		for i := 0; pb.Next(); i++ {
			at = at.Add(30 * time.Second)
			memory.Apply(set.Step(memory, &snapshot.Snapshot{Server: "prod", At: at, Replications: looks[i%2]}))
		}
	})
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "replications/s")
}

// moved is the look with the counter of every so many replications moved.
func moved(rows []*snapshot.Replication, percent int, by int64) []*snapshot.Replication {
	out := make([]*snapshot.Replication, len(rows))
	copy(out, rows)
	for i := 0; i < len(out); i += 100 / percent {
		r := *out[i]
		r.DocsWritten += by + 1
		out[i] = &r
	}
	return out
}

// BenchmarkRemembered is what one replication costs in memory between two looks, its row of the
// last look included, which the snapshot shares.
func BenchmarkRemembered(b *testing.B) {
	const n = 100_000
	set := rules.NewSet(rules.SetSpec{Rules: tenRules(b)})
	for b.Loop() {
		before := heap()
		memory := rules.NewMemory("prod")
		memory.Apply(set.Step(memory, &snapshot.Snapshot{Server: "prod", At: start, Replications: manyReplications(n)}))
		b.ReportMetric(float64(heap()-before)/n, "B/replication")
		runtime.KeepAlive(memory)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
