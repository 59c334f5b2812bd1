//go:build linux

package chaos_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/internal/chaos"
)

// at is a moment of a run, in seconds.
func at(seconds float64) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

// say is a message under an id, told half a second after the snapshot of its last alert.
func say(id string, alerts ...alert.Transition) chaos.Telling {
	return chaos.Telling{At: alerts[len(alerts)-1].At.Add(500 * time.Millisecond), ID: id, Alerts: alerts}
}

func fires(from float64) alert.Transition {
	return alert.Transition{Reason: alert.ReasonNew, At: at(from), Alert: alert.Alert{
		Status: alert.StatusFiring, Rule: "failed", Fingerprint: "f", DocID: "orders", Error: "broken-1.", StartsAt: at(from),
	}}
}

func resolves(from, to float64) alert.Transition {
	t, end := fires(from), at(to)
	t.Reason, t.At, t.Status, t.EndsAt = alert.ReasonResolved, at(to), alert.StatusResolved, &end
	return t
}

func with(t alert.Transition, change func(*alert.Transition)) alert.Transition {
	change(&t)
	return t
}

// broken is trouble of orders, from 10 s to 20 s, which was awaited.
func broken() chaos.Trouble {
	return chaos.Trouble{Rule: "failed", Doc: "orders", Error: "broken-1.", Began: at(10), Over: at(20), Awaited: true}
}

