package pagerduty

import (
	"time"

	"watchdog/alert"
	"watchdog/notify"
)

// event is one event as PagerDuty takes it:
// https://developer.pagerduty.com/docs/send-alert-event
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"` // trigger, acknowledge or resolve
	DedupKey   string   `json:"dedup_key"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
	Links      []link   `json:"links,omitempty"`
	Payload    *payload `json:"payload"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

type payload struct {
	Summary   string         `json:"summary"`
	Source    string         `json:"source"`
	Severity  string         `json:"severity"` // critical, warning or info: PagerDuty knows our words
	Timestamp string         `json:"timestamp"`
	Component string         `json:"component,omitempty"`
	Group     string         `json:"group,omitempty"`
	Class     string         `json:"class"`
	Details   map[string]any `json:"custom_details"`
}

const (
	maxSummary = 1024 // characters, of PagerDuty
	maxDetail  = 4000 // characters: an event may have 512 kB
)

// newEvent is one alert of m as an event. The dedup key is the fingerprint, the same for all lives
// of the alert: a resolution ends what its firing began, and a reminder begins nothing new. What
// happened once has its time in the key, since nothing will ever resolve it but a person.
func newEvent(m *notify.Message, a *alert.Transition) *event {
	e := &event{
		Action: "trigger", DedupKey: a.Fingerprint, Client: "Watchdog", ClientURL: m.URL,
		Payload: &payload{
			Summary: cut(summary(m, a), maxSummary), Source: a.Server, Severity: a.Severity.String(),
			Timestamp: a.At.UTC().Format(time.RFC3339Nano), Class: a.Rule, Details: details(m, a),
		},
	}
	switch {
	case a.Status == alert.StatusResolved:
		e.Action = "resolve"
	case a.Reason == alert.ReasonAcknowledged:
		e.Action = "acknowledge"
	case a.Status == alert.StatusEvent:
		e.DedupKey += "/" + a.At.UTC().Format(time.RFC3339Nano)
	}
	if !a.Subject().IsServer() {
		e.Payload.Component, e.Payload.Group = a.Subject().String(), a.Database
	}
	for _, l := range []link{{a.RunbookURL, "Runbook"}, {a.URL, "Open in Watchdog"}} {
		if l.Href != "" {
			e.Links = append(e.Links, l)
		}
	}
	return e
}

// summary is the alert's own, after its rule: it becomes the title of the incident.
func summary(m *notify.Message, a *alert.Transition) string {
	text := a.Rule + ": " + a.Subject().String()
	if a.Summary != "" {
		text = a.Rule + ": " + a.Summary
	}
	if m.Test {
		text = "test message: " + text
	}
	return text
}

// silent reports whether there is nothing to say of a: an event can take no acknowledgement back,
// and knows no silence.
func silent(a *alert.Transition) bool {
	return a.Reason == alert.ReasonReleased || a.Reason == alert.ReasonSilenced
}

// details are the fields of the alert by their names in the webhook's body, as far as there are
// any, and which delivery told them.
func details(m *notify.Message, a *alert.Transition) map[string]any {
	all := map[string]any{"delivery": m.ID, "starts_at": a.StartsAt.UTC().Format(time.RFC3339)}
	for key, text := range map[string]string{
		"reason": string(a.Reason), "server": a.Server, "database": a.Database, "doc_id": a.DocID,
		"replication_id": a.ReplicationID, "source": a.Source, "target": a.Target,
		"state": a.State, "previous_state": a.PreviousState, "error": a.Error, "description": a.Description,
	} {
		if text != "" {
			all[key] = cut(text, maxDetail)
		}
	}
	if said := m.Said[a.Fingerprint]; said.AckedBy != "" {
		all["acknowledged_by"] = said.AckedBy
	}
	if a.ErrorCount != nil {
		all["error_count"] = *a.ErrorCount
	}
	if a.EndsAt != nil {
		all["ends_at"] = a.EndsAt.UTC().Format(time.RFC3339)
	}
	if len(a.Labels) > 0 {
		all["labels"] = a.Labels
	}
	return all
}

// cut is text of at most so many characters.
func cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}
