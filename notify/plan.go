package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"watchdog/alert"
)

// Input is what one step of the plan goes by.
type Input struct {
	Now time.Time // the snapshot's, or the clock's when time alone has something due
	// Transitions are what happened.
	Transitions []alert.Transition
	// Firing gives the alerts of the server that fire after them. It is asked only when there
	// is something to decide.
	Firing func() []alert.Alert
	// Standing is what people have said. The same pointer means that nothing has changed.
	Standing *Standing
}

// Plan is what one step decided. Nothing is changed by it until Memory.Apply.
type Plan struct {
	Messages []Message
	Changes  []MemoryChange
	// Muted are the transitions of which somebody who would be told is not, and why.
	Muted map[string]string // by fingerprint
	// Wake is when the next thing is due by the passing of time alone; zero: nothing is.
	Wake time.Time

	skipped  bool
	at       time.Time
	told     map[string]*told
	held     map[string]*group
	router   *Router
	standing *Standing
}

// Step decides who is told what of the transitions of one check, and what else is due: groups
// that waited, reminders, escalations, and what was muted and still fires. It changes nothing.
func (r *Router) Step(m *Memory, in Input) *Plan {
	p := &Plan{Wake: m.wake, at: in.Now, router: r, standing: in.Standing}
	due := !m.wake.IsZero() && !in.Now.Before(m.wake)
	if len(in.Transitions) == 0 && !due && !setBack(m.at, in.Now) && m.router == r && m.standing == in.Standing {
		p.skipped = true
		return p
	}
	if in.Standing == nil {
		in.Standing = &Standing{}
	}
	p.Wake, p.told, p.held, p.Muted = time.Time{}, map[string]*told{}, map[string]*group{}, map[string]string{}
	s := &planning{router: r, memory: m, in: in, plan: p, groups: map[string]*group{}}
	s.firing = in.Firing()
	s.findSources()
	happened := map[string]*alert.Transition{}
	for i := range in.Transitions {
		t := &in.Transitions[i]
		switch t.Status {
		case alert.StatusFiring:
			happened[t.Fingerprint] = t
		case alert.StatusResolved:
			s.resolved(t)
		case alert.StatusEvent:
			s.event(t)
		}
	}
	for i := range s.firing {
		s.fires(&s.firing[i], happened[s.firing[i].Fingerprint])
	}
	s.forget()
	s.send()
	return p
}

// planning is one Step under way.
type planning struct {
	router *Router
	memory *Memory
	in     Input
	plan   *Plan
	firing []alert.Alert
	// sources are, for each inhibition, the alerts that may mute others by it.
	sources [][]*alert.Alert
	groups  map[string]*group // by key, in the making
	order   []string          // of the groups
}

func (s *planning) findSources() {
	s.sources = make([][]*alert.Alert, len(s.router.inhibit))
	for i := range s.router.inhibit {
		for j := range s.firing {
			if s.router.inhibit[i].isSource(&s.firing[j]) {
				s.sources[i] = append(s.sources[i], &s.firing[j])
			}
		}
	}
}

// wakeAt notes that something is due at t.
func (s *planning) wakeAt(t time.Time) {
	if t.After(s.in.Now) && (s.plan.Wake.IsZero() || t.Before(s.plan.Wake)) {
		s.plan.Wake = t
	}
}

// fires decides about one alert that fires; tr is what happened to it in this step, nil when
// nothing did.
func (s *planning) fires(a *alert.Alert, tr *alert.Transition) {
	before := s.memory.told[a.Fingerprint]
	next := told{Since: s.in.Now, Sinks: map[string]heard{}}
	if before != nil {
		next = before.at(s.in.Now)
	}
	muted := s.muted(a)
	for sink, route := range s.router.sinksFor(a) {
		quiet := cmp.Or(muted, s.inWindow(route))
		s.firesTo(sink, route, a, tr, &next, quiet)
		if quiet == "" {
			s.escalate(route, a, &next)
		}
	}
	s.rises(a, &next, muted)
	s.follow(a, &next)
	if before == nil || !sameTold(before, &next) {
		s.plan.told[a.Fingerprint] = &next
	}
}

func sameTold(a, b *told) bool {
	return a.Since.Equal(b.Since) && a.Muted == b.Muted && maps.EqualFunc(a.Sinks, b.Sinks, sameHeard)
}

func sameHeard(a, b heard) bool {
	return a.At.Equal(b.At) && a.First.Equal(b.First) && a.Severity == b.Severity && a.Reminders == b.Reminders &&
		a.Said.equal(b.Said) && maps.Equal(a.Group, b.Group)
}

// firesTo decides what one sink hears of an alert that fires.
func (s *planning) firesTo(sink string, route *route, a *alert.Alert, tr *alert.Transition, next *told, muted string) {
	h, knows := next.Sinks[sink]
	reason := alert.Reason("")
	switch {
	case muted != "":
		if !knows || a.Severity > h.Severity {
			next.Muted, s.plan.Muted[a.Fingerprint] = muted, muted
		}
		return
	case !knows && tr == nil && next.Muted != "":
		reason, next.Muted = alert.ReasonUnmuted, ""
	case !knows:
		reason, next.Muted = alert.ReasonNew, ""
	case a.Severity > h.Severity:
		reason, next.Muted = alert.ReasonSeverity, ""
	case !s.acknowledged(a) && s.remindDue(route, h):
		reason = alert.ReasonRepeat
		h.Reminders++
	default:
		return
	}
	next.Sinks[sink] = s.tell(sink, route, alert.Transition{Reason: reason, At: s.in.Now, Alert: *a}, h)
	s.wakeForReminder(route, next.Sinks[sink])
}

