package sinktest

import (
	"fmt"
	"time"

	"watchdog/alert"
	"watchdog/notify"
)

// Message is a message of so many alerts, as the daemon would send it: every third has been
// resolved, the errors are CouchDB's own.
func Message(alerts int) *notify.Message {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m := &notify.Message{
		ID:    "dlv_01JGK3ZQ5V8R4M2N6P7S9T0WXY",
		Sink:  "oncall",
		Group: map[string]string{"server": "prod", "rule": "replication-failed"},
		At:    at,
		URL:   "https://watchdog.example.com/",
	}
	for i := range alerts {
		m.Alerts = append(m.Alerts, transition(i, at))
	}
	return m
}

func transition(i int, at time.Time) alert.Transition {
	one, docID := int64(1), "orders"
	if i > 0 {
		docID = fmt.Sprintf("orders-%03d", i)
	}
	subject := alert.Subject{Server: "prod", Database: "_replicator", DocID: docID}
	t := alert.Transition{Reason: alert.ReasonNew, At: at, Alert: alert.Alert{
		Status: alert.StatusFiring, Rule: "replication-failed", Severity: alert.Critical,
		Fingerprint: alert.Fingerprint("replication-failed", subject),
		Server:      subject.Server, Database: subject.Database, DocID: subject.DocID,
		ReplicationID: "f857f4237e2597ad4b67e57a25fcc2ba+continuous",
		Source:        "https://db.example.com/" + docID + "/",
		Target:        "http://127.0.0.1:5984/" + docID + "/",
		State:         "failed", PreviousState: "running", ErrorCount: &one,
		Error:      "db_not_found: could not open http://127.0.0.1:5984/" + docID + "/",
		Labels:     map[string]string{"team": "data"},
		Summary:    docID + " failed",
		RunbookURL: "https://runbooks.example.com/replication-failed",
		StartsAt:   at.Add(-90 * time.Second),
		URL:        "https://watchdog.example.com/alerts/" + alert.Fingerprint("replication-failed", subject),
	}}
	if i%3 == 2 {
		t.Status, t.Reason, t.EndsAt = alert.StatusResolved, alert.ReasonResolved, &at
		t.State, t.PreviousState, t.Error = "running", "failed", ""
	}
	return t
}
