package notify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"
	"pgregory.net/rapid"

	"watchdog/alert"
	"watchdog/notify"
)

// stage plays what happens to alerts, and what people hear of it. It looks every minute and
// whenever the plan asks to be woken, and remembers through a store.
type stage struct {
	t        testing.TB
	router   *notify.Router
	memory   *notify.Memory
	disk     map[string][]byte
	standing *notify.Standing
	firing   map[string]alert.Alert
	begin    time.Time
	now      time.Time
	zone     *time.Location // in which it tells the time; nil: as how long it has been going on
	heard    []string
	groups   []string // of the messages
	restarts bool     // forget everything but the store before each step
}

func newStage(t testing.TB, spec notify.Spec) *stage {
	t.Helper()
	r, problems := notify.NewRouter(spec)
	if len(problems) > 0 {
		t.Fatalf("NewRouter: %+v", problems)
	}
	return &stage{
		t: t, router: r, memory: notify.NewMemory(), disk: map[string][]byte{}, firing: map[string]alert.Alert{},
		begin: at.Truncate(time.Hour), now: at.Truncate(time.Hour), standing: &notify.Standing{},
	}
}

// clock is how long the play has been going on, or the time where it has a zone.
func (s *stage) clock() string {
	if s.zone != nil {
		return s.now.In(s.zone).Format(local)
	}
	return s.now.Sub(s.begin).String()
}

func (s *stage) step(transitions ...alert.Transition) {
	s.t.Helper()
	if s.restarts {
		s.memory = notify.NewMemory()
		for key, body := range s.disk {
			if err := s.memory.Restore(key, body); err != nil {
				s.t.Fatalf("Restore: %v", err)
			}
		}
	}
	in := notify.Input{Now: s.now, Transitions: transitions, Standing: s.standing, Firing: func() []alert.Alert {
		var all []alert.Alert
		for _, key := range sortedKeys(s.firing) {
			all = append(all, s.firing[key])
		}
		return all
	}}
	plan := s.router.Step(s.memory, in)
	if again := s.router.Step(s.memory, in); len(again.Messages) != len(plan.Messages) {
		s.t.Errorf("%s: decided again: got %d messages, first %d", s.clock(), len(again.Messages), len(plan.Messages))
	}
	for _, c := range plan.Changes {
		delete(s.disk, c.Key)
		if c.Body != nil {
			s.disk[c.Key] = c.Body
		}
	}
	s.memory.Apply(plan)
	for _, m := range plan.Messages {
		var said []string
		for _, a := range m.Alerts {
			said = append(said, fmt.Sprintf("%s %s", a.DocID, a.Reason))
		}
		s.groups = append(s.groups, m.GroupName())
		s.heard = append(s.heard, fmt.Sprintf("%s %s: %s", s.clock(), m.Sink, strings.Join(said, ", ")))
	}
}

func sortedKeys(m map[string]alert.Alert) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// pass lets time pass to a moment of the play, waking the plan when it asked for it.
func (s *stage) pass(to time.Duration) {
	s.t.Helper()
	end := s.begin.Add(to)
	for wake := s.memory.Wake(); !wake.IsZero() && !wake.After(end); wake = s.memory.Wake() {
		if wake.After(s.now) {
			s.now = wake
		}
		before := s.memory.Wake()
		s.step()
		if s.memory.Wake().Equal(before) && !s.restarts {
			s.t.Fatalf("%s: it asks to be woken at the same moment again", s.clock())
		}
		if s.restarts && !s.memory.Wake().After(s.now) {
			break
		}
	}
	s.now = end
}

func (s *stage) fire(doc string, set ...func(*alert.Transition)) {
	s.t.Helper()
	tr := fires("failed", "prod", doc, set...)
	tr.At, tr.StartsAt = s.now, s.now
	if before, fires := s.firing[tr.Fingerprint]; fires {
		tr.StartsAt = before.StartsAt
	}
	s.firing[tr.Fingerprint] = tr.Alert
	s.step(tr)
}

