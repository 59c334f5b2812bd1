package notify

import (
	"math"
	"slices"
	"time"

	"watchdog/alert"
)

// acknowledged reports whether somebody has the alert.
func (s *planning) acknowledged(a *alert.Alert) bool {
	_, ok := s.ackOf(a)
	return ok
}

// remindDue reports whether a sink is to be reminded now, and otherwise wakes for it.
func (s *planning) remindDue(route *route, h heard) bool {
	due, ok := s.reminderAt(route, h)
	if ok && !s.in.Now.Before(due) {
		return true
	}
	s.wakeForReminder(route, h)
	return false
}

func (s *planning) wakeForReminder(route *route, h heard) {
	if due, ok := s.reminderAt(route, h); ok {
		s.wakeAt(due)
	}
}

// reminderAt is when a sink is reminded next. Nobody is while the server cannot be read: then
// nobody knows whether the alert still fires.
func (s *planning) reminderAt(route *route, h heard) (time.Time, bool) {
	if route.repeat <= 0 || s.blind() {
		return time.Time{}, false
	}
	wait := float64(route.repeat) * math.Pow(route.backoff, float64(h.Reminders))
	return h.At.Add(time.Duration(min(wait, math.MaxInt64/2))), true
}

// blind reports whether the server cannot be read, by the built-in rule or the user's own of
// its name.
func (s *planning) blind() bool {
	return slices.ContainsFunc(s.firing, func(a alert.Alert) bool {
		return a.Rule == "server-unreachable" && a.Subject().IsServer()
	})
}
