package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"watchdog/alert"
	"watchdog/rules"
	"watchdog/snapshot"
)

// someRules exercise every kind of memory: holds, windows, events, hysteresis, damping.
func someRules(t testing.TB) []*rules.Rule {
	return compile(t,
		rules.Spec{Name: "failed", When: `state == "failed"`, Severity: "critical"},
		rules.Spec{Name: "held", When: `state in ["crashing", "error"]`, For: 2 * time.Minute},
		rules.Spec{Name: "damped", When: `state == "crashing"`, KeepFiringFor: 3 * time.Minute},
		rules.Spec{Name: "hysteresis", When: `error_count > 2`, Until: `error_count < 1`},
		rules.Spec{Name: "until", When: `state == "failed"`, Until: `in_state("3m") || state == "running"`},
		rules.Spec{Name: "stalled", When: `stalled("docs_written", "3m")`},
		rules.Spec{Name: "blind", When: `blind("3m")`},
		rules.Spec{Name: "crashes", When: `crashes("5m") >= 2`},
		rules.Spec{Name: "rises", When: `increase("docs_written", "4m") >= 2`},
		rules.Spec{Name: "slow", When: `rate("docs_written", "3m") < 0.01`},
		rules.Spec{Name: "old", When: `age(since) > duration("4m")`},
		rules.Spec{Name: "waits", When: `in_state("2m") && state == "pending"`, OnUnknown: "resolve"},
		rules.Spec{Name: "done", On: &rules.EventSpec{To: []string{"completed"}}},
		rules.ServerUnreachable,
	)
}

// drawFilm draws a film of several replications, with fields missing, documents deleted and
// checks cut short.
func drawFilm(t *rapid.T) []frame {
	docs := []string{"audit", "orders", "users"}
	crashes := map[string][]int{}
	var film []frame
	for minute := range rapid.IntRange(1, 25).Draw(t, "frames") {
		f := frame{gap: rapid.IntRange(0, 9).Draw(t, "gap") == 0, asked: map[snapshot.Key]snapshot.Answer{}}
		for _, doc := range docs {
			switch rapid.IntRange(0, 9).Draw(t, "presence") {
			case 0: // absent, unknown
			case 1:
				f.asked[snapshot.Key{Database: "_replicator", DocID: doc}] = snapshot.Answer{Missing: true}
				delete(crashes, doc)
			default:
				f.rows = append(f.rows, drawReplication(t, doc, minute, crashes))
			}
		}
		film = append(film, f)
	}
	return film
}

func drawReplication(t *rapid.T, doc string, minute int, crashes map[string][]int) *snapshot.Replication {
	state := rapid.SampledFrom([]string{"", "running", "running", "running", "crashing", "pending", "failed", "completed", "error"}).Draw(t, "state")
	var set []func(*snapshot.Replication)
	if rapid.Bool().Draw(t, "written known") {
		set = append(set, written(rapid.Int64Range(0, 2).Draw(t, "written")))
	}
	if rapid.Bool().Draw(t, "pending known") {
		set = append(set, waiting(rapid.Int64Range(0, 1).Draw(t, "pending")))
	}
	if rapid.Bool().Draw(t, "errors known") {
		set = append(set, errorCount(rapid.Int64Range(0, 4).Draw(t, "errors")))
	}
	if state == "crashing" {
		crashes[doc] = append([]int{minute}, crashes[doc]...)
	}
	if rapid.Bool().Draw(t, "history known") {
		told := crashes[doc]
		set = append(set, crashedAt(told[:min(3, len(told))]...))
	}
	return replication(doc, state, set...)
}

// told is what people would hear in one frame.
func told(result *rules.Result) []string {
	var lines []string
	for _, tr := range result.Transitions {
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s", tr.Rule, tr.Subject(), tr.Status, tr.Reason, tr.StartsAt.Format("15:04")))
	}
	return lines
}

func TestSameSnapshotTwiceDecidesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		set := rules.NewSet(rules.SetSpec{Rules: someRules(t)})
		memory := rules.NewMemory("prod")
		for minute, f := range drawFilm(rt) {
			memory.Apply(set.Step(memory, f.snapshot(minute)))
			again := set.Step(memory, f.snapshot(minute))
			if len(again.Transitions)+len(again.Alerts)+len(again.Replications) > 0 {
				rt.Fatalf("minute %d, the same snapshot again: got %v, %+v, %+v; want nothing", minute, told(again), again.Alerts, again.Replications)
			}
			memory.Apply(again)
		}
	})
}