// tell says to a sink what has become of an alert that fires, and gives what it has heard then.
func (s *planning) tell(sink string, route *route, t alert.Transition, before heard) heard {
	h := before
	if h.At.IsZero() {
		h.First = s.in.Now
	}
	h.Group = h.group(route, &t.Alert)
	h.At, h.Severity, h.Said = s.in.Now, t.Severity, s.saidTo(sink, &t.Alert)
	s.say(sink, h.Group, route.wait, t)
	return h
}

// resolved tells everybody who was told that it fired. Who was not told is not told now.
func (s *planning) resolved(t *alert.Transition) {
	before := s.memory.told[t.Fingerprint]
	if before == nil {
		return
	}
	s.plan.told[t.Fingerprint] = nil
	if len(before.Sinks) == 0 {
		s.plan.Muted[t.Fingerprint] = before.Muted
	}
	for _, sink := range slices.Sorted(maps.Keys(before.Sinks)) {
		if route := s.routeTo(sink, &t.Alert); route != nil {
			s.say(sink, before.Sinks[sink].group(route, &t.Alert), route.wait, *t)
		}
	}
}

// group are the labels of the group in which a sink hears of an alert.
func (h heard) group(route *route, a *alert.Alert) map[string]string {
	if h.Group != nil {
		return h.Group
	}
	return route.groupLabels(a)
}

// routeTo is the route by which an alert comes to a sink, for its grouping; nil when no route
// leads there any more.
func (s *planning) routeTo(sink string, a *alert.Alert) *route {
	for name, route := range s.router.sinksFor(a) {
		if name == sink || slices.ContainsFunc(route.escalate, func(e EscalateSpec) bool { return slices.Contains(e.To, sink) }) {
			return route
		}
	}
	return s.router.leadsTo(sink)
}

func (s *planning) event(t *alert.Transition) {
	muted := s.muted(&t.Alert)
	for sink, route := range s.router.sinksFor(&t.Alert) {
		if why := cmp.Or(muted, s.inWindow(route)); why != "" {
			s.plan.Muted[t.Fingerprint] = why
			continue
		}
		s.say(sink, route.groupLabels(&t.Alert), route.wait, *t)
	}
}

// forget drops what is remembered of alerts that do not fire any more without having been seen
// to resolve.
func (s *planning) forget() {
	fires := make(map[string]bool, len(s.firing))
	for i := range s.firing {
		fires[s.firing[i].Fingerprint] = true
	}
	for fingerprint := range s.memory.told {
		if !fires[fingerprint] {
			s.plan.told[fingerprint] = nil
		}
	}
}

// muted is why nobody is told of an alert that fires, "" when nothing mutes it.
func (s *planning) muted(a *alert.Alert) string {
	if one := s.silenceOf(a); one != nil {
		return fmt.Sprintf(silencedBy+" %s until %s (%s)", one.CreatedBy, one.EndsAt.UTC().Format(time.RFC3339), one.ID)
	}
	if ack, ok := s.ackOf(a); ok && ack.Mute {
		return fmt.Sprintf(silencedBy+" %s until it resolves", ack.By)
	}
	for i := range s.router.inhibit {
		for _, source := range s.sources[i] {
			if s.router.inhibit[i].mutes(source, a) {
				return fmt.Sprintf(inhibitedBy+" %s of %s", source.Rule, source.Subject())
			}
		}
	}
	return ""
}

// inWindow is why a route tells nobody now, "" when it does.
func (s *planning) inWindow(r *route) string {
	for i := range r.mute {
		if until, open := r.mute[i].open(s.in.Now); open {
			s.wakeAt(until)
			return fmt.Sprintf(inWindow+" %s until %s", r.mute[i].Name, until.UTC().Format(time.RFC3339))
		}
	}
	return ""
}

// changes writes down what is to be remembered, in a fixed order.
func (s *planning) changes() {
	p := s.plan
	for _, key := range slices.Sorted(maps.Keys(p.told)) {
		if p.told[key] == nil {
			if s.memory.told[key] != nil {
				p.Changes = append(p.Changes, MemoryChange{Key: toldPrefix + key})
			}
			continue
		}
		p.Changes = append(p.Changes, MemoryChange{toldPrefix + key, mustJSON(p.told[key])})
	}
	for _, key := range slices.Sorted(maps.Keys(p.held)) {
		if p.held[key] == nil {
			p.Changes = append(p.Changes, MemoryChange{Key: heldPrefix + key})
			continue
		}
		p.Changes = append(p.Changes, MemoryChange{heldPrefix + key, mustJSON(p.held[key])})
	}
}

// mustJSON marshals a value of ours, which cannot fail.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
