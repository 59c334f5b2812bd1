package slack_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/notify"
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
