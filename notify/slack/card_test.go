package slack_test

import (
	"bytes"
	"encoding/json"
	"errors"
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

// began is when the plays begin.
var began = time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)

// told is a message at a minute: "new a, resolved b", with what people have said.
func told(minute int, what string, said ...notify.Said) *notify.Message {
	at := began.Add(time.Duration(minute) * time.Minute)
	m := &notify.Message{
		ID: fmt.Sprintf("dlv_%d", minute), Sink: "oncall", Group: map[string]string{"server": "prod", "rule": "failed"}, At: at,
	}
	for i, one := range strings.Split(what, ", ") {
		reason, doc, _ := strings.Cut(one, " ")
		subject := alert.Subject{Server: "prod", Database: "_replicator", DocID: doc}
		t := alert.Transition{Reason: alert.Reason(reason), At: at, Alert: alert.Alert{
			Status: alert.StatusFiring, Rule: "failed", Severity: alert.Warning, Fingerprint: alert.Fingerprint("failed", subject),
			Server: subject.Server, Database: subject.Database, DocID: doc, StartsAt: began, Summary: doc + " failed",
		}}
		switch t.Reason {
		case alert.ReasonResolved, alert.ReasonDeleted:
			t.Status, t.EndsAt = alert.StatusResolved, &at
		case alert.ReasonSeverity:
			t.Severity = alert.Critical
		case alert.ReasonEvent:
			t.Status = alert.StatusEvent
		}
		m.Alerts = append(m.Alerts, t)
		if i < len(said) {
			if m.Said == nil {
				m.Said = map[string]notify.Said{}
			}
			m.Said[t.Fingerprint] = said[i]
		}
	}
	return m
}

func acked(minute int) notify.Said {
	return notify.Said{AckedBy: "@anna", AckedAt: began.Add(time.Duration(minute) * time.Minute)}
}

