package notify

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"watchdog/alert"
)

// escalate takes the steps of a route that are due. Who was called in before, by this or another
// route, is not called again.
func (s *planning) escalate(route *route, a *alert.Alert, t *told) {
	if s.acknowledged(a) || s.blind() && !a.Subject().IsServer() {
		return
	}
	for _, step := range route.escalate {
		due := route.toldSince(t).Add(step.After)
		if s.in.Now.Before(due) {
			s.wakeAt(due)
			return
		}
		for _, sink := range step.To {
			if _, knows := t.Sinks[sink]; knows {
				continue
			}
			t.Sinks[sink] = s.tell(sink, route, alert.Transition{Reason: alert.ReasonEscalated, At: s.in.Now, Alert: *a}, heard{})
		}
	}
}

// toldSince is when the first of the route's own sinks heard of the alert: whoever is told late, for
// a silence or a window, has as long as anybody to say that they have it.
func (r *route) toldSince(t *told) time.Time {
	since := time.Time{}
	for _, sink := range r.to {
		h, knows := t.Sinks[sink]
		if knows && !h.First.IsZero() && (since.IsZero() || h.First.Before(since)) {
			since = h.First
		}
	}
	if since.IsZero() {
		return t.Since
	}
	return since
}

// rises tells of a rise in severity whoever knows of the alert and is on none of its routes: who was
// called in, or was told by a route that it has left.
func (s *planning) rises(a *alert.Alert, next *told, muted string) {
	lower := map[string]bool{}
	for sink, h := range next.Sinks {
		if a.Severity > h.Severity {
			lower[sink] = true
		}
	}
	if len(lower) == 0 {
		return
	}
	for sink := range s.router.sinksFor(a) {
		delete(lower, sink) // told with its route, or held back with it
	}
	for _, sink := range slices.Sorted(maps.Keys(lower)) {
		route := s.routeTo(sink, a)
		if route == nil {
			continue
		}
		if quiet := cmp.Or(muted, s.inWindow(route)); quiet != "" {
			s.plan.Muted[a.Fingerprint] = quiet
			continue
		}
		next.Sinks[sink] = s.tell(sink, route, alert.Transition{Reason: alert.ReasonSeverity, At: s.in.Now, Alert: *a}, next.Sinks[sink])
	}
}
