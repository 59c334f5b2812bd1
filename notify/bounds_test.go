package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/notify"
)

func TestProblemsOfASilence(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	after := func(d time.Duration) time.Time { return begin.Add(d) }
	match := func(label string, globs ...string) map[string][]string { return map[string][]string{label: globs} }
	many := map[string][]string{}
	for i := range 17 {
		many[strings.Repeat("l", i+1)] = []string{"x"}
	}
	for _, tt := range []struct {
		name string
		one  notify.Silence
		want string // the fields
	}{
		{"an hour for one document", notify.Silence{Match: match("doc_id", "orders"), StartsAt: begin, EndsAt: after(time.Hour)}, ""},
		{"one that begins later", notify.Silence{Match: match("doc_id", "orders"), StartsAt: after(time.Hour), EndsAt: after(2 * time.Hour)}, ""},
		{"everything", notify.Silence{StartsAt: begin, EndsAt: after(time.Hour)}, "match"},
		{"too many labels", notify.Silence{Match: many, StartsAt: begin, EndsAt: after(time.Hour)}, "match"},
		{"a label without a name", notify.Silence{Match: match("", "x"), StartsAt: begin, EndsAt: after(time.Hour)}, "match"},
		{"an empty glob", notify.Silence{Match: match("rule", ""), StartsAt: begin, EndsAt: after(time.Hour)}, "match.rule"},
		{"a glob that is no text", notify.Silence{Match: match("rule", "\xff"), StartsAt: begin, EndsAt: after(time.Hour)}, "match.rule"},
		{"no end", notify.Silence{Match: match("rule", "x"), StartsAt: begin}, "ends_at"},
		{"an end before its begin", notify.Silence{Match: match("rule", "x"), StartsAt: after(2 * time.Hour), EndsAt: after(time.Hour)}, "ends_at"},
		{"two years", notify.Silence{Match: match("rule", "x"), StartsAt: begin, EndsAt: after(2 * 366 * 24 * time.Hour)}, "ends_at"},
		{"a name that is none", notify.Silence{Match: match("rule", "x"), StartsAt: begin, EndsAt: after(time.Hour), CreatedBy: strings.Repeat("é", 101)}, "created_by"},
		{"a name of a hundred letters", notify.Silence{Match: match("rule", "x"), StartsAt: begin, EndsAt: after(time.Hour), CreatedBy: strings.Repeat("é", 100)}, ""},
		{"a comment that is no text", notify.Silence{Match: match("rule", "x"), StartsAt: begin, EndsAt: after(time.Hour), Comment: "\xff"}, "comment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var fields []string
			for _, p := range tt.one.Problems(begin) {
				fields = append(fields, p.Field)
			}
			if got := strings.Join(fields, " "); got != tt.want {
				t.Errorf("Problems: got those of %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnAcknowledgementHoldsTheAlertThatItIsOf(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	a := alert.Alert{StartsAt: begin}
	for seconds, want := range map[int]bool{-1: false, 0: true, 60: true} {
		ack := notify.Ack{At: begin.Add(time.Duration(seconds) * time.Second)}
		if got := ack.Holds(&a); got != want {
			t.Errorf("Holds, acknowledged %d s after it began: got %t, want %t", seconds, got, want)
		}
		ack.StartsAt = begin
		if !ack.Holds(&a) {
			t.Errorf("Holds, of the alert that it names, %d s after it began: got false", seconds)
		}
		ack.StartsAt = begin.Add(-time.Hour)
		if ack.Holds(&a) {
			t.Errorf("Holds, of an earlier alert, %d s after this one began: got true", seconds)
		}
	}
}

// Which windows are open, until when, and whom they mute.
func TestWindows(t *testing.T) {
	router, problems := notify.NewRouter(notify.Spec{
		Routes:  []notify.RouteSpec{{To: []string{"a"}}, {To: []string{"b"}, Mute: []string{"backup"}}},
		Windows: []notify.Window{{Name: "backup", Start: hourly(t), Duration: 15 * time.Minute}},
	})
	if len(problems) > 0 {
		t.Fatalf("NewRouter: %+v", problems)
	}
	hour := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for minute, want := range map[int]notify.WindowState{
		29: {Name: "backup", Changes: hour.Add(30 * time.Minute), Routes: []int{2}},
		30: {Name: "backup", Open: true, Changes: hour.Add(45 * time.Minute), Routes: []int{2}},
		45: {Name: "backup", Changes: hour.Add(90 * time.Minute), Routes: []int{2}},
	} {
		got := router.Windows(hour.Add(time.Duration(minute) * time.Minute))
		if diff := cmp.Diff([]notify.WindowState{want}, got); diff != "" {
			t.Errorf("Windows at minute %d (-want +got):\n%s", minute, diff)
		}
	}
}
