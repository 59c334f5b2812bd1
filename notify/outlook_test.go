package notify_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/notify"
)

// Who was told, and what is to come: each reason for which somebody is not told has its words.
func TestOutlook(t *testing.T) {
	const m = time.Minute
	spec := notify.Spec{
		Routes: []notify.RouteSpec{
			{
				Match: map[string][]string{"rule": {"failed"}, "doc_id": {"a", "b*"}}, To: []string{"oncall"}, Continue: true,
				RepeatInterval: 10 * m, Escalate: []notify.EscalateSpec{{After: 15 * m, To: []string{"boss"}}},
			},
			{To: []string{"hook"}, Mute: []string{"backup"}, GroupWait: 2 * m},
		},
		Windows: []notify.Window{{Name: "backup", Start: hourly(t), Duration: 15 * m}},
		Inhibit: []notify.InhibitSpec{{Source: map[string][]string{"doc_id": {"z"}}, Target: map[string][]string{"doc_id": {"a"}}}},
	}
	const route1 = "1 {doc_id: [a, b*], rule: failed} "
	for _, tt := range []struct {
		name string
		play func(*stage)
		want []string
	}{
		{"nothing is remembered yet", func(*stage) {}, []string{route1 + "oncall", "2 hook"}},
		{"told, and a group waits", func(s *stage) { s.fire("a") }, []string{
			route1 + "oncall told 3:00, reminder at 2026-01-02T03:10:00Z",
			route1 + "boss, not yet: escalates at 2026-01-02T03:15:00Z unless acknowledged",
			"2 hook, not yet: its group waits until 2026-01-02T03:02:00Z",
		}},
		{"acknowledged", func(s *stage) { s.fire("a"); s.pass(3 * m); s.ack(notify.Ack{By: "ada"}) }, []string{
			route1 + "oncall told 3:00, no reminder: acknowledged by ada",
			route1 + "boss, no escalation: acknowledged by ada",
			"2 hook told 3:00",
		}},
		{"silenced", func(s *stage) { s.silence("s1", 0, 30*m, map[string][]string{"doc_id": {"a"}}); s.fire("a") }, []string{
			route1 + "oncall, silenced by ada until 2026-01-02T03:30:00Z (s1)",
			route1 + "boss, no escalation: silenced by ada until 2026-01-02T03:30:00Z (s1)",
			"2 hook, silenced by ada until 2026-01-02T03:30:00Z (s1)",
		}},
		{"inhibited", func(s *stage) { s.fire("z"); s.fire("a") }, []string{
			route1 + "oncall, inhibited by failed of prod/_replicator/z",
			route1 + "boss, no escalation: inhibited by failed of prod/_replicator/z",
			"2 hook, inhibited by failed of prod/_replicator/z",
		}},
		{"in a window", func(s *stage) { s.pass(31 * m); s.fire("a") }, []string{
			route1 + "oncall told 3:31, reminder at 2026-01-02T03:41:00Z",
			route1 + "boss, not yet: escalates at 2026-01-02T03:46:00Z unless acknowledged",
			"2 hook, in window backup until 2026-01-02T03:45:00Z",
		}},
		{"escalated", func(s *stage) { s.fire("a"); s.pass(16 * m) }, []string{
			route1 + "oncall told 3:10, reminder at 2026-01-02T03:20:00Z",
			route1 + "boss told 3:15",
			"2 hook told 3:00",
		}},
		{"while the server cannot be read", func(s *stage) { s.fire("a"); s.pass(3 * m); s.fire("", unreachable) }, []string{
			route1 + "oncall told 3:00, no reminder while the server cannot be read",
			route1 + "boss, no escalation while the server cannot be read",
			"2 hook told 3:00",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t, spec)
			tt.play(s)
			a := fires("failed", "prod", "a").Alert
			if known, fires := s.firing[a.Fingerprint]; fires {
				a = known
			}
			var firing []alert.Alert
			for _, key := range sortedKeys(s.firing) {
				firing = append(firing, s.firing[key])
			}
			var got []string
			for _, d := range s.router.Outlook(s.memory, &a, firing, s.standing, s.now) {
				got = append(got, tell(d))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Outlook (-want +got):\n%s", diff)
			}
		})
	}
}

func tell(d notify.Destination) string {
	line := fmt.Sprint(d.Route)
	if d.Match != "" {
		line += " " + d.Match
	}
	line += " " + d.Sink
	if !d.ToldAt.IsZero() {
		line += d.ToldAt.Format(" told 3:04")
	}
	if d.Waits != "" {
		line += ", " + d.Waits
	}
	return line
}

func TestOutlookOfARouteThatIsInItsWindow(t *testing.T) {
	const m = time.Minute
	s := newStage(t, notify.Spec{
		Routes:  []notify.RouteSpec{{To: []string{"oncall"}, Mute: []string{"backup"}, Escalate: []notify.EscalateSpec{{After: 5 * m, To: []string{"boss"}}}}},
		Windows: []notify.Window{{Name: "backup", Start: hourly(t), Duration: 15 * m}},
	})
	s.pass(31 * m)
	s.fire("a")
	a := s.firing[fires("failed", "prod", "a").Fingerprint]
	var got []string
	for _, d := range s.router.Outlook(s.memory, &a, []alert.Alert{a}, s.standing, s.now) {
		got = append(got, tell(d))
	}
	want := []string{"1 oncall, in window backup until 2026-01-02T03:45:00Z", "1 boss, no escalation: in window backup until 2026-01-02T03:45:00Z"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Outlook (-want +got):\n%s", diff)
	}
}
