package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchdog/alert"
)

// Destination is where an alert is told, by which route, and what is to come.
type Destination struct {
	Route int    `json:"route"`           // from 1, as it stands in the config
	Match string `json:"match,omitempty"` // of the route, as YAML would have it on one line; "": it takes all
	Sink  string `json:"sink"`
	// ToldAt is when it was decided last to tell the sink; zero when it was not, or its group waits.
	ToldAt time.Time `json:"told_at,omitzero"`
	// Waits is why it is not told now, and what time will bring: "not yet: its group waits until …",
	// "reminder at …", "acknowledged by …". "" when nothing is to come.
	Waits string `json:"waits,omitempty"`
}

// Destinations says who would hear of an alert.
func (r *Router) Destinations(a *alert.Alert) []Destination {
	var all []Destination
	for sink, route := range r.sinksFor(a) {
		all = append(all, Destination{Route: route.number, Match: route.text, Sink: sink})
	}
	return all
}

// Outlook is Destinations of an alert, with those of its escalation, by what is remembered: who was
// told and when, and what each of them will hear if nothing changes. It is given as MutedBy is, and
// changes nothing.
func (r *Router) Outlook(m *Memory, a *alert.Alert, firing []alert.Alert, standing *Standing, now time.Time) []Destination {
	s := &planning{router: r, memory: m, in: Input{Now: now, Standing: standing}, plan: &Plan{}, firing: firing}
	s.findSources()
	known := m.told[a.Fingerprint]
	if known == nil {
		return r.Destinations(a)
	}
	t := known.at(now)
	muted := s.muted(a)
	var all []Destination
	for sink, route := range r.sinksFor(a) {
		d := Destination{Route: route.number, Match: route.text, Sink: sink}
		if d.Waits = s.groupWaits(sink, t.Sinks[sink].group(route, a), a); d.Waits == "" {
			d.ToldAt = t.Sinks[sink].At
			d.Waits = cmp.Or(muted, s.inWindow(route), s.reminderWaits(route, a, t.Sinks[sink]))
		}
		all = append(all, d)
		all = append(all, s.steps(route, a, &t, muted, all)...)
	}
	return all
}

// groupWaits says that what a sink is to hear waits for more.
func (s *planning) groupWaits(sink string, labels map[string]string, a *alert.Alert) string {
	g := &group{Sink: sink, Labels: labels}
	held := s.memory.held[g.key()]
	if held == nil || !slices.ContainsFunc(held.Alerts, func(t alert.Transition) bool { return t.Fingerprint == a.Fingerprint }) {
		return ""
	}
	return "not yet: its group waits until " + stamp(held.at(s.in.Now).Due)
}

func (s *planning) reminderWaits(route *route, a *alert.Alert, h heard) string {
	switch ack, ok := s.ackOf(a); {
	case h.At.IsZero() || route.repeat <= 0:
		return ""
	case ok:
		return fmt.Sprintf("no reminder: acknowledged by %s", ack.By)
	}
	due, ok := s.reminderAt(route, h)
	if !ok {
		return "no reminder while the server cannot be read"
	}
	return "reminder at " + stamp(due)
}

// steps are the sinks that a route calls in, but for those told by a route before.
func (s *planning) steps(route *route, a *alert.Alert, t *told, muted string, before []Destination) []Destination {
	var all []Destination
	for _, step := range route.escalate {
		for _, sink := range step.To {
			h, knows := t.Sinks[sink]
			named := func(d Destination) bool { return d.Sink == sink }
			if slices.Contains(route.to, sink) || slices.ContainsFunc(all, named) || knows && slices.ContainsFunc(before, named) {
				continue
			}
			d := Destination{Route: route.number, Match: route.text, Sink: sink}
			switch d.Waits = s.groupWaits(sink, h.group(route, a), a); {
			case d.Waits != "":
			case knows:
				d.ToldAt = h.At
			default:
				d.Waits = s.stepWaits(a, route.toldSince(t).Add(step.After), cmp.Or(muted, s.inWindow(route)))
			}
			all = append(all, d)
		}
	}
	return all
}

func (s *planning) stepWaits(a *alert.Alert, due time.Time, muted string) string {
	ack, acked := s.ackOf(a)
	switch {
	case acked:
		return fmt.Sprintf("no escalation: acknowledged by %s", ack.By)
	case muted != "":
		return "no escalation: " + muted
	case s.blind() && !a.Subject().IsServer():
		return "no escalation while the server cannot be read"
	default:
		return fmt.Sprintf("not yet: escalates at %s unless acknowledged", stamp(due))
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// matchText is a match on one line, its labels in order.
func matchText(match map[string][]string) string {
	var all []string
	for label, globs := range match {
		one := strings.Join(globs, ", ")
		if len(globs) != 1 {
			one = "[" + one + "]"
		}
		all = append(all, label+": "+one)
	}
	slices.Sort(all)
	if len(all) == 0 {
		return ""
	}
	return "{" + strings.Join(all, ", ") + "}"
}
