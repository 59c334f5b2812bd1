package notify_test

import (
	"testing"
	"time"

	"watchdog/alert"
	"watchdog/notify"
)

func told(status alert.Status, reason alert.Reason, docID string) alert.Transition {
	return alert.Transition{Reason: reason, Alert: alert.Alert{
		Status: status, Rule: "replication-failed", Server: "prod", Database: "_replicator", DocID: docID,
	}}
}

func TestHeadline(t *testing.T) {
	usual := map[string]string{"server": "prod", "rule": "replication-failed"}
	fires := told(alert.StatusFiring, alert.ReasonNew, "orders")
	ended := told(alert.StatusResolved, alert.ReasonResolved, "audit")
	event := told(alert.StatusEvent, alert.ReasonEvent, "once")
	unreachable := alert.Transition{Reason: alert.ReasonNew, Alert: alert.Alert{
		Status: alert.StatusFiring, Rule: "server-unreachable", Server: "prod",
	}}
	for _, c := range []struct {
		name string
		m    notify.Message
		want string
	}{
		{
			"one alert is named",
			notify.Message{Group: usual, Alerts: []alert.Transition{fires}},
			"firing: replication-failed, prod/_replicator/orders",
		},
		{
			"a server is named alone",
			notify.Message{Alerts: []alert.Transition{unreachable}},
			"firing: server-unreachable, prod",
		},
		{
			"more are counted by what happened",
			notify.Message{Group: usual, Alerts: []alert.Transition{fires, fires, ended, event}},
			"2 firing, 1 resolved, 1 event: replication-failed on prod",
		},
		{
			"events are counted in the plural",
			notify.Message{Group: usual, Alerts: []alert.Transition{event, event}},
			"2 events: replication-failed on prod",
		},
		{
			"another grouping shows its labels",
			notify.Message{Group: map[string]string{"team": "data", "rule": "r"}, Alerts: []alert.Transition{fires, ended}},
			"1 firing, 1 resolved: rule=r, team=data",
		},
		{
			"one group for all has no name",
			notify.Message{Alerts: []alert.Transition{fires, ended}},
			"1 firing, 1 resolved",
		},
		{
			"a test says so",
			notify.Message{Test: true, Alerts: []alert.Transition{fires}},
			"test message: firing: replication-failed, prod/_replicator/orders",
		},
		{
			"a test without alerts says so",
			notify.Message{Test: true},
			"test message: no alerts",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.m.Headline(); got != c.want {
				t.Errorf("Headline(): got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTold(t *testing.T) {
	for _, c := range []struct {
		name   string
		status alert.Status
		reason alert.Reason
		want   string
	}{
		{"new is just firing", alert.StatusFiring, alert.ReasonNew, "firing"},
		{"a rise of severity says so", alert.StatusFiring, alert.ReasonSeverity, "firing, severity rose"},
		{"another reason is said", alert.StatusFiring, "escalated", "firing, escalated"},
		{"resolved is just resolved", alert.StatusResolved, alert.ReasonResolved, "resolved"},
		{"a deleted subject says so", alert.StatusResolved, alert.ReasonDeleted, "resolved, deleted"},
		{"an event is an event", alert.StatusEvent, alert.ReasonEvent, "event"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := told(c.status, c.reason, "orders")
			if got := notify.Told(&a); got != c.want {
				t.Errorf("Told(%s, %s): got %q, want %q", c.status, c.reason, got, c.want)
			}
		})
	}
}

func TestShortName(t *testing.T) {
	for _, c := range []struct {
		name string
		s    alert.Subject
		want string
	}{
		{"a document of the usual database", alert.Subject{Server: "prod", Database: "_replicator", DocID: "orders"}, "orders"},
		{"a document of another database", alert.Subject{Server: "prod", Database: "team/_replicator", DocID: "orders"}, "team/_replicator/orders"},
		{"a server", alert.Subject{Server: "prod"}, "prod"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := notify.ShortName(c.s); got != c.want {
				t.Errorf("ShortName(%v): got %q, want %q", c.s, got, c.want)
			}
		})
	}
}

func TestLasted(t *testing.T) {
	for _, c := range []struct {
		name string
		d    time.Duration
		want string
	}{
		{"nothing", 0, "0s"},
		{"a clock that went back is nothing", -time.Hour, "0s"},
		{"parts of seconds are rounded", 1600 * time.Millisecond, "2s"},
		{"seconds", 45 * time.Second, "45s"},
		{"almost a minute is a minute", 59900 * time.Millisecond, "1m"},
		{"minutes and seconds", 12*time.Minute + 30*time.Second, "12m 30s"},
		{"hours and minutes, seconds dropped", 3*time.Hour + 5*time.Minute + 40*time.Second, "3h 5m"},
		{"whole hours", 3 * time.Hour, "3h"},
		{"days and hours", 52*time.Hour + 20*time.Minute, "2d 4h"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := notify.Lasted(c.d); got != c.want {
				t.Errorf("Lasted(%v): got %q, want %q", c.d, got, c.want)
			}
		})
	}
}