func TestACardTellsTheStoryOfItsGroup(t *testing.T) {
	for _, tt := range []struct {
		name string
		play func(w *workspace)
		want string
	}{
		{
			"one alert fires and resolves: one post, and its end is called out", func(w *workspace) {
				w.must(told(0, "new a"))
				w.must(told(12, "resolved a"))
			}, `
✅ resolved: failed, prod/_replicator/a
  ✅ ~failed · prod/_replicator/a~ · resolved after 12m, 2026-01-02 03:16:00 UTC
  ! ✅ *failed* ` + "`prod/_replicator/a`" + ` · resolved after 12m · 03:16 UTC
`,
		},
		{
			"another joins: the post counts it, and the channel hears of it", func(w *workspace) {
				w.must(told(0, "new a"))
				w.must(told(1, "new b"))
			}, `
🟠 2 firing: failed on prod [ack silence_1h silence_resolved]
  ! 🟠 *failed* ` + "`prod/_replicator/b`" + ` · firing: b failed · 03:05 UTC
`,
		},
		{
			"one of two resolves: nobody is called", func(w *workspace) {
				w.must(told(0, "new a, new b"))
				w.must(told(1, "resolved a"))
			}, `
🟠 1 firing, 1 resolved: failed on prod [ack silence_1h silence_resolved]
  ✅ ~failed · prod/_replicator/a~ · resolved after 1m, 2026-01-02 03:05:00 UTC
  | ✅ *failed* ` + "`prod/_replicator/a`" + ` · resolved after 1m · 03:05 UTC
`,
		},
		{
			"severity rises, a reminder, a deletion", func(w *workspace) {
				w.must(told(0, "new a"))
				w.must(told(1, "severity a"))
				w.must(told(61, "repeat a"))
				w.must(told(62, "deleted a"))
			}, `
✅ resolved, deleted: failed, prod/_replicator/a
  ✅ ~failed · prod/_replicator/a~ · resolved, deleted after 1h 2m, 2026-01-02 04:06:00 UTC
  ! 🔴 *failed* ` + "`prod/_replicator/a`" + ` · is critical now: a failed · 03:05 UTC
  ! 🟠 *failed* ` + "`prod/_replicator/a`" + ` · still firing, for 1h 1m: a failed · 04:05 UTC
  ! ✅ *failed* ` + "`prod/_replicator/a`" + ` · resolved, deleted after 1h 2m · 04:06 UTC
`,
		},
		{
			"somebody has it: the post says so, and nobody is called", func(w *workspace) {
				w.must(told(0, "new a"))
				w.must(told(3, "acknowledged a", acked(3)))
			}, `
🟠 firing: failed, prod/_replicator/a [silence_1h silence_resolved]
  👤 acknowledged by @anna 03:07 UTC
  | 👤 *failed* ` + "`prod/_replicator/a`" + ` · acknowledged by @anna · 03:07 UTC
`,
		},
		{
			"a silence, its end, and one until it resolves", func(w *workspace) {
				w.must(told(0, "new a"))
				w.must(told(1, "silenced a", notify.Said{SilencedBy: "bob", SilencedUntil: began.Add(time.Hour)}))
				w.must(told(60, "released a"))
				w.must(told(61, "silenced a", notify.Said{AckedBy: "@anna", AckedAt: began.Add(61 * time.Minute), SilencedBy: "@anna"}))
			}, `
🟠 firing: failed, prod/_replicator/a [silence_1h]
  👤 acknowledged by @anna 04:05 UTC  ·  🔕 silenced by @anna until it resolves
  | 🔕 *failed* ` + "`prod/_replicator/a`" + ` · silenced by bob until 2026-01-02 04:04:00 UTC · 03:05 UTC
  | 🔔 *failed* ` + "`prod/_replicator/a`" + ` · neither acknowledged nor silenced any more · 04:04 UTC
  | 🔕 *failed* ` + "`prod/_replicator/a`" + ` · silenced by @anna until resolved · 04:05 UTC
`,
		},
		{
			"who has one of two does not have the other", func(w *workspace) {
				w.must(told(0, "new a, new b"))
				w.must(told(3, "acknowledged b", acked(3)))
			}, `
🟠 2 firing: failed on prod [ack silence_1h silence_resolved]
  👤 acknowledged by @anna 03:07 UTC
  | 👤 *failed* ` + "`prod/_replicator/b`" + ` · acknowledged by @anna · 03:07 UTC
`,
		},
		{
			"it fires again after all has resolved: a new post, the old one stays as it ended", func(w *workspace) {
				w.must(told(0, "new a"))
				w.must(told(1, "resolved a"))
				w.must(told(2, "new a"))
			}, `
✅ resolved: failed, prod/_replicator/a
  ✅ ~failed · prod/_replicator/a~ · resolved after 1m, 2026-01-02 03:05:00 UTC
  ! ✅ *failed* ` + "`prod/_replicator/a`" + ` · resolved after 1m · 03:05 UTC
🟠 firing: failed, prod/_replicator/a [ack silence_1h silence_resolved]
`,
		},
		{
			"it fires again while another does: the same post", func(w *workspace) {
				w.must(told(0, "new a, new b"))
				w.must(told(1, "resolved a"))
				w.must(told(2, "new a"))
				w.must(told(3, "resolved a, resolved b"))
			}, `
✅ 2 resolved: failed on prod
  ✅ ~failed · prod/_replicator/a~ · resolved after 3m, 2026-01-02 03:07:00 UTC
  ✅ ~failed · prod/_replicator/b~ · resolved after 3m, 2026-01-02 03:07:00 UTC
  | ✅ *failed* ` + "`prod/_replicator/a`" + ` · resolved after 1m · 03:05 UTC
  ! 🟠 *failed* ` + "`prod/_replicator/a`" + ` · firing: a failed · 03:06 UTC
  ! ✅ *all resolved*
  ! ✅ *failed* ` + "`prod/_replicator/a`" + ` · resolved after 3m · 03:07 UTC
  ! ✅ *failed* ` + "`prod/_replicator/b`" + ` · resolved after 3m · 03:07 UTC
`,
		},
		{
			"an event is a post of its own", func(w *workspace) {
				w.must(told(0, "event a"))
				w.must(told(1, "event b"))
			}, `
🟠 event: failed, prod/_replicator/a
🟠 event: failed, prod/_replicator/b
`,
		},
		{
			"old news that was dead and is sent late changes nothing of the post", func(w *workspace) {
				w.must(told(0, "new a, new b"))
				w.must(told(9, "resolved a"))
				w.must(told(5, "severity a"))
			}, `
🟠 1 firing, 1 resolved: failed on prod [ack silence_1h silence_resolved]
  ✅ ~failed · prod/_replicator/a~ · resolved after 9m, 2026-01-02 03:13:00 UTC
  | ✅ *failed* ` + "`prod/_replicator/a`" + ` · resolved after 9m · 03:13 UTC
  | 🔴 *failed* ` + "`prod/_replicator/a`" + ` · is critical now: a failed · 03:09 UTC (told late)
`,
		},
		{
			"many of a kind share a line", func(w *workspace) {
				w.must(told(0, "new a"))
				w.must(told(1, "new b, new c, new d, new e, resolved a"))
			}, `
🟠 4 firing, 1 resolved: failed on prod [ack silence_1h silence_resolved]
  ✅ ~failed · prod/_replicator/a~ · resolved after 1m, 2026-01-02 03:05:00 UTC
  ! 🟠 *4 firing*: ` + "`b`, `c`, `d`, `e`" + ` · 03:05 UTC
  ! ✅ *failed* ` + "`prod/_replicator/a`" + ` · resolved after 1m · 03:05 UTC
`,
		},
		{
			"a post that was deleted is made anew", func(w *workspace) {
				w.must(told(0, "new a"))
				w.Remove(0)
				w.must(told(1, "resolved a"))
				w.must(told(2, "new a"))
			}, `
🟠 firing: failed, prod/_replicator/a [ack silence_1h silence_resolved]
✅ resolved: failed, prod/_replicator/a
  ✅ ~failed · prod/_replicator/a~ · resolved after 1m, 2026-01-02 03:05:00 UTC
🟠 firing: failed, prod/_replicator/a [ack silence_1h silence_resolved]
`,
		},
		{
			"what is resolved, of a group that is not known, is a post", func(w *workspace) {
				w.must(told(1, "resolved a"))
			}, `
✅ resolved: failed, prod/_replicator/a
  ✅ ~failed · prod/_replicator/a~ · resolved after 1m, 2026-01-02 03:05:00 UTC
`,
		},
		{
			"a memory of another channel, or that cannot be read, is none", func(w *workspace) {
				w.must(told(0, "new a"))
				w.memory = []byte(strings.Replace(string(w.memory), "#oncall", "#other", 1))
				w.must(told(1, "new b"))
				w.memory = []byte("{")
				w.must(told(2, "new c"))
			}, `
🟠 firing: failed, prod/_replicator/a [ack silence_1h silence_resolved]
🟠 firing: failed, prod/_replicator/b [ack silence_1h silence_resolved]
🟠 firing: failed, prod/_replicator/c [ack silence_1h silence_resolved]
`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorkspace(t)
			tt.play(w)
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), w.seen()); diff != "" {
				t.Errorf("the channel (-want +got):\n%s", diff)
			}
		})
	}
}

