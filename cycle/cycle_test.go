package cycle_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/snapshot"
)

// recorded are the snapshots of two minutes of a real server.
func recorded(t *testing.T) []*snapshot.Snapshot {
	t.Helper()
	f, err := os.Open("../snapshot/testdata/timeline.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []*snapshot.Snapshot
	for r := snapshot.NewReader(f); ; {
		snap, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, snap)
	}
}

func someSpecs() []rules.Spec {
	return []rules.Spec{
		{Name: "failed", When: `state == "failed"`, Severity: "critical"},
		{Name: "crashing", When: `state in ["crashing", "error"]`, For: 5 * time.Second, KeepFiringFor: 10 * time.Second},
		{Name: "stalled", When: `stalled("docs_written", "10s")`},
		{Name: "pending", On: &rules.EventSpec{To: []string{"pending"}}},
	}
}

func compile(t testing.TB, specs ...rules.Spec) []*rules.Rule {
	t.Helper()
	var compiled []*rules.Rule
	for _, spec := range specs {
		r, problems := rules.Compile(spec)
		if r == nil {
			t.Fatalf("Compile(%s): %+v", spec.Name, problems)
		}
		compiled = append(compiled, r)
	}
	return compiled
}

func newCycle(t testing.TB) *cycle.Cycle {
	t.Helper()
	router, problems := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall"}}}})
	if len(problems) > 0 {
		t.Fatalf("NewRouter: %+v", problems)
	}
	return &cycle.Cycle{Rules: rules.NewSet(rules.SetSpec{Rules: compile(t, someSpecs()...)}), Router: router}
}

// said is what people would hear of an outcome.
func said(o *cycle.Outcome) []string {
	var out []string
	for _, m := range o.Messages {
		for _, a := range m.Alerts {
			out = append(out, m.ID+" "+a.Rule+" "+a.DocID+" "+string(a.Status))
		}
	}
	return out
}

// Over a real server's two minutes: a step that is decided again says the same under the same
// ids, a state that was stored and restored goes on as if nothing had happened, and the same
// snapshot twice says nothing.
func TestStepOverARecordingIsPureAndSurvivesRestarts(t *testing.T) {
	c := newCycle(t)
	through, total := cycle.NewState("recording"), 0
	disk := newDisk()
	for i, snap := range recorded(t) {
		outcome := c.Step(through, snap, nil)
		if diff := cmp.Diff(said(outcome), said(c.Step(through, snap, nil))); diff != "" {
			t.Fatalf("snapshot %d decided again (-first +second):\n%s", i, diff)
		}
		if diff := cmp.Diff(said(outcome), said(c.Step(disk.load(t), snap, nil))); diff != "" {
			t.Fatalf("snapshot %d after a restart (-through +restarted):\n%s", i, diff)
		}
		if got, want := len(said(outcome)), len(outcome.Transitions); got != want {
			t.Fatalf("snapshot %d: %d transitions said, want %d", i, got, want)
		}
		disk.commit(t, outcome)
		through.Apply(outcome)
		total += len(outcome.Transitions)
		if again := c.Step(through, snap, nil); !again.Empty() {
			t.Fatalf("snapshot %d twice: got %v, want nothing", i, said(again))
		}
	}
	if total < 10 {
		t.Errorf("transitions over the recording: got %d, want 10 at least: the test shows little", total)
	}
}

// disk keeps what a store would.
type disk struct {
	server       []byte
	replications map[[2]string][]byte
	alerts       map[string]cycle.AlertChange
	told         map[string][]byte
}

func newDisk() *disk {
	return &disk{replications: map[[2]string][]byte{}, alerts: map[string]cycle.AlertChange{}, told: map[string][]byte{}}
}

func (d *disk) commit(t *testing.T, o *cycle.Outcome) {
	t.Helper()
	binary := func(appendTo func([]byte) ([]byte, error)) []byte {
		b, err := appendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if o.ServerMemory != nil {
		d.server = binary(o.ServerMemory.AppendBinary)
	}
	for _, c := range o.Replications {
		key := [2]string{c.Database, c.DocID}
		delete(d.replications, key)
		if c.Memory != nil {
			d.replications[key] = binary(c.Memory.AppendBinary)
		}
	}
	for _, c := range o.Told {
		delete(d.told, c.Key)
		if c.Body != nil {
			d.told[c.Key] = c.Body
		}
	}
	for _, c := range o.Alerts {
		delete(d.alerts, c.Alert.Fingerprint)
		if !c.Ended {
			d.alerts[c.Alert.Fingerprint] = c
		}
	}
}

func (d *disk) load(t *testing.T) *cycle.State {
	t.Helper()
	s := cycle.NewState("recording")
	if d.server != nil {
		if err := s.RestoreServer(d.server); err != nil {
			t.Fatal(err)
		}
	}
	for key, b := range d.replications {
		if err := s.RestoreReplication(key[0], key[1], b); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range d.alerts {
		s.RestoreAlert(a.Alert)
	}
	for key, body := range d.told {
		if err := s.RestoreTold(key, body); err != nil {
			t.Fatal(err)
		}
	}
	return s
}
