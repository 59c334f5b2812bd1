package notify

import (
	"maps"
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

// say puts a transition into its group, which waits for more after its first.
func (s *planning) say(sink string, labels map[string]string, wait time.Duration, t alert.Transition) {
	g := &group{Sink: sink, Labels: labels}
	key := g.key()
	if s.groups[key] == nil {
		switch held := s.memory.held[key]; {
		case held != nil:
			again := *held.at(s.in.Now)
			g = &again
			g.Alerts, g.Said = slices.Clone(held.Alerts), maps.Clone(held.Said)
		case t.Reason.Quiet():
			g.Since, g.Due = s.in.Now, s.in.Now // whoever pressed a button waits for what comes of it
		default:
			g.Since, g.Due = s.in.Now, s.in.Now.Add(wait)
		}
		s.groups[key] = g
		s.order = append(s.order, key)
	}
	g = s.groups[key]
	g.Alerts = append(g.Alerts, t)
	if said := s.saidTo(sink, &t.Alert); said != (Said{}) {
		if g.Said == nil {
			g.Said = map[string]Said{}
		}
		g.Said[t.Fingerprint] = said
	}
}

// send makes messages of the groups that wait for nothing any more, and holds the others.
func (s *planning) send() {
	for _, key := range slices.Sorted(maps.Keys(s.memory.held)) {
		if s.groups[key] == nil {
			s.groups[key] = s.memory.held[key].at(s.in.Now)
			s.order = append(s.order, key)
		}
	}
	for _, key := range s.order {
		g := s.groups[key]
		if g.Due.After(s.in.Now) {
			s.wakeAt(g.Due)
			if g != s.memory.held[key] {
				s.plan.held[key] = g
			}
			continue
		}
		s.plan.Messages = append(s.plan.Messages, g.messages(s.router.link, s.in.Now)...)
		if s.memory.held[key] != nil {
			s.plan.held[key] = nil
		}
	}
	s.changes()
}