// A delivery that fails midway goes on where it stopped, and calls nobody twice.
func TestWhatSlackAnswersToAChange(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []string // of the calls for the change, attempt by attempt
		calls   string   // of all attempts, "/" between them
	}{
		{"yes", nil, "update reply"},
		{"the post cannot be changed now", []string{"503"}, "update / update reply"},
		{"too many requests", []string{"429"}, "update / update reply"},
		{"an error that passes", []string{"internal_error"}, "update / update reply"},
		{"half an answer", []string{"half"}, "update / update reply"},
		{"the post is gone", []string{"message_not_found"}, "update post"},
		{"it may not be changed", []string{"cant_update_message"}, "update post"},
		{"it is too old", []string{"edit_window_closed"}, "update post"},
		{"an error that nobody knows", []string{"new_in_2027"}, "update post"},
		{"no authority, whatever is said", []string{"403"}, "update post"},
		{"the reply fails: the change is not made again", []string{"", "503"}, "update reply / reply"},
		{"the reply fails twice", []string{"", "503", "ratelimited"}, "update reply / reply / reply"},
		{"there are no threads there", []string{"", "restricted_action_non_threadable_channel"}, "update reply post"},
		{"the new post fails: the old one is not tried again", []string{"message_not_found", "500"}, "update post / post"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorkspace(t)
			w.must(told(0, "new a"))
			w.Calls()
			w.Fail(tt.answers...)
			var attempts []string
			for range 5 {
				err := w.send(told(1, "new b"))
				attempts = append(attempts, strings.Join(w.Calls(), " "))
				if err == nil {
					break
				}
				if _, refused := errors.AsType[*notify.Refused](err); refused {
					t.Errorf("Resume: got %v, want no refusal", err)
				}
			}
			if got := strings.Join(attempts, " / "); got != tt.calls {
				t.Errorf("calls: got %s, want %s", got, tt.calls)
			}
			w.must(told(2, "resolved a"))
			if got := strings.Join(w.Calls(), " "); got != "update reply" {
				t.Errorf("calls for the next change: got %s, want update reply", got)
			}
		})
	}
}

func TestAPostThatIsRefusedIsRefused(t *testing.T) {
	w := newWorkspace(t)
	w.Fail("not_in_channel")
	var refused *notify.Refused
	if err := w.send(told(0, "new a")); !errors.As(err, &refused) || w.memory != nil {
		t.Errorf("Resume: got %v and memory %q, want a refusal and none", err, w.memory)
	}
}

func TestAPostOfWhichSlackSaysNoNameIsNotChanged(t *testing.T) {
	w := newWorkspace(t)
	w.must(told(0, "new a"))
	w.memory = []byte(strings.Replace(string(w.memory), w.Posts()[0].TS, "", 1))
	w.must(told(1, "new b"))
	if got := strings.Join(w.Calls(), " "); got != "post post" {
		t.Errorf("calls: got %s, want two posts", got)
	}
}

func TestATestMessageIsAPostOfItsOwn(t *testing.T) {
	w := newWorkspace(t)
	w.must(told(0, "new a"))
	m := told(1, "new b")
	m.Test = true
	before := string(w.memory)
	w.must(m)
	if got := strings.Join(w.Calls(), " "); got != "post post" || string(w.memory) != before {
		t.Errorf("got calls %s and memory %s, want two posts and %s", got, w.memory, before)
	}
	if got, want := validate(t, w.Posts()[1].Body).Blocks[0].Text.Text, "🟠 test message: firing: failed, prod/_replicator/b"; got != want {
		t.Errorf("headline: got %q, want %q", got, want)
	}
}

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