func (s *stage) resolve(doc string, set ...func(*alert.Transition)) {
	s.t.Helper()
	tr := fires("failed", "prod", doc, set...)
	tr.Status, tr.Reason, tr.At = alert.StatusResolved, alert.ReasonResolved, s.now
	delete(s.firing, tr.Fingerprint)
	s.step(tr)
}

func (s *stage) silence(id string, from, to time.Duration, match map[string][]string) {
	s.t.Helper()
	next := *s.standing
	next.Silences = append(slices.Clone(next.Silences), notify.Silence{ID: id, Match: match, StartsAt: s.begin.Add(from), EndsAt: s.begin.Add(to), CreatedBy: "ada"})
	s.standing = &next
	s.step()
}

func unreachable(tr *alert.Transition) {
	tr.Rule, tr.Database, tr.DocID, tr.Severity = "server-unreachable", "", "", alert.Critical
}

// hourly is a window that begins at minute 30 of each hour.
func hourly(t testing.TB) cron.Schedule {
	t.Helper()
	s, err := cron.ParseStandard("30 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPlan(t *testing.T) {
	const m = time.Minute
	oncall := notify.RouteSpec{To: []string{"oncall"}}
	with := func(r notify.RouteSpec, set func(*notify.RouteSpec)) []notify.RouteSpec {
		set(&r)
		return []notify.RouteSpec{r}
	}
	tests := []struct {
		name string
		spec notify.Spec
		play func(*stage)
		want []string
	}{
		{
			"told when it fires and when it resolves",
			notify.Spec{Routes: []notify.RouteSpec{oncall}},
			func(s *stage) { s.fire("a"); s.pass(5 * m); s.resolve("a"); s.pass(60 * m) },
			[]string{"0s oncall: a new", "5m0s oncall: a resolved"},
		},
		{
			"a group waits for more",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) { r.GroupWait = 2 * m })},
			func(s *stage) {
				s.fire("a")
				s.pass(1 * m)
				s.fire("b")
				s.pass(5 * m)
				s.fire("c")
				s.pass(60 * m)
			},
			[]string{"2m0s oncall: a new, b new", "7m0s oncall: c new"},
		},
		{
			"what fires and resolves while its group waits is told, both of it",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) { r.GroupWait = 2 * m })},
			func(s *stage) { s.fire("a"); s.pass(1 * m); s.resolve("a"); s.pass(60 * m) },
			[]string{"2m0s oncall: a new, a resolved"},
		},
		{
			"reminders while it fires",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) { r.RepeatInterval = 10 * m })},
			func(s *stage) { s.fire("a"); s.pass(25 * m); s.resolve("a"); s.pass(60 * m) },
			[]string{"0s oncall: a new", "10m0s oncall: a repeat", "20m0s oncall: a repeat", "25m0s oncall: a resolved"},
		},
		{
			"reminders that grow rarer",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) { r.RepeatInterval, r.ReminderBackoff = 10*m, 2 })},
			func(s *stage) { s.fire("a"); s.pass(80 * m) },
			[]string{"0s oncall: a new", "10m0s oncall: a repeat", "30m0s oncall: a repeat", "1h10m0s oncall: a repeat"},
		},
		{
			"no reminders while the server cannot be read",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) { r.RepeatInterval = 10 * m })},
			func(s *stage) {
				s.fire("a")
				s.pass(5 * m)
				s.fire("", unreachable)
				s.pass(14 * m)
				s.resolve("", unreachable)
				s.pass(25 * m)
			},
			[]string{
				"0s oncall: a new", "5m0s oncall:  new", "14m0s oncall:  resolved", "14m0s oncall: a repeat", "24m0s oncall: a repeat",
			},
		},
		{
			"a rise in severity is told, a fall is not",
			notify.Spec{Routes: []notify.RouteSpec{oncall}},
			func(s *stage) {
				s.fire("a")
				s.pass(1 * m)
				s.fire("a", critical)
				s.pass(2 * m)
				s.fire("a")
				s.pass(3 * m)
				s.resolve("a")
			},
			[]string{"0s oncall: a new", "1m0s oncall: a severity", "3m0s oncall: a resolved"},
		},
		{
			"a silence mutes, and what still fires when it ends is told",
			notify.Spec{Routes: []notify.RouteSpec{oncall}},
			func(s *stage) {
				s.silence("s1", 0, 30*m, map[string][]string{"doc_id": {"a"}})
				s.fire("a")
				s.fire("b")
				s.pass(60 * m)
				s.resolve("a")
			},
			[]string{"0s oncall: b new", "30m0s oncall: a unmuted", "1h0m0s oncall: a resolved"},
		},
		{
			"what fired and resolved in silence is not told",
			notify.Spec{Routes: []notify.RouteSpec{oncall}},
			func(s *stage) {
				s.silence("s1", 0, 30*m, map[string][]string{"doc_id": {"a"}})
				s.fire("a")
				s.pass(10 * m)
				s.resolve("a")
				s.pass(60 * m)
			},
			nil,
		},
		{
			"a resolve of what was told is told, in silence too",
			notify.Spec{Routes: []notify.RouteSpec{oncall}},
			func(s *stage) {
				s.fire("a")
				s.silence("s1", 0, 30*m, map[string][]string{"doc_id": {"a"}})
				s.pass(10 * m)
				s.resolve("a")
			},
			[]string{"0s oncall: a new", "10m0s oncall: a resolved"},
		},
		{
			"a silence of the future begins in time",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) { r.RepeatInterval = 10 * m })},
			func(s *stage) {
				s.fire("a")
				s.silence("s1", 15*m, 35*m, map[string][]string{"doc_id": {"a"}})
				s.pass(45 * m)
			},
			[]string{"0s oncall: a new", "10m0s oncall: a repeat", "35m0s oncall: a repeat", "45m0s oncall: a repeat"},
		},
		{
			"a silence that is taken away early",
			notify.Spec{Routes: []notify.RouteSpec{oncall}},
			func(s *stage) {
				s.silence("s1", 0, 30*m, map[string][]string{"doc_id": {"a"}})
				s.fire("a")
				s.pass(10 * m)
				s.standing = &notify.Standing{}
				s.step()
			},
			[]string{"10m0s oncall: a unmuted"},
		},
		{
			"a silence without matchers mutes nothing",
			notify.Spec{Routes: []notify.RouteSpec{oncall}},
			func(s *stage) { s.silence("s1", 0, 30*m, nil); s.fire("a") },
			[]string{"0s oncall: a new"},
		},
		{
			"a window mutes its route, and what still fires when it ends is told",
			notify.Spec{
				Routes:  with(oncall, func(r *notify.RouteSpec) { r.Mute = []string{"backup"} }),
				Windows: []notify.Window{{Name: "backup", Start: hourly(t), Duration: 15 * m}},
			},
			func(s *stage) { s.fire("a"); s.pass(35 * m); s.fire("b"); s.pass(60 * m) },
			[]string{"0s oncall: a new", "45m0s oncall: b unmuted"},
		},
		{
			"one alert mutes what it explains",
			notify.Spec{Routes: []notify.RouteSpec{oncall}, Inhibit: []notify.InhibitSpec{{
				Source: map[string][]string{"rule": {"server-unreachable"}}, Target: map[string][]string{"severity": {"warning"}}, Equal: []string{"server"},
			}}},
			func(s *stage) {
				s.fire("", unreachable)
				s.fire("a")
				s.fire("b", critical)
				s.pass(5 * m)
				s.resolve("", unreachable)
			},
			[]string{"0s oncall:  new", "0s oncall: b new", "5m0s oncall:  resolved", "5m0s oncall: a unmuted"},
		},
		{
			"nobody answers: it is escalated in steps, and everybody hears that it is over",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) {
				r.Escalate = []notify.EscalateSpec{{After: 30 * m, To: []string{"boss"}}, {After: 15 * m, To: []string{"second"}}}
			})},
			func(s *stage) { s.fire("a"); s.pass(40 * m); s.resolve("a"); s.pass(90 * m) },
			[]string{
				"0s oncall: a new", "15m0s second: a escalated", "30m0s boss: a escalated",
				"40m0s boss: a resolved", "40m0s oncall: a resolved", "40m0s second: a resolved",
			},
		},
		{
			"each of the routes that take an alert escalates it by its own steps",
			notify.Spec{Routes: []notify.RouteSpec{
				{To: []string{"oncall"}, Continue: true, Escalate: []notify.EscalateSpec{{After: 5 * m, To: []string{"second"}}}},
				{To: []string{"hook"}, Escalate: []notify.EscalateSpec{{After: 15 * m, To: []string{"boss"}}}},
			}},
			func(s *stage) { s.fire("a"); s.pass(20 * m) },
			[]string{"0s oncall: a new", "0s hook: a new", "5m0s second: a escalated", "15m0s boss: a escalated"},
		},
		{
			"in its window a route escalates as little as it tells",
			notify.Spec{
				Routes: with(oncall, func(r *notify.RouteSpec) {
					r.Mute, r.Escalate = []string{"backup"}, []notify.EscalateSpec{{After: 5 * m, To: []string{"boss"}}}
				}),
				Windows: []notify.Window{{Name: "backup", Start: hourly(t), Duration: 45 * m}},
			},
			func(s *stage) { s.fire("a"); s.pass(60 * m) },
			[]string{"15m0s oncall: a unmuted", "20m0s boss: a escalated"},
		},
		{
			"who is told after a long silence has as long as anybody before the next is called in",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) {
				r.Escalate = []notify.EscalateSpec{{After: 15 * m, To: []string{"boss"}}}
			})},
			func(s *stage) {
				s.silence("s1", 0, 120*m, map[string][]string{"doc_id": {"a"}})
				s.fire("a")
				s.pass(180 * m)
			},
			[]string{"2h0m0s oncall: a unmuted", "2h15m0s boss: a escalated"},
		},
		{
			"who was called in hears that it got worse, and a mute holds that back",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) {
				r.Escalate = []notify.EscalateSpec{{After: 15 * m, To: []string{"boss"}}}
			})},
			func(s *stage) {
				s.fire("a")
				s.pass(20 * m)
				s.silence("s1", 20*m, 30*m, map[string][]string{"doc_id": {"a"}})
				s.fire("a", critical)
				s.pass(40 * m)
			},
			[]string{"0s oncall: a new", "15m0s boss: a escalated", "30m0s oncall: a severity", "30m0s boss: a severity"},
		},
		{
			"who was told by a route that takes it no more hears that it got worse, and that it is over",
			notify.Spec{Routes: []notify.RouteSpec{
				{Match: map[string][]string{"severity": {"critical"}}, To: []string{"pager"}}, oncall,
			}},
			func(s *stage) { s.fire("a"); s.pass(1 * m); s.fire("a", critical); s.pass(2 * m); s.resolve("a") },
			[]string{"0s oncall: a new", "1m0s pager: a new", "1m0s oncall: a severity", "2m0s oncall: a resolved", "2m0s pager: a resolved"},
		},
		{
			"an acknowledged alert neither reminds nor escalates; its resolve is told, and the acknowledgement ends with it",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) {
				r.RepeatInterval, r.Escalate = 10*m, []notify.EscalateSpec{{After: 15 * m, To: []string{"boss"}}}
			})},
			func(s *stage) {
				s.fire("a")
				s.pass(5 * m)
				s.ack(notify.Ack{By: "ada"})
				s.pass(40 * m)
				s.resolve("a")
				s.pass(50 * m)
				s.fire("a")
				s.pass(61 * m)
			},
			[]string{"0s oncall: a new", "40m0s oncall: a resolved", "50m0s oncall: a new", "1h0m0s oncall: a repeat"},
		},
		{
			"a sink that follows what people say hears who has an alert, no other does",
			notify.Spec{Routes: []notify.RouteSpec{{To: []string{"hook", "oncall"}}}, Followers: []string{"oncall", "oncall"}},
			func(s *stage) {
				s.fire("a")
				s.pass(5 * m)
				s.ack(notify.Ack{By: "ada"})
				s.step()
				s.pass(40 * m)
				s.resolve("a")
			},
			[]string{"0s hook: a new", "0s oncall: a new", "5m0s oncall: a acknowledged", "40m0s hook: a resolved", "40m0s oncall: a resolved"},
		},
		{
			"it hears of a silence, of its end, and nothing of one of what it does not know",
			notify.Spec{Routes: []notify.RouteSpec{oncall}, Followers: []string{"oncall"}},
			func(s *stage) {
				s.fire("a")
				s.pass(5 * m)
				s.silence("s1", 5*m, 30*m, map[string][]string{"doc_id": {"*"}})
				s.fire("b")
				s.silence("s2", 5*m, 20*m, map[string][]string{"doc_id": {"a"}})
				s.pass(60 * m)
			},
			[]string{"0s oncall: a new", "5m0s oncall: a silenced", "30m0s oncall: a released, b unmuted"},
		},
		{
			"it hears at once, also where a group waits for more",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) { r.GroupWait = 2 * m }), Followers: []string{"oncall"}},
			func(s *stage) { s.fire("a"); s.pass(5 * m); s.ack(notify.Ack{By: "ada"}); s.pass(6 * m) },
			[]string{"2m0s oncall: a new", "5m0s oncall: a acknowledged"},
		},
		{
			"who was called in follows too",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) {
				r.Escalate = []notify.EscalateSpec{{After: 15 * m, To: []string{"boss"}}}
			}), Followers: []string{"boss"}},
			func(s *stage) { s.fire("a"); s.pass(20 * m); s.ack(notify.Ack{By: "ada"}); s.pass(60 * m) },
			[]string{"0s oncall: a new", "15m0s boss: a escalated", "20m0s boss: a acknowledged"},
		},
		{
			"an alert that is silenced until it resolves is quiet till then, and its next life is not",
			notify.Spec{Routes: with(oncall, func(r *notify.RouteSpec) { r.RepeatInterval = 10 * m })},
			func(s *stage) {
				s.fire("a")
				s.pass(5 * m)
				s.ack(notify.Ack{By: "ada", Mute: true})
				s.fire("a", critical)
				s.pass(60 * m)
				s.resolve("a")
				s.pass(70 * m)
				s.fire("a")
			},
			[]string{"0s oncall: a new", "1h0m0s oncall: a resolved", "1h10m0s oncall: a new"},
		},
		{
			"a sink that joins hears of what fires",
			notify.Spec{Routes: []notify.RouteSpec{oncall}},
			func(s *stage) {
				s.fire("a")
				s.router, _ = notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall", "hook"}}}})
				s.pass(1 * m)
				s.step()
			},
			[]string{"0s oncall: a new", "1m0s hook: a new"},
		},
	}
	for _, restarts := range []bool{false, true} {
		for _, tt := range tests {
			name := tt.name
			if restarts {
				name += ", through restarts"
			}
			t.Run(name, func(t *testing.T) {
				s := newStage(t, tt.spec)
				s.restarts = restarts
				tt.play(s)
				if diff := cmp.Diff(tt.want, s.heard); diff != "" {
					t.Errorf("heard (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A message in another group would begin another post, and leave the one before as if it fired still.
func TestWhatBeganInAGroupEndsInIt(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		s := newStage(t, notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall"}, GroupBy: []string{"severity", "state"}}}})
		s.restarts = restarts
		s.fire("a")
		s.fire("a", critical)
		s.router, _ = notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall"}}}})
		s.resolve("a", func(t *alert.Transition) { t.State = "completed" })
		s.fire("a")
		want := []string{
			"severity=warning, state=failed", "severity=warning, state=failed", "severity=warning, state=failed", "failed on prod",
		}
		if diff := cmp.Diff(want, s.groups); diff != "" {
			t.Errorf("groups of firing, severity, resolved and firing anew, restarts %t (-want +got):\n%s", restarts, diff)
		}
	}
}

func (s *stage) ack(ack notify.Ack) {
	s.t.Helper()
	next := *s.standing
	a := s.firing[fires("failed", "prod", "a").Fingerprint]
	ack.At, ack.StartsAt = s.now, a.StartsAt
	next.Acks = map[string]notify.Ack{a.Fingerprint: ack}
	s.standing = &next
	s.step()
}

// Whatever happens, and however often the daemon is restarted: each sink hears firing and
// resolved of an alert in turns, and nothing of what was muted for its whole life.
func TestPlanNeverTellsTwiceAndNeverForgets(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const m = time.Minute
		spec := notify.Spec{
			Routes: []notify.RouteSpec{
				{
					Match: map[string][]string{"doc_id": {"a", "b"}}, To: []string{"oncall"}, Continue: rapid.Bool().Draw(rt, "continue"),
					GroupWait: time.Duration(rapid.IntRange(0, 3).Draw(rt, "wait")) * m, Mute: []string{"backup"},
				},
				{To: []string{"hook"}, RepeatInterval: 7 * m, Escalate: []notify.EscalateSpec{{After: 5 * m, To: []string{"boss"}}}},
			},
			Windows: []notify.Window{{Name: "backup", Start: hourly(t), Duration: 10 * m}},
		}
		s := newStage(t, spec)
		s.restarts = rapid.Bool().Draw(rt, "restarts")
		fired := map[string]bool{}
		minute := 0
		for range rapid.IntRange(1, 30).Draw(rt, "acts") {
			minute += rapid.IntRange(0, 6).Draw(rt, "minutes")
			s.pass(time.Duration(minute) * m)
			doc := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "doc")
			switch act := rapid.IntRange(0, 5).Draw(rt, "act"); {
			case act == 0:
				s.silence(fmt.Sprint("s", minute), time.Duration(minute)*m, time.Duration(minute+5)*m, map[string][]string{"doc_id": {doc}})
			case fired[doc]:
				s.resolve(doc)
				fired[doc] = false
			default:
				s.fire(doc)
				fired[doc] = true
			}
		}
		s.pass(time.Duration(minute+600) * m) // every wait, window and silence is over
		open := map[string]bool{}
		for _, line := range s.heard {
			where, what, _ := strings.Cut(line, ": ")
			sink := strings.Fields(where)[1]
			for _, said := range strings.Split(what, ", ") {
				doc, reason, _ := strings.Cut(said, " ")
				key := sink + " " + doc
				switch reason {
				case "resolved":
					if !open[key] {
						rt.Fatalf("%s: resolved without having fired\n%s", key, strings.Join(s.heard, "\n"))
					}
					open[key] = false
				case "new", "unmuted", "escalated":
					if open[key] {
						rt.Fatalf("%s: told twice that it fires\n%s", key, strings.Join(s.heard, "\n"))
					}
					open[key] = true
				}
			}
		}
		for doc, fires := range fired {
			for _, sink := range []string{"oncall", "hook"} {
				takes := sink == "hook" && (doc == "c" || spec.Routes[0].Continue) || sink == "oncall" && doc != "c"
				if takes && open[sink+" "+doc] != fires {
					rt.Fatalf("%s of %s: it fires is %v, and the sink believes %v\n%s", doc, sink, fires, !fires, strings.Join(s.heard, "\n"))
				}
			}
		}
	})
}
