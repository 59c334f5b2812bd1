package notify_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"

	"watchdog/notify"
)

// local is how films tell the time where clocks change.
const local = "2 Jan 15:04 MST"

// set sets the clock; a check looks then. How long the play has been going on stays as it was.
func (s *stage) set(by time.Duration) {
	s.t.Helper()
	s.begin, s.now = s.begin.Add(by), s.now.Add(by)
	s.step()
}

func TestAClockThatIsSet(t *testing.T) {
	const m, hour = time.Minute, time.Hour
	route := func(set func(*notify.RouteSpec)) notify.Spec {
		r := notify.RouteSpec{To: []string{"oncall"}}
		set(&r)
		return notify.Spec{Routes: []notify.RouteSpec{r}}
	}
	repeats := route(func(r *notify.RouteSpec) { r.RepeatInterval = 10 * m })
	rarer := route(func(r *notify.RouteSpec) { r.RepeatInterval, r.ReminderBackoff = 10*m, 2 })
	waits := route(func(r *notify.RouteSpec) { r.GroupWait = 2 * m })
	escalates := route(func(r *notify.RouteSpec) {
		r.Escalate = []notify.EscalateSpec{{After: 15 * m, To: []string{"second"}}, {After: 30 * m, To: []string{"boss"}}}
	})
	both := route(func(r *notify.RouteSpec) {
		r.RepeatInterval, r.Escalate = 10*m, []notify.EscalateSpec{{After: 15 * m, To: []string{"boss"}}}
	})
	muted := route(func(r *notify.RouteSpec) { r.Mute = []string{"backup"} })
	muted.Windows = []notify.Window{{Name: "backup", Start: hourly(t), Duration: 15 * m}}
	tests := []struct {
		name string
		spec notify.Spec
		play func(*stage)
		want []string
	}{
		{
			"back an hour: a reminder is one interval away, not an hour more", repeats,
			func(s *stage) { s.fire("a"); s.pass(5 * m); s.set(-hour); s.pass(30 * m) },
			[]string{"0s oncall: a new", "15m0s oncall: a repeat", "25m0s oncall: a repeat"},
		},
		{
			"back an hour: reminders go on growing rarer", rarer,
			func(s *stage) { s.fire("a"); s.pass(15 * m); s.set(-hour); s.pass(80 * m) },
			[]string{"0s oncall: a new", "10m0s oncall: a repeat", "35m0s oncall: a repeat", "1h15m0s oncall: a repeat"},
		},
		{
			"back an hour: a group waits its own time anew", waits,
			func(s *stage) {
				s.fire("a")
				s.pass(1 * m)
				s.set(-hour)
				s.pass(2 * m)
				s.fire("b")
				s.pass(60 * m)
			},
			[]string{"3m0s oncall: a new, b new"},
		},
		{
			"back an hour: an escalation is its own time away", escalates,
			func(s *stage) { s.fire("a"); s.pass(5 * m); s.set(-hour); s.pass(60 * m) },
			[]string{"0s oncall: a new", "20m0s second: a escalated", "35m0s boss: a escalated"},
		},
		{
			"back an hour: who had an alert before has it still", both,
			func(s *stage) {
				s.fire("a")
				s.pass(5 * m)
				s.ack(notify.Ack{By: "ada"})
				s.set(-hour)
				s.pass(90 * m)
			},
			[]string{"0s oncall: a new"},
		},
		{
			"back an hour: what began in the hour to come can be acknowledged, and its next life is another", both,
			func(s *stage) {
				s.fire("a")
				s.pass(5 * m)
				s.set(-hour)
				s.ack(notify.Ack{By: "ada", Mute: true})
				s.pass(40 * m)
				s.resolve("a")
				s.fire("a")
				s.pass(50 * m)
			},
			[]string{"0s oncall: a new", "40m0s oncall: a resolved", "40m0s oncall: a new", "50m0s oncall: a repeat"},
		},
		{
			"back an hour: a silence ends when the clock says so", repeats,
			func(s *stage) {
				s.silence("s1", 0, 30*m, map[string][]string{"doc_id": {"a"}})
				s.fire("a")
				s.pass(10 * m)
				s.set(-hour) // it begins in an hour
				s.pass(70 * m)
				s.fire("a")
				s.pass(100 * m)
			},
			[]string{
				"10m0s oncall: a unmuted", "20m0s oncall: a repeat", "30m0s oncall: a repeat", "40m0s oncall: a repeat",
				"50m0s oncall: a repeat", "1h30m0s oncall: a repeat", "1h40m0s oncall: a repeat",
			},
		},
		{
			"back an hour: a window is open when the clock says so", muted,
			func(s *stage) {
				s.fire("a")
				s.pass(35 * m)
				s.fire("b")
				s.set(-20 * m) // before it opens
				s.pass(55 * m) // at minute 35 again
				s.fire("c")
				s.pass(90 * m)
			},
			[]string{"0s oncall: a new", "35m0s oncall: b unmuted", "1h5m0s oncall: c unmuted"},
		},
		{
			"forward an hour: one reminder, not one for each that was passed over", repeats,
			func(s *stage) { s.fire("a"); s.pass(5 * m); s.set(hour); s.pass(30 * m) },
			[]string{"0s oncall: a new", "5m0s oncall: a repeat", "15m0s oncall: a repeat", "25m0s oncall: a repeat"},
		},
		{
			"forward an hour: a group goes out, the next one waits its time", waits,
			func(s *stage) { s.fire("a"); s.pass(1 * m); s.set(hour); s.fire("b"); s.pass(60 * m) },
			[]string{"1m0s oncall: a new", "3m0s oncall: b new"},
		},
		{
			"forward an hour: each step of an escalation once", escalates,
			func(s *stage) { s.fire("a"); s.pass(5 * m); s.set(hour); s.pass(60 * m) },
			[]string{"0s oncall: a new", "5m0s second: a escalated", "5m0s boss: a escalated"},
		},
		{
			"a look that took its time is no clock that was set", repeats,
			func(s *stage) {
				s.fire("a")
				s.pass(5 * m)
				s.fire("b")
				s.now = s.now.Add(-30 * time.Second)
				s.step()
				s.pass(16 * m)
			},
			[]string{"0s oncall: a new", "5m0s oncall: b new", "10m0s oncall: a repeat", "15m0s oncall: b repeat"},
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

// in is a cron schedule in a time zone, as the config makes one.
func in(t testing.TB, zone, schedule string) (cron.Schedule, *time.Location) {
	t.Helper()
	s, err := cron.ParseStandard("CRON_TZ=" + zone + " " + schedule)
	if err != nil {
		t.Fatal(err)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return s, location
}

func TestWindowsOnDaysThatAreNotLikeOthers(t *testing.T) {
	tests := []struct {
		name, zone, start string
		duration          time.Duration
		from              string // a local date
		days              int
		want              []string
	}{
		{
			"spring, a window over the change lasts its real time", "Europe/Berlin", "0 1 * * *", 3 * time.Hour, "2026-03-28", 3,
			[]string{
				"2026 28 Mar 01:00 CET to 28 Mar 04:00 CET",
				"2026 29 Mar 01:00 CET to 29 Mar 05:00 CEST",
				"2026 30 Mar 01:00 CEST to 30 Mar 04:00 CEST",
			},
		},
		{
			"spring, a start that the change skips opens no window that day", "Europe/Berlin", "30 2 * * *", time.Hour, "2026-03-28", 3,
			[]string{
				"2026 28 Mar 02:30 CET to 28 Mar 03:30 CET",
				"2026 30 Mar 02:30 CEST to 30 Mar 03:30 CEST",
			},
		},
		{
			"autumn, a window over the change lasts its real time", "Europe/Berlin", "0 1 * * *", 3 * time.Hour, "2026-10-24", 3,
			[]string{
				"2026 24 Oct 01:00 CEST to 24 Oct 04:00 CEST",
				"2026 25 Oct 01:00 CEST to 25 Oct 03:00 CET",
				"2026 26 Oct 01:00 CET to 26 Oct 04:00 CET",
			},
		},
		{
			"autumn, a start that comes twice opens two windows", "Europe/Berlin", "30 2 * * *", 20 * time.Minute, "2026-10-24", 3,
			[]string{
				"2026 24 Oct 02:30 CEST to 24 Oct 02:50 CEST",
				"2026 25 Oct 02:30 CEST to 25 Oct 02:50 CEST",
				"2026 25 Oct 02:30 CET to 25 Oct 02:50 CET",
				"2026 26 Oct 02:30 CET to 26 Oct 02:50 CET",
			},
		},
		{
			"spring in the south is in October", "Australia/Sydney", "0 1 * * *", 3 * time.Hour, "2026-10-03", 3,
			[]string{
				"2026 3 Oct 01:00 AEST to 3 Oct 04:00 AEST",
				"2026 4 Oct 01:00 AEST to 4 Oct 05:00 AEDT",
				"2026 5 Oct 01:00 AEDT to 5 Oct 04:00 AEDT",
			},
		},
		{
			"autumn in the south is in April", "Australia/Sydney", "30 2 * * *", 20 * time.Minute, "2026-04-04", 3,
			[]string{
				"2026 4 Apr 02:30 AEDT to 4 Apr 02:50 AEDT",
				"2026 5 Apr 02:30 AEDT to 5 Apr 02:50 AEDT",
				"2026 5 Apr 02:30 AEST to 5 Apr 02:50 AEST",
				"2026 6 Apr 02:30 AEST to 6 Apr 02:50 AEST",
			},
		},
		{
			"a clock that goes forward by half an hour", "Australia/Lord_Howe", "0 1 * * *", 2 * time.Hour, "2026-10-03", 3,
			[]string{
				"2026 3 Oct 01:00 +1030 to 3 Oct 03:00 +1030",
				"2026 4 Oct 01:00 +1030 to 4 Oct 03:30 +11",
				"2026 5 Oct 01:00 +11 to 5 Oct 03:00 +11",
			},
		},
		{
			"29 February comes every four years", "Europe/Berlin", "0 0 29 2 *", 24 * time.Hour, "2027-01-01", 366 * 6,
			[]string{
				"2028 29 Feb 00:00 CET to 1 Mar 00:00 CET",
				"2032 29 Feb 00:00 CET to 1 Mar 00:00 CET",
			},
		},
		{
			"the last night of February of a leap year and of another", "UTC", "0 22 28 2 *", 4 * time.Hour, "2027-01-01", 366 * 2,
			[]string{
				"2027 28 Feb 22:00 UTC to 1 Mar 02:00 UTC",
				"2028 28 Feb 22:00 UTC to 29 Feb 02:00 UTC",
			},
		},
		{
			"a day that most months have: a month without it has no window", "Europe/Berlin", "0 0 30 * *", time.Hour, "2028-01-01", 120,
			[]string{
				"2028 30 Jan 00:00 CET to 30 Jan 01:00 CET",
				"2028 30 Mar 00:00 CEST to 30 Mar 01:00 CEST",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			schedule, zone := in(t, tt.zone, tt.start)
			router, problems := notify.NewRouter(notify.Spec{Windows: []notify.Window{{Name: "w", Start: schedule, Duration: tt.duration}}})
			if len(problems) > 0 {
				t.Fatalf("NewRouter: %+v", problems)
			}
			now, err := time.ParseInLocation(time.DateOnly, tt.from, zone)
			if err != nil {
				t.Fatal(err)
			}
			var film []string
			for end := now.AddDate(0, 0, tt.days); now.Before(end); {
				state := router.Windows(now)[0]
				if state.Open {
					film = append(film, fmt.Sprintf("%s to %s", now.In(zone).Format("2006 "+local), state.Changes.In(zone).Format(local)))
				}
				now = state.Changes
			}
			if diff := cmp.Diff(tt.want, film); diff != "" {
				t.Errorf("open (-want +got):\n%s", diff)
			}
		})
	}
}

// Intervals are real time; only what cron says goes by the clock on the wall.
func TestPlanOverAChangeOfTheClocks(t *testing.T) {
	const hour = time.Hour
	backup, berlin := in(t, "Europe/Berlin", "0 1 * * *")
	spec := notify.Spec{
		Routes: []notify.RouteSpec{
			{Match: map[string][]string{"doc_id": {"a"}}, To: []string{"oncall"}, RepeatInterval: 2 * hour, ReminderBackoff: 2, Escalate: []notify.EscalateSpec{{After: 4 * hour, To: []string{"boss"}}}},
			{To: []string{"hook"}, Mute: []string{"backup"}},
		},
		Windows: []notify.Window{{Name: "backup", Start: backup, Duration: 3 * hour}},
	}
	for _, tt := range []struct {
		name  string
		begin time.Time
		want  []string
	}{
		{"spring", time.Date(2026, 3, 29, 0, 30, 0, 0, berlin), []string{
			"29 Mar 00:30 CET oncall: a new",
			"29 Mar 03:30 CEST oncall: a repeat",
			"29 Mar 05:00 CEST hook: b unmuted",
			"29 Mar 05:30 CEST boss: a escalated",
			"29 Mar 09:30 CEST oncall: a repeat",
		}},
		{"autumn", time.Date(2026, 10, 25, 0, 30, 0, 0, berlin), []string{
			"25 Oct 00:30 CEST oncall: a new",
			"25 Oct 02:30 CEST oncall: a repeat",
			"25 Oct 03:00 CET hook: b unmuted",
			"25 Oct 03:30 CET boss: a escalated",
			"25 Oct 07:30 CET oncall: a repeat",
		}},
		{"leap day", time.Date(2028, 2, 28, 23, 0, 0, 0, berlin), []string{
			"28 Feb 23:00 CET oncall: a new",
			"29 Feb 00:00 CET hook: b new",
			"29 Feb 01:00 CET oncall: a repeat",
			"29 Feb 03:00 CET boss: a escalated",
			"29 Feb 07:00 CET oncall: a repeat",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t, spec)
			s.begin, s.now, s.zone = tt.begin, tt.begin, berlin
			s.fire("a")
			s.pass(hour)
			s.fire("b")
			s.silence("s1", 5*hour, 8*hour, map[string][]string{"doc_id": {"a"}})
			s.pass(15 * hour)
			if diff := cmp.Diff(tt.want, s.heard); diff != "" {
				t.Errorf("heard (-want +got):\n%s", diff)
			}
		})
	}
}
