package slack

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/notify"
)

const (
	maxDetailed = 2 * maxFull // alerts of which a card remembers all that it may show
	maxOver     = 20          // alerts that are over and still listed
)

// card is one post of a channel, which is updated in place, and every alert of a group as it was
// told last. Its JSON is the memory of the group's thread. The zero value was never posted.
type card struct {
	Channel string  `json:"channel"` // as the config names it
	ID      string  `json:"id"`      // of the channel, by Slack
	TS      string  `json:"ts"`      // of the post, which is its name within the channel
	Entries []entry `json:"entries"` // in reading order
	Gone    int     `json:"gone,omitzero"`
	Midway  midway  `json:"midway,omitzero"`
}

// midway is how far the delivery got that was tried last and failed.
type midway struct {
	Delivery string `json:"delivery"`
	Updated  bool   `json:"updated,omitzero"` // the post shows it
	Refused  bool   `json:"refused,omitzero"` // the post can be changed no more
}

// entry is one alert as it was told last.
type entry struct {
	Fingerprint string         `json:"fingerprint"`
	Status      alert.Status   `json:"status"`
	At          time.Time      `json:"at"` // of what was told
	Rule        string         `json:"rule"`
	Severity    alert.Severity `json:"severity"`
	Server      string         `json:"server,omitempty"`
	Database    string         `json:"database,omitempty"`
	DocID       string         `json:"doc_id,omitempty"`
	StartsAt    time.Time      `json:"starts_at,omitzero"`
	EndsAt      *time.Time     `json:"ends_at,omitempty"`
	Deleted     bool           `json:"deleted,omitempty"`
	Said        notify.Said    `json:"said,omitzero"`
	Details     *details       `json:"details,omitempty"` // nil of one that is only named
}

