package notify_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/notify"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func fires(rule, server, doc string, set ...func(*alert.Transition)) alert.Transition {
	tr := alert.Transition{Reason: alert.ReasonNew, At: at, Alert: alert.Alert{
		Status: alert.StatusFiring, Rule: rule, Severity: alert.Warning, Server: server,
		Database: "_replicator", DocID: doc, State: "failed", Labels: map[string]string{"team": "data"}, StartsAt: at,
	}}
	for _, f := range set {
		f(&tr)
	}
	tr.Fingerprint = alert.Fingerprint(tr.Rule, tr.Subject())
	return tr
}

func critical(tr *alert.Transition) { tr.Severity = alert.Critical }

func router(t *testing.T, routes ...notify.RouteSpec) *notify.Router {
	t.Helper()
	r, problems := notify.NewRouter(notify.Spec{Routes: routes})
	if len(problems) > 0 {
		t.Fatalf("NewRouter: %+v", problems)
	}
	return r
}

// plan is what a router says of transitions that are the first it hears of.
func plan(r *notify.Router, transitions ...alert.Transition) []notify.Message {
	var firing []alert.Alert
	for _, t := range transitions {
		firing = append(firing, t.Alert)
	}
	return r.Step(notify.NewMemory(), notify.Input{
		Now: transitions[0].At, Transitions: transitions, Firing: func() []alert.Alert { return firing },
	}).Messages
}

func lines(messages []notify.Message) []string {
	var out []string
	for _, m := range messages {
		var docs []string
		for _, a := range m.Alerts {
			docs = append(docs, a.DocID)
		}
		out = append(out, m.Sink+": "+strings.Join(docs, " "))
	}
	return out
}

func TestRoutesTakeTransitions(t *testing.T) {
	all := []alert.Transition{
		fires("failed", "prod", "a"), fires("failed", "prod", "b", critical),
		fires("stalled", "prod", "c"), fires("failed", "test", "d"),
	}
	tests := []struct {
		name   string
		routes []notify.RouteSpec
		want   []string
	}{
		{"no route takes nothing", nil, nil},
		{
			"grouped by server and rule, what matters most first",
			[]notify.RouteSpec{{To: []string{"oncall"}}},
			[]string{"oncall: b a", "oncall: c", "oncall: d"},
		},
		{
			"grouped by nothing: one message",
			[]notify.RouteSpec{{To: []string{"oncall"}, GroupBy: []string{}}},
			[]string{"oncall: b a d c"},
		},
		{
			"grouped by a label of the alert's own",
			[]notify.RouteSpec{{To: []string{"oncall"}, GroupBy: []string{"team"}}},
			[]string{"oncall: b a d c"},
		},
		{
			"the first route that fits takes it",
			[]notify.RouteSpec{
				{To: []string{"pager"}, Match: map[string][]string{"severity": {"critical"}}},
				{To: []string{"oncall"}},
			},
			[]string{"oncall: a", "pager: b", "oncall: c", "oncall: d"},
		},
		{
			"continue goes on",
			[]notify.RouteSpec{
				{To: []string{"pager"}, Match: map[string][]string{"severity": {"critical"}}, Continue: true},
				{To: []string{"oncall"}},
			},
			[]string{"oncall: b a", "pager: b", "oncall: c", "oncall: d"},
		},
		{
			"a sink hears of a transition once, however many routes lead to it",
			[]notify.RouteSpec{{To: []string{"oncall", "oncall"}, Continue: true}, {To: []string{"oncall"}}},
			[]string{"oncall: b a", "oncall: c", "oncall: d"},
		},
		{
			"two sinks each hear of it",
			[]notify.RouteSpec{{To: []string{"oncall", "hook"}, Match: map[string][]string{"server": {"test"}}}},
			[]string{"oncall: d", "hook: d"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines(plan(router(t, tt.routes...), all...))); diff != "" {
				t.Errorf("Step (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanOfManyKeepsWithinWhatAMessageMayHold(t *testing.T) {
	var many []alert.Transition
	for i := range 2*notify.MaxAlerts + 1 {
		many = append(many, fires("failed", "prod", fmt.Sprintf("doc%04d", i)))
	}
	messages := plan(router(t, notify.RouteSpec{To: []string{"oncall"}}), many...)
	ids := map[string]bool{}
	told := 0
	for _, m := range messages {
		ids[m.ID] = true
		told += len(m.Alerts)
		if len(m.Alerts) > notify.MaxAlerts {
			t.Errorf("message of %d alerts, want %d at most", len(m.Alerts), notify.MaxAlerts)
		}
	}
	if len(messages) != 3 || len(ids) != 3 || told != len(many) {
		t.Errorf("got %d messages under %d ids with %d alerts, want 3, 3 and %d", len(messages), len(ids), told, len(many))
	}
}

func TestMessageIDIsMadeFromWhatIsSaidToWhomAndWhen(t *testing.T) {
	r := router(t, notify.RouteSpec{To: []string{"oncall", "hook"}})
	id := func(trs ...alert.Transition) string { return plan(r, trs...)[0].ID }
	base := id(fires("failed", "prod", "a"))
	if want := regexp.MustCompile(`^dlv_[0-9A-HJKMNP-TV-Z]{26}$`); !want.MatchString(base) {
		t.Errorf("id: got %q, want the form %s", base, want)
	}
	if again := id(fires("failed", "prod", "a")); again != base {
		t.Errorf("the same decision: got %s and %s", base, again)
	}
	later := fires("failed", "prod", "a")
	later.At = later.At.Add(time.Second)
	for name, other := range map[string]string{
		"another alert": id(fires("failed", "prod", "b")),
		"another time":  id(later),
		"another sink":  plan(r, fires("failed", "prod", "a"))[1].ID,
	} {
		if other == base {
			t.Errorf("%s: got the same id", name)
		}
	}
	if id(later) < base {
		t.Errorf("ids do not sort by time: %s then %s", base, id(later))
	}
}

func TestLinkLeadsToTheAlert(t *testing.T) {
	r, _ := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall"}}}, Link: "https://watchdog.example.com"})
	m := plan(r, fires("failed", "prod", "a"))[0]
	if m.URL != "https://watchdog.example.com/" || m.Alerts[0].URL != "https://watchdog.example.com/#"+m.Alerts[0].Fingerprint {
		t.Errorf("links: got %q and %q", m.URL, m.Alerts[0].URL)
	}
}

func TestRouteThatLeadsNowhereIsAMistake(t *testing.T) {
	_, problems := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"a"}}, {}}})
	if len(problems) != 1 || problems[0].Field != "routes[1].to" {
		t.Errorf("NewRouter: got %+v, want one problem of routes[1].to", problems)
	}
}