func TestJudge(t *testing.T) {
	unreachable := func(from float64) alert.Transition {
		return with(fires(from), func(t *alert.Transition) { t.Rule, t.Fingerprint, t.DocID = "server-unreachable", "u", "" })
	}
	recovered := func(from, to float64) alert.Transition {
		return with(resolves(from, to), func(t *alert.Transition) { t.Rule, t.Fingerprint, t.DocID = "server-unreachable", "u", "" })
	}
	deleted := with(resolves(11, 21), func(t *alert.Transition) { t.Reason = alert.ReasonDeleted })
	other := with(fires(11), func(t *alert.Transition) { t.Error = "broken-2." })

	for _, tt := range []struct {
		name    string
		told    []chaos.Telling
		truth   []chaos.Trouble
		outages []chaos.Outage
		want    string // the checks that find something
	}{
		{"nothing happened, and nothing was told", nil, nil, nil, ""},
		{"trouble and its end are told", []chaos.Telling{say("1", fires(11)), say("2", resolves(11, 21))}, []chaos.Trouble{broken()}, nil, ""},
		{
			"a repeat bears the same id",
			[]chaos.Telling{say("1", fires(11)), say("1", fires(11)), say("2", resolves(11, 21)), say("1", fires(11))},
			[]chaos.Trouble{broken()},
			nil, "",
		},
		{"both in one digest", []chaos.Telling{say("1", fires(11), resolves(11, 21))}, []chaos.Trouble{broken()}, nil, ""},
		{"trouble that nobody was told of", nil, []chaos.Trouble{broken()}, nil, chaos.Lost},
		{
			"trouble that came and went need not be seen", nil,
			[]chaos.Trouble{{Rule: "failed", Doc: "orders", Error: "broken-1.", Began: at(10), Over: at(11)}},
			nil, "",
		},
		{"an end that nobody was told of", []chaos.Telling{say("1", fires(11))}, []chaos.Trouble{broken()}, nil, chaos.Lost},
		{
			"a transition in two messages",
			[]chaos.Telling{say("1", fires(11)), say("2", resolves(11, 21)), say("3", resolves(11, 21))},
			[]chaos.Trouble{broken()},
			nil, chaos.OutOfOrder + ", " + chaos.TwoIDs,
		},
		{
			"one id with two contents",
			[]chaos.Telling{say("1", fires(11)), say("1", resolves(11, 21)), say("2", resolves(11, 21))},
			[]chaos.Trouble{broken()},
			nil, chaos.TwoIDs,
		},
		{
			"an alert about what never was",
			[]chaos.Telling{say("1", other), say("2", resolves(11, 21))},
			nil, nil, chaos.FalseAlert,
		},
		{
			"an alert before the trouble",
			[]chaos.Telling{say("1", fires(9)), say("2", resolves(9, 21))},
			[]chaos.Trouble{broken()},
			nil, chaos.FalseAlert,
		},
		{
			"an alert long after the trouble",
			[]chaos.Telling{say("1", fires(30)), say("2", resolves(30, 31))},
			[]chaos.Trouble{broken()},
			nil, chaos.FalseAlert,
		},
		{
			"an end while the trouble lasts",
			[]chaos.Telling{say("1", fires(11)), say("2", resolves(11, 15))},
			[]chaos.Trouble{broken()},
			nil, chaos.FalseResolve,
		},
		{
			"an end that was decided while the trouble lasted, and told late",
			[]chaos.Telling{say("1", fires(11)), {At: at(40), ID: "2", Alerts: []alert.Transition{resolves(11, 14)}}},
			[]chaos.Trouble{broken()},
			nil, chaos.FalseResolve,
		},
		{
			"an end by deletion of what was not deleted",
			[]chaos.Telling{say("1", fires(11)), say("2", deleted)},
			[]chaos.Trouble{broken()},
			nil, chaos.FalseResolve,
		},
		{
			"an end by deletion",
			[]chaos.Telling{say("1", fires(11)), say("2", deleted)},
			[]chaos.Trouble{{Rule: "failed", Doc: "orders", Error: "broken-1.", Began: at(10), Over: at(20), Gone: true}},
			nil, "",
		},
		{
			"an end before the beginning",
			[]chaos.Telling{say("2", resolves(11, 21)), say("1", fires(11))},
			[]chaos.Trouble{broken()},
			nil, chaos.Lost + ", " + chaos.OutOfOrder,
		},
		{
			"the server is unreachable while something is in the way",
			[]chaos.Telling{say("1", unreachable(12)), say("2", recovered(12, 30))},
			nil,
			[]chaos.Outage{{Began: at(10), Over: at(13)}},
			"",
		},
		{
			"the server is unreachable though nothing is in the way",
			[]chaos.Telling{say("1", unreachable(12)), say("2", recovered(12, 30))},
			nil,
			[]chaos.Outage{{Began: at(13)}},
			chaos.FalseAlert,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var decided []alert.Transition
			for _, m := range tt.told {
				decided = append(decided, m.Alerts...)
			}
			got := checks(chaos.Judge("hook", tt.told, chaos.Truth{Troubles: tt.truth, Outages: tt.outages}, once(decided)))
			if got != tt.want {
				t.Errorf("Judge: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestJudgeKnowsHowTheDaemonsClockWasSet(t *testing.T) {
	const hour = 3600
	told := func(second float64, id string, alerts ...alert.Transition) chaos.Telling {
		return chaos.Telling{At: at(second), ID: id, Alerts: alerts}
	}
	set := func(second, ahead float64) chaos.Setting {
		return chaos.Setting{At: at(second), Ahead: time.Duration(ahead) * time.Second}
	}
	for _, tt := range []struct {
		name  string
		clock []chaos.Setting
		told  []chaos.Telling
		want  string
	}{
		{
			"it was set back before the end",
			[]chaos.Setting{set(15, -hour)},
			[]chaos.Telling{told(12, "1", fires(11)), told(22, "2", resolves(11, 21-hour))},
			"",
		},
		{
			"it was set forward before the end",
			[]chaos.Setting{set(15, hour)},
			[]chaos.Telling{told(12, "1", fires(11)), told(22, "2", resolves(11, 21+hour))},
			"",
		},
		{
			"the end is of a time that it never showed",
			[]chaos.Setting{set(15, hour)},
			[]chaos.Telling{told(12, "1", fires(11)), told(22, "2", resolves(11, 21))},
			chaos.FalseResolve + ", " + chaos.OutOfOrder,
		},
		{
			"it was set back during a hold, whose beginning moved along",
			[]chaos.Setting{set(12, -hour)},
			[]chaos.Telling{told(14, "1", with(fires(11-hour), func(t *alert.Transition) { t.At = at(13 - hour) })), told(22, "2", resolves(11-hour, 21-hour))},
			"",
		},
		{
			"it was set forward while the daemon was down during a hold, and then back",
			[]chaos.Setting{set(12, 300), set(13, -hour)},
			[]chaos.Telling{told(16, "1", with(fires(14-300-hour), func(t *alert.Transition) { t.At = at(15 - hour) })), told(22, "2", resolves(14-300-hour, 21-hour))},
			"",
		},
		{
			"it was set back, and the alert is older than the trouble by that clock",
			[]chaos.Setting{set(1, -hour)},
			[]chaos.Telling{told(12, "1", fires(3-hour)), told(22, "2", resolves(3-hour, 21-hour))},
			chaos.FalseAlert,
		},
		{
			"it was set back, and the end is older than that of the trouble by that clock",
			[]chaos.Setting{set(1, -hour)},
			[]chaos.Telling{told(12, "1", fires(11-hour)), told(22, "2", resolves(11-hour, 13-hour))},
			chaos.FalseResolve,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var decided []alert.Transition
			for _, m := range tt.told {
				decided = append(decided, m.Alerts...)
			}
			truth := chaos.Truth{Clock: tt.clock, Troubles: []chaos.Trouble{broken()}}
			if got := checks(chaos.Judge("hook", tt.told, truth, decided)); got != tt.want {
				t.Errorf("Judge: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestJudgeComparesWhatWasToldWithWhatWasDecided(t *testing.T) {
	told := []chaos.Telling{say("1", fires(11)), say("2", resolves(11, 21))}
	truth := chaos.Truth{Troubles: []chaos.Trouble{broken()}}
	if got := checks(chaos.Judge("hook", told, truth, []alert.Transition{fires(11), resolves(11, 21), fires(31)})); got != chaos.Lost {
		t.Errorf("Judge of one that was decided and not told: got %q, want %q", got, chaos.Lost)
	}
	if got := checks(chaos.Judge("hook", told, truth, []alert.Transition{fires(11)})); got != chaos.Other {
		t.Errorf("Judge of one that was told and not decided: got %q, want %q", got, chaos.Other)
	}
}

func TestAScheduleIsThatOfItsSeed(t *testing.T) {
	all := chaos.Schedule(7, 100, false)
	if diff := cmp.Diff(all[:50], chaos.Schedule(7, 50, false)); diff != "" {
		t.Errorf("the first fifty events of seed 7 (-of a hundred +of fifty):\n%s", diff)
	}
	if cmp.Equal(all, chaos.Schedule(8, 100, false)) {
		t.Error("seeds 7 and 8 have the same schedule")
	}
}

// once leaves out what was there before.
func once(all []alert.Transition) (each []alert.Transition) {
	seen := map[string]bool{}
	for _, t := range all {
		key := string(t.Status) + t.Fingerprint + t.At.String()
		if !seen[key] {
			each = append(each, t)
		}
		seen[key] = true
	}
	return each
}

// checks are the names of those that found something, each once, in alphabetical order.
func checks(found []chaos.Violation) string {
	names := map[string]bool{}
	for _, v := range found {
		names[v.Check] = true
	}
	var all []string
	for _, name := range []string{chaos.FalseAlert, chaos.FalseResolve, chaos.Lost, chaos.Other, chaos.OutOfOrder, chaos.TwoIDs} {
		if names[name] {
			all = append(all, name)
		}
	}
	return strings.Join(all, ", ")
}