func TestStepWithoutApplyLeavesNoTrace(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		set := rules.NewSet(rules.SetSpec{Rules: someRules(t)})
		memory := rules.NewMemory("prod")
		for minute, f := range drawFilm(rt) {
			first := set.Step(memory, f.snapshot(minute))
			second := set.Step(memory, f.snapshot(minute))
			if diff := cmp.Diff(told(first), told(second)); diff != "" {
				rt.Fatalf("minute %d, decided again after a failed commit (-first +second):\n%s", minute, diff)
			}
			memory.Apply(second)
		}
	})
}

// A daemon that is killed after any commit and started again says what one that ran through
// says: whatever counts is in what was stored.
func TestRestartAtAnyMomentChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		film := drawFilm(rt)
		set := rules.NewSet(rules.SetSpec{Rules: someRules(t)})
		through, restarted := rules.NewMemory("prod"), rules.NewMemory("prod")
		disk := newDisk()
		for minute, f := range film {
			want := set.Step(through, f.snapshot(minute))
			through.Apply(want)

			if rapid.Bool().Draw(rt, "restart") {
				restarted = disk.load(rt)
			}
			got := set.Step(restarted, f.snapshot(minute))
			disk.commit(rt, got)
			restarted.Apply(got)
			if diff := cmp.Diff(told(want), told(got)); diff != "" {
				rt.Fatalf("minute %d, after restarts (-through +restarted):\n%s", minute, diff)
			}
			if diff := cmp.Diff(through.Alerts(), restarted.Alerts()); diff != "" {
				rt.Fatalf("minute %d, alerts after restarts (-through +restarted):\n%s", minute, diff)
			}
		}
	})
}

// A set that never skips an evaluation says the same as one that skips what cannot have changed.
func TestSkippingChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		compiled := someRules(t)
		set := rules.NewSet(rules.SetSpec{Rules: compiled})
		skipping, fresh := rules.NewMemory("prod"), rules.NewMemory("prod")
		var last frame
		for minute, f := range drawFilm(rt) {
			if rapid.Bool().Draw(rt, "nothing changed") && minute > 0 {
				f = frame{rows: last.rows, gap: last.gap}
			}
			last = f
			got := set.Step(skipping, f.snapshot(minute))
			skipping.Apply(got)
			want := rules.NewSet(rules.SetSpec{Rules: compiled}).Step(fresh, f.snapshot(minute)) // a new set has no marks
			fresh.Apply(want)
			if diff := cmp.Diff(told(want), told(got)); diff != "" {
				rt.Fatalf("minute %d (-evaluated +skipping):\n%s", minute, diff)
			}
		}
	})
}

// disk keeps what the store would.
type disk struct {
	server       []byte
	replications map[snapshot.Key][]byte
	alerts       map[string]alert.Alert
}

func newDisk() *disk {
	return &disk{replications: map[snapshot.Key][]byte{}, alerts: map[string]alert.Alert{}}
}

func (d *disk) commit(t *rapid.T, r *rules.Result) {
	if r.Server != nil {
		d.server = mustAppend(t, r.Server.AppendBinary)
	}
	for _, c := range r.Replications {
		key := snapshot.Key{Database: c.Database, DocID: c.DocID}
		delete(d.replications, key)
		if c.Memory != nil {
			d.replications[key] = mustAppend(t, c.Memory.AppendBinary)
		}
	}
	for _, c := range r.Alerts {
		delete(d.alerts, c.Alert.Fingerprint)
		if !c.Ended {
			d.alerts[c.Alert.Fingerprint] = c.Alert
		}
	}
}

func (d *disk) load(t *rapid.T) *rules.Memory {
	m := rules.NewMemory("prod")
	if d.server != nil {
		if err := m.RestoreServer(d.server); err != nil {
			t.Fatalf("RestoreServer: %v", err)
		}
	}
	for key, b := range d.replications {
		if err := m.RestoreReplication(key.Database, key.DocID, b); err != nil {
			t.Fatalf("RestoreReplication: %v", err)
		}
	}
	for _, a := range d.alerts {
		m.RestoreAlert(a)
	}
	return m
}

func mustAppend(t *rapid.T, appendBinary func([]byte) ([]byte, error)) []byte {
	b, err := appendBinary(nil)
	if err != nil {
		t.Fatalf("AppendBinary: %v", err)
	}
	return b
}
