package notify

import (
	"slices"
	"strings"
	"time"

	"watchdog/alert"
)

// group is a message in the making: what one sink hears of one group. Its JSON form is how one
// that waits is remembered.
type group struct {
	Sink   string             `json:"sink"`
	Labels map[string]string  `json:"labels"`
	Since  time.Time          `json:"since,omitzero"` // zero for one that an older version held
	Due    time.Time          `json:"due"`
	Alerts []alert.Transition `json:"alerts"`
	Said   map[string]Said    `json:"said,omitempty"`
}

// at is the group at a time, itself where the clock goes on. Where it was set back the group waits
// anew from then: never longer than its route says.
func (g *group) at(now time.Time) *group {
	if g.Since.IsZero() || !setBack(g.Since, now) {
		return g
	}
	again := *g
	again.Since, again.Due = now, now.Add(g.Due.Sub(g.Since))
	return &again
}

func (g *group) key() string { return g.Sink + " " + groupKey(g.Labels) }

// messages cuts a group into messages that a receiver can take.
func (g *group) messages(link string, now time.Time) []Message {
	slices.SortStableFunc(g.Alerts, compareForReader)
	var out []Message
	for part := range slices.Chunk(g.Alerts, MaxAlerts) {
		for i := range part {
			if link != "" {
				part[i].URL = link + "#" + part[i].Fingerprint
			}
		}
		out = append(out, Message{
			ID: messageID(now, g.Sink, g.Labels, part), Sink: g.Sink, Group: g.Labels,
			At: now, URL: link, Alerts: part, Said: saidOf(part, g.Said),
		})
	}
	return out
}

// saidOf are those of what people have said that are about these alerts; nil for none.
func saidOf(alerts []alert.Transition, all map[string]Said) map[string]Said {
	var some map[string]Said
	for i := range alerts {
		said, ok := all[alerts[i].Fingerprint]
		if !ok {
			continue
		}
		if some == nil {
			some = map[string]Said{}
		}
		some[alerts[i].Fingerprint] = said
	}
	return some
}

// compareForReader puts first what matters most; of one alert what happened first.
func compareForReader(a, b alert.Transition) int {
	if c := int(b.Severity) - int(a.Severity); c != 0 {
		return c
	}
	return strings.Compare(a.Rule+"\xff"+a.Subject().String(), b.Rule+"\xff"+b.Subject().String())
}
