package slack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/notify/sinktest"
)

// A group may hold thousands, for months: its post keeps Slack's limits, and its memory is short.
func TestACardOfThousands(t *testing.T) {
	w := newWorkspace(t)
	long := strings.Repeat("long <&> 😱 ", 1000)
	for round := range 3 {
		m := sinktest.Message(1000)
		m.ID, m.At = fmt.Sprint("dlv_", round), began.Add(time.Duration(round)*time.Minute)
		m.Said = map[string]notify.Said{}
		for i := range m.Alerts {
			a := &m.Alerts[i]
			a.At, a.Status, a.Reason, a.EndsAt = m.At, alert.StatusFiring, alert.ReasonNew, nil
			a.Error, a.Summary, a.Description = long, long, long
			if i%2 == round%2 {
				a.Status, a.Reason, a.EndsAt = alert.StatusResolved, alert.ReasonResolved, &m.At
			}
			m.Said[a.Fingerprint] = notify.Said{AckedBy: long, AckedAt: began, SilencedBy: long}
		}
		w.must(m)
	}
	if got := len(w.memory); got > 600_000 {
		t.Errorf("memory: got %d bytes, want at most 600000", got)
	}
	if got := validate(t, w.Posts()[0].Body).Blocks[0].Text.Text; !strings.HasPrefix(got, "🔴 500 firing, ") {
		t.Errorf("headline: got %q, want 500 firing", got)
	}
}

func TestCardsLookAsTheyDid(t *testing.T) {
	w := newWorkspace(t)
	first := sinktest.Message(2)
	first.Alerts[1].Status, first.Alerts[1].Reason, first.Alerts[1].EndsAt = alert.StatusFiring, alert.ReasonNew, nil
	w.must(first)
	golden(t, "card-firing", w.Posts()[0].Body)

	second := sinktest.Message(1)
	second.ID, second.Alerts[0].Reason = "dlv_2", alert.ReasonAcknowledged
	second.Said = map[string]notify.Said{second.Alerts[0].Fingerprint: {AckedBy: "@anna", AckedAt: second.At}}
	w.must(second)
	golden(t, "card-acknowledged", w.Posts()[0].Body)
	golden(t, "card-reply", w.Posts()[1].Body)

	third, ended := sinktest.Message(2), first.At.Add(12*time.Minute)
	third.ID, third.At = "dlv_3", ended
	for i := range third.Alerts {
		a := &third.Alerts[i]
		a.Status, a.Reason, a.At, a.EndsAt = alert.StatusResolved, alert.ReasonResolved, ended, &ended
	}
	w.must(third)
	golden(t, "card-resolved", w.Posts()[0].Body)
}

// golden compares a message with a file, which -update writes.
func golden(t *testing.T, name string, raw []byte) {
	t.Helper()
	shown := indented(t, raw)
	file := "testdata/" + name + ".json"
	if *update {
		if err := os.WriteFile(file, []byte(shown), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), shown); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func indented(t *testing.T, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(decoded(t, raw)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
