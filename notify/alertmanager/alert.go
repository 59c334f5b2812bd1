package alertmanager

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/notify"
)

// postable is one alert as Alertmanager takes it:
// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
type postable struct {
	Labels       map[string]string `json:"labels"` // they are the alert's identity
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

const (
	// eventLasts is how long what happened once is shown: longer than Alertmanager may wait before
	// it tells the news of a group (group_interval, 5m by default).
	eventLasts = time.Hour
	// testLasts is how long a test message is shown.
	testLasts = 5 * time.Minute
)

// alerts are those of m as they are sent at this time, in the order in which they happened.
func (s *Sink) alerts(m *notify.Message, now time.Time) []postable {
	var all []postable
	for _, i := range m.Chronology() {
		a := &m.Alerts[i]
		p := newPostable(m, a)
		switch {
		case a.Status == alert.StatusResolved:
			p.EndsAt = a.At
			if a.EndsAt != nil {
				p.EndsAt = *a.EndsAt
			}
		case m.Test:
			p.EndsAt = now.Add(testLasts)
		case a.Status == alert.StatusEvent:
			p.StartsAt, p.EndsAt = a.At, now.Add(eventLasts)
		default:
			p.EndsAt = now.Add(s.endsAfter)
		}
		p.StartsAt, p.EndsAt = p.StartsAt.UTC(), p.EndsAt.UTC().Truncate(time.Millisecond)
		if p.EndsAt.Before(p.StartsAt) {
			p.EndsAt = p.StartsAt
		}
		if a.Reason == alert.ReasonSeverity {
			all = append(all, outgrown(p, a)...)
		}
		all = append(all, p)
	}
	return all
}

// outgrown ends what an alert was before its severity rose: under another label Alertmanager takes
// it for another alert.
func outgrown(p postable, a *alert.Transition) []postable {
	var ended []postable
	for lower := alert.Info; lower < a.Severity; lower++ {
		before := p
		before.Labels = labels(a)
		before.Labels["severity"] = lower.String()
		before.EndsAt = a.At.UTC()
		ended = append(ended, before)
	}
	return ended
}

func newPostable(m *notify.Message, a *alert.Transition) postable {
	p := postable{Labels: labels(a), Annotations: map[string]string{}, StartsAt: a.StartsAt}
	for name, text := range map[string]string{
		"summary": a.Summary, "description": a.Description, "runbook_url": a.RunbookURL, "error": a.Error,
		"state": a.State, "source": a.Source, "target": a.Target, "reason": string(a.Reason), "delivery": m.ID,
	} {
		if text != "" {
			p.Annotations[name] = strings.ToValidUTF8(text, "\ufffd")
		}
	}
	if u, err := url.Parse(a.URL); err == nil && u.IsAbs() { // any other is refused with all the rest
		p.GeneratorURL = a.URL
	}
	return p
}

// labels are what never changes while an alert lives, and its severity: state, error and the like
// are annotations, since other labels would make another alert.
func labels(a *alert.Transition) map[string]string {
	all := map[string]string{}
	for name, value := range a.Labels {
		all[labelName(name)] = value
	}
	for name, value := range map[string]string{
		"alertname": a.Rule, "severity": a.Severity.String(), "server": a.Server, "database": a.Database, "doc_id": a.DocID,
	} {
		all[name] = value
	}
	for name, value := range all {
		all[name] = strings.ToValidUTF8(value, "\ufffd")
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

var notInLabel = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// labelName is a name that every Alertmanager takes.
func labelName(name string) string {
	name = notInLabel.ReplaceAllString(name, "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	return name
}
