package notify_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/notify"
)

func message(group map[string]string, fingerprints ...string) *notify.Message {
	m := &notify.Message{Group: group}
	for _, f := range fingerprints {
		m.Alerts = append(m.Alerts, alert.Transition{Alert: alert.Alert{Fingerprint: f}})
	}
	return m
}

func TestOrderKeysAreSortedAndDistinct(t *testing.T) {
	got := message(map[string]string{"server": "prod"}, "b0", "a0", "b0").OrderKeys()
	want := []string{"a0", "b0", "group:f324691b3d0b97be"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("OrderKeys() (-want +got):\n%s", diff)
	}
}

func TestOrderKeysAreSharedByWhatMustKeepItsOrder(t *testing.T) {
	prod := map[string]string{"server": "prod", "rule": "stalled"}
	tests := []struct {
		name string
		a, b *notify.Message
		want bool
	}{
		{"one group, other alerts", message(prod, "a0"), message(prod, "b0"), true},
		{"one alert, other groups", message(prod, "a0"), message(map[string]string{"rule": "stalled"}, "a0"), true},
		{"other groups and alerts", message(prod, "a0"), message(map[string]string{"rule": "stalled"}, "b0"), false},
		{"no group and an empty one", message(nil), message(map[string]string{}), true},
		{
			"labels that would read the same run together",
			message(map[string]string{"a": "bc"}), message(map[string]string{"ab": "c"}), false,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := test.a.OrderKeys(), test.b.OrderKeys()
			got := slices.ContainsFunc(a, func(key string) bool { return slices.Contains(b, key) })
			if got != test.want {
				t.Errorf("keys %v and %v: shared = %v, want %v", a, b, got, test.want)
			}
		})
	}
}

func TestChronologyIsTheOrderInWhichThingsHappened(t *testing.T) {
	at := func(second int) alert.Transition {
		return alert.Transition{At: time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC)}
	}
	m := notify.Message{Alerts: []alert.Transition{at(3), at(1), at(3), at(2)}}
	if got, want := m.Chronology(), []int{1, 3, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("Chronology: got %v, want %v", got, want)
	}
}
