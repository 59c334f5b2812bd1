package notify_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/notify"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// happened is a transition of a document's alert, some minutes after noon.
func happened(minute int, docID string, status alert.Status, reason alert.Reason, severity alert.Severity) alert.Transition {
	t := told(status, reason, docID)
	t.Fingerprint, t.Severity = docID, severity
	t.At = noon.Add(time.Duration(minute) * time.Minute)
	t.StartsAt = t.At
	return t
}

func waiting(sizes ...int) []notify.Message {
	var all []notify.Message
	for i, n := range sizes {
		m := notify.Message{ID: fmt.Sprint(i), At: noon.Add(time.Duration(i) * time.Minute), URL: fmt.Sprint("u", i)}
		for j := range n {
			m.Alerts = append(m.Alerts, happened(i, fmt.Sprint(i, "/", j), alert.StatusFiring, alert.ReasonNew, alert.Warning))
		}
		all = append(all, m)
	}
	return all
}

func TestDigest(t *testing.T) {
	for _, c := range []struct {
		name  string
		sizes []int
		above int
		taken int
	}{
		{"one message is none, however much it tells", []int{50}, 10, 1},
		{"as many as the bound are told one by one", []int{5, 5}, 10, 1},
		{"one more is a digest of all", []int{5, 5, 1}, 10, 3},
		{"it holds no more than a message can", []int{600, 300, 100, 1}, 10, 3},
		{"a message is not torn apart", []int{600, 600}, 10, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := waiting(c.sizes...)
			got, taken := notify.Digest(all, c.above)
			if taken != c.taken {
				t.Fatalf("Digest took %d, want %d", taken, c.taken)
			}
			want := all[0]
			if taken > 1 {
				want.Digest, want.Alerts = true, nil
				want.At, want.URL = all[taken-1].At, all[taken-1].URL
				for _, m := range all[:taken] {
					want.Alerts = append(want.Alerts, m.Alerts...)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Digest (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSummaryOfADigest(t *testing.T) {
	fires, resolved, event := alert.StatusFiring, alert.StatusResolved, alert.StatusEvent
	m := notify.Message{
		Digest: true, At: noon.Add(6 * time.Hour), Group: map[string]string{"server": "prod", "rule": "replication-failed"},
		Alerts: []alert.Transition{
			happened(0, "flaps", fires, alert.ReasonNew, alert.Critical),
			happened(1, "old", resolved, alert.ReasonResolved, alert.Critical),
			happened(2, "late", fires, alert.ReasonNew, alert.Warning),
			happened(3, "flaps", resolved, alert.ReasonResolved, alert.Critical),
			happened(4, "rises", fires, alert.ReasonNew, alert.Warning),
			happened(5, "rises", fires, alert.ReasonSeverity, alert.Critical),
			happened(6, "once", event, alert.ReasonEvent, alert.Info),
			happened(7, "once", event, alert.ReasonEvent, alert.Info),
			happened(8, "known", fires, alert.ReasonRepeat, alert.Warning),
			happened(9, "known", resolved, alert.ReasonResolved, alert.Warning),
		},
	}
	want := "digest of 6h: 2 firing, 2 resolved, 1 fired and resolved meanwhile, 2 events: replication-failed on prod"
	if got := m.Headline(); got != want {
		t.Errorf("Headline:\n got %s\nwant %s", got, want)
	}
	var shown []string
	for _, a := range m.Shown() {
		shown = append(shown, a.DocID+" "+a.Severity.String())
	}
	if diff := cmp.Diff([]string{"rises critical", "late warning", "once info", "once info"}, shown); diff != "" {
		t.Errorf("Shown (-want +got):\n%s", diff)
	}
	if got, want := m.Summary().Rules[0].String(), "replication-failed: 2 firing, 2 resolved, 1 fired and resolved meanwhile, 2 events"; got != want {
		t.Errorf("Rules: got %s, want %s", got, want)
	}
	if got, want := m.Severity(), alert.Critical; got != want {
		t.Errorf("Severity: got %s, want %s", got, want)
	}
}

func TestADigestSaysWhatPeopleHaveSaidInTheEnd(t *testing.T) {
	all := waiting(1, 1, 1)
	for i := range all {
		all[i].Alerts[0].Fingerprint = "a"
	}
	ack := notify.Said{AckedBy: "ada"}
	all[1].Said = map[string]notify.Said{"a": ack}
	digest, _ := notify.Digest(all[:2], 1)
	if diff := cmp.Diff(map[string]notify.Said{"a": ack}, digest.Said); diff != "" {
		t.Errorf("Said of an alert that somebody has (-want +got):\n%s", diff)
	}
	if digest, _ = notify.Digest(all, 1); len(digest.Said) > 0 {
		t.Errorf("Said of an alert that nobody has any more: got %v, want nothing", digest.Said)
	}
}
