package slack_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/notify/slack"
)

// The buttons, as the posts name them.
const (
	ack         = "watchdog_ack"
	silenceHour = "watchdog_silence_1h"
	silenceOver = "watchdog_silence_resolved"
)

func TestWhatAPressDoes(t *testing.T) {
	now := began.Add(10 * time.Minute)
	until := func(d time.Duration) notify.Said {
		return notify.Said{SilencedBy: "bob", SilencedUntil: now.Add(d)}
	}
	forGood := notify.Said{AckedBy: "bob", AckedAt: began, SilencedBy: "bob"}
	for _, tt := range []struct {
		name   string
		action string
		firing string // documents
		said   map[string]notify.Said
		want   string
	}{
		{"acknowledge", ack, "a", nil, "ack a by @anna"},
		{"acknowledge all that fires", ack, "a b", nil, "ack a by @anna, ack b by @anna"},
		{"acknowledge those that nobody has", ack, "a b", map[string]notify.Said{"a": acked(0)}, "ack b by @anna"},
		{"acknowledge what somebody has", ack, "a", map[string]notify.Said{"a": {AckedBy: "<bob>", AckedAt: began}}, "told: Already acknowledged by &lt;bob&gt; 03:04 UTC."},
		{"acknowledge what is silenced", ack, "a", map[string]notify.Said{"a": until(time.Hour)}, "ack a by @anna"},
		{"silence for an hour", silenceHour, "a b", nil, "silence a,b by @anna for 1h0m0s"},
		{"silence what is silenced for less", silenceHour, "a b", map[string]notify.Said{"a": until(time.Minute)}, "silence a,b by @anna for 1h0m0s"},
		{"silence twice", silenceHour, "a", map[string]notify.Said{"a": until(time.Hour - time.Second)}, "told: Already silenced by bob until 2026-01-02 04:13:59 UTC."},
		{"silence for less than it is silenced", silenceHour, "a", map[string]notify.Said{"a": forGood}, "told: Already silenced by bob until it resolves."},
		{"silence until resolved", silenceOver, "a", nil, "mute a by @anna"},
		{"silence until resolved what is silenced for an hour", silenceOver, "a", map[string]notify.Said{"a": until(time.Hour)}, "mute a by @anna"},
		{"silence until resolved what somebody has", silenceOver, "a", map[string]notify.Said{"a": acked(0)}, "mute a by @anna"},
		{"silence until resolved twice", silenceOver, "a", map[string]notify.Said{"a": forGood}, "told: Already silenced by bob until it resolves."},
		{"what does not fire any more", ack, "", nil, "told: Nothing of this message fires any more."},
		{"a button of a later version", "watchdog_snooze", "a", nil, "told: This Watchdog does not know that button."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var firing []alert.Alert
			for doc := range strings.FieldsSeq(tt.firing) {
				firing = append(firing, told(0, "new "+doc).Alerts[0].Alert)
			}
			press := slack.Press{Action: tt.action, By: "@anna", At: now}
			deed := press.Decide(firing, func(a *alert.Alert) notify.Said { return tt.said[a.DocID] })
			if diff := cmp.Diff(tt.want, deedInWords(deed, firing)); diff != "" {
				t.Errorf("Decide (-want +got):\n%s", diff)
			}
		})
	}
}

func deedInWords(d slack.Deed, firing []alert.Alert) string {
	var words []string
	for i := range firing {
		if a, ok := d.Acks[firing[i].Fingerprint]; ok {
			words = append(words, fmt.Sprintf("%s %s by %s", map[bool]string{false: "ack", true: "mute"}[a.Mute], firing[i].DocID, a.By))
		}
	}
	for _, s := range d.Silences {
		words = append(words, fmt.Sprintf("silence %s by %s for %s", strings.Join(s.Match["doc_id"], ","), s.CreatedBy, s.EndsAt.Sub(s.StartsAt)))
	}
	if d.Answer != "" {
		words = append(words, "told: "+plainDates(d.Answer))
	}
	return strings.Join(words, ", ")
}

// A silence by button mutes what fires by its message, and nothing else, whatever it is called.
func TestASilenceByButtonIsOfExactlyThoseAlerts(t *testing.T) {
	var firing []alert.Alert
	for i := range 70 {
		firing = append(firing, told(0, fmt.Sprintf("new a*%d", i)).Alerts[0].Alert)
	}
	server := alert.Alert{Status: alert.StatusFiring, Rule: "server-unreachable", Server: "prod?", Fingerprint: "s"}
	press := slack.Press{Action: silenceHour, By: "@anna", At: began}
	deed := press.Decide(append(firing, server), func(*alert.Alert) notify.Said { return notify.Said{} })
	muted := func(a alert.Alert) bool {
		for i := range deed.Silences {
			if problems := deed.Silences[i].Problems(began); len(problems) > 0 {
				t.Fatalf("silence %+v: %v", deed.Silences[i], problems)
			}
			if alert.NewMatchers(deed.Silences[i].Match).Match(func(name string) string { return notify.Label(&a, name) }) {
				return true
			}
		}
		return false
	}
	for _, a := range append(firing, server) {
		if !muted(a) {
			t.Errorf("%s of %s is not silenced", a.Rule, a.Subject())
		}
	}
	for name, change := range map[string]func(*alert.Alert){
		"another document":     func(a *alert.Alert) { a.DocID = "a-1" },
		"another rule":         func(a *alert.Alert) { a.Rule = "stalled" },
		"another database":     func(a *alert.Alert) { a.Database = "other/_replicator" },
		"another server":       func(a *alert.Alert) { a.Server = "prod2" },
		"the server's own":     func(a *alert.Alert) { *a = server; a.Server = "prodX" },
		"an alert of a server": func(a *alert.Alert) { a.Database, a.DocID = "", "" },
	} {
		other := firing[0]
		change(&other)
		if muted(other) {
			t.Errorf("%s is silenced too", name)
		}
	}
}

func TestWhatFiresByAMessage(t *testing.T) {
	w := newWorkspace(t)
	w.must(told(0, "new a, new b"))
	w.must(told(1, "resolved b"))
	ts := w.Posts()[0].TS
	for _, tt := range []struct {
		name    string
		ts      string
		memory  []byte
		want    []string
		current bool
	}{
		{"the post", ts, w.memory, []string{told(0, "new a").Alerts[0].Fingerprint}, true},
		{"an older post", "1.2", w.memory, nil, false},
		{"a memory that cannot be read", ts, []byte("{"), nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, current := (&slack.Press{TS: tt.ts}).Fired(tt.memory)
			if diff := cmp.Diff(tt.want, got); diff != "" || current != tt.current {
				t.Errorf("Fired: got current %v, want %v (-want +got):\n%s", current, tt.current, diff)
			}
		})
	}
}
