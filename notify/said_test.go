package notify_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/notify"
)

// A message to a sink that follows what people say holds what stands, whatever it is about.
func TestAMessageSaysWhatPeopleHaveSaid(t *testing.T) {
	a := fires("failed", "prod", "a")
	silence := func(id, by string, until time.Duration) notify.Silence {
		return notify.Silence{ID: id, Match: map[string][]string{"doc_id": {"a"}}, StartsAt: at, EndsAt: at.Add(until), CreatedBy: by}
	}
	for _, tt := range []struct {
		name     string
		standing notify.Standing
		reason   alert.Reason
		want     notify.Said
	}{
		{"nothing is no news", notify.Standing{}, "", notify.Said{}},
		{
			"who has it",
			notify.Standing{Acks: map[string]notify.Ack{a.Fingerprint: {By: "ada", At: at.Add(time.Minute)}}},
			alert.ReasonAcknowledged,
			notify.Said{AckedBy: "ada", AckedAt: at.Add(time.Minute)},
		},
		{
			"an acknowledgement of an earlier life is none",
			notify.Standing{Acks: map[string]notify.Ack{a.Fingerprint: {By: "ada", At: at.Add(-time.Minute)}}},
			"",
			notify.Said{},
		},
		{
			"silenced until it resolves",
			notify.Standing{Acks: map[string]notify.Ack{a.Fingerprint: {By: "ada", At: at, Mute: true}}},
			alert.ReasonSilenced,
			notify.Said{AckedBy: "ada", AckedAt: at, SilencedBy: "ada"},
		},
		{
			"of two silences the one that ends last",
			notify.Standing{Silences: []notify.Silence{silence("1", "ada", time.Hour), silence("2", "bob", 2*time.Hour)}},
			alert.ReasonSilenced,
			notify.Said{SilencedBy: "bob", SilencedUntil: at.Add(2 * time.Hour)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, problems := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall", "hook"}}}, Followers: []string{"oncall"}})
			if len(problems) > 0 {
				t.Fatalf("NewRouter: %+v", problems)
			}
			memory := notify.NewMemory()
			firing := func() []alert.Alert { return []alert.Alert{a.Alert} }
			plan := r.Step(memory, notify.Input{Now: at, Transitions: []alert.Transition{a}, Firing: firing, Standing: &notify.Standing{}})
			memory.Apply(plan)
			plan = r.Step(memory, notify.Input{Now: at.Add(time.Minute), Firing: firing, Standing: &tt.standing})
			if tt.reason == "" {
				if len(plan.Messages) > 0 {
					t.Errorf("got messages %+v, want none", plan.Messages)
				}
				return
			}
			m := plan.Messages[0]
			if m.Sink != "oncall" || m.Alerts[0].Reason != tt.reason {
				t.Errorf("got %s of %s, want %s of oncall", m.Alerts[0].Reason, m.Sink, tt.reason)
			}
			if diff := cmp.Diff(tt.want, m.Said[a.Fingerprint]); diff != "" {
				t.Errorf("Said (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsSilencedUntilItResolvesSaysSo(t *testing.T) {
	r, _ := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall"}}}})
	a := fires("failed", "prod", "a").Alert
	standing := &notify.Standing{Acks: map[string]notify.Ack{a.Fingerprint: {By: "ada", At: a.StartsAt, Mute: true}}}
	got := r.MutedBy(&a, []alert.Alert{a}, standing, at)
	if want := "silenced by ada until it resolves"; got != want {
		t.Errorf("MutedBy: got %q, want %q", got, want)
	}
}

func TestMuteKindIsAWordForAMetric(t *testing.T) {
	for reason, want := range map[string]string{
		"silenced by anna until 2026-01-02T03:04:05Z (sil_1)": "silence",
		"silenced by anna until it resolves":                  "silence",
		"inhibited by server-unreachable of prod":             "inhibition",
		"in window maintenance until 2026-01-02T03:04:05Z":    "window",
	} {
		if got := notify.MuteKind(reason); got != want {
			t.Errorf("MuteKind(%q): got %q, want %q", reason, got, want)
		}
	}
}