// details are what is shown of an alert in full, no longer than it is shown.
type details struct {
	State         string            `json:"state,omitempty"`
	PreviousState string            `json:"previous_state,omitempty"`
	ErrorCount    *int64            `json:"error_count,omitempty"`
	Error         string            `json:"error,omitempty"`
	Source        string            `json:"source,omitempty"`
	Target        string            `json:"target,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
	Summary       string            `json:"summary,omitempty"`
	Description   string            `json:"description,omitempty"`
	RunbookURL    string            `json:"runbook_url,omitempty"`
	URL           string            `json:"url,omitempty"`
}

// recall reads a card back. One of another channel, or that cannot be read, is none.
func recall(memory []byte, channel string) card {
	var c card
	if err := json.Unmarshal(memory, &c); err != nil || c.Channel != channel {
		return card{}
	}
	return c
}

// memory is the card as it is remembered: of alerts far down only the names.
func (c card) memory() []byte {
	c.Entries = slices.Clone(c.Entries)
	for i := range c.Entries {
		if i >= maxDetailed || c.Entries[i].Status == alert.StatusResolved {
			c.Entries[i].Details = nil
		}
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // a value of ours always marshals
	}
	return text
}

// news is what a message changes of a card.
type news struct {
	fresh bool     // it begins a new post
	lines []change // the story, for the thread of the post
	over  bool     // with it all have resolved
}

// change is one of its lines.
type change struct {
	*alert.Transition
	said notify.Said
	late bool // the card had later news of that alert
}

// loud reports whether people are to be called: by something that fires, and when all is over.
func (n *news) loud() bool {
	return n.over || slices.ContainsFunc(n.lines, func(l change) bool { return !l.late && calls(l.Transition) })
}

// calls reports whether somebody has to look: an alert began, rose, or still fires.
func calls(t *alert.Transition) bool {
	return t.Status != alert.StatusResolved && !t.Reason.Quiet()
}

// step is what a message makes of the card. What fires after all has resolved begins a new one.
func (c card) step(m *notify.Message) (after card, n news) {
	began := slices.ContainsFunc(m.Alerts, func(t alert.Transition) bool { return calls(&t) })
	if n.fresh = c.TS == "" || began && c.over(); !n.fresh {
		after = c
		after.Entries = slices.Clone(c.Entries)
	}
	after.Midway = midway{}
	for i := range m.Alerts {
		t := &m.Alerts[i]
		said := m.Said[t.Fingerprint]
		n.lines = append(n.lines, change{Transition: t, said: said, late: !after.apply(t, said)})
	}
	n.over = after.over() && !n.fresh && !c.over()
	after.tidy()
	return after, n
}

// over reports whether nothing fires any more.
func (c card) over() bool {
	return !slices.ContainsFunc(c.Entries, func(e entry) bool { return e.Status == alert.StatusFiring })
}

// apply notes the news of one alert; false when the card has later ones.
func (c *card) apply(t *alert.Transition, said notify.Said) bool {
	i := slices.IndexFunc(c.Entries, func(e entry) bool { return e.Fingerprint == t.Fingerprint })
	switch {
	case i < 0:
		c.Entries = append(c.Entries, newEntry(t, said))
	case t.At.Before(c.Entries[i].At):
		return false
	default:
		c.Entries[i] = newEntry(t, said)
	}
	return true
}

func newEntry(t *alert.Transition, said notify.Said) entry {
	said.AckedBy, said.SilencedBy = cut(said.AckedBy, 100), cut(said.SilencedBy, 100)
	return entry{
		Fingerprint: t.Fingerprint, Status: t.Status, At: t.At, Rule: t.Rule, Severity: t.Severity,
		Server: t.Server, Database: t.Database, DocID: t.DocID, StartsAt: t.StartsAt, EndsAt: t.EndsAt,
		Deleted: t.Reason == alert.ReasonDeleted, Said: said,
		Details: &details{
			State: t.State, PreviousState: t.PreviousState, ErrorCount: t.ErrorCount, Error: cut(t.Error, 900),
			Source: t.Source, Target: t.Target, Labels: t.Labels, Summary: cut(t.Summary, 500),
			Description: cut(t.Description, 500), RunbookURL: t.RunbookURL, URL: t.URL,
		},
	}
}

// tidy puts first what matters most, and drops of what is over the oldest.
func (c *card) tidy() {
	rank := map[alert.Status]int{alert.StatusFiring: 0, alert.StatusEvent: 1}
	slices.SortStableFunc(c.Entries, func(a, b entry) int {
		ra, rb := 2, 2
		if r, ok := rank[a.Status]; ok {
			ra = r
		}
		if r, ok := rank[b.Status]; ok {
			rb = r
		}
		order := cmp.Or(cmp.Compare(ra, rb), cmp.Compare(b.Severity, a.Severity))
		if ra > 0 && order == 0 {
			order = b.At.Compare(a.At)
		}
		return cmp.Or(order, cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.subject().String(), b.subject().String()))
	})
	firing := slices.IndexFunc(c.Entries, func(e entry) bool { return e.Status != alert.StatusFiring })
	if firing >= 0 && len(c.Entries) > firing+maxOver {
		c.Gone += len(c.Entries) - firing - maxOver
		c.Entries = c.Entries[:firing+maxOver]
	}
}

func (e *entry) subject() alert.Subject {
	return alert.Subject{Server: e.Server, Database: e.Database, DocID: e.DocID}
}

// transition is the alert as the entry knows it, as if it had happened just now.
func (e *entry) transition() alert.Transition {
	t := alert.Transition{At: e.At, Alert: alert.Alert{
		Status: e.Status, Rule: e.Rule, Severity: e.Severity, Fingerprint: e.Fingerprint,
		Server: e.Server, Database: e.Database, DocID: e.DocID, StartsAt: e.StartsAt, EndsAt: e.EndsAt,
	}}
	if e.Deleted {
		t.Reason = alert.ReasonDeleted
	}
	if d := e.Details; d != nil {
		t.State, t.PreviousState, t.ErrorCount, t.Error = d.State, d.PreviousState, d.ErrorCount, d.Error
		t.Source, t.Target, t.Labels = d.Source, d.Target, d.Labels
		t.Summary, t.Description, t.RunbookURL, t.URL = d.Summary, d.Description, d.RunbookURL, d.URL
	}
	return t
}
