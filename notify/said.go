package notify

import (
	"slices"
	"time"

	"watchdog/alert"
)

// Said is what people have said of one alert that still counts. The zero value is nothing.
type Said struct {
	AckedBy string    `json:"acked_by,omitempty"` // who has it
	AckedAt time.Time `json:"acked_at,omitzero"`
	// SilencedBy is who muted it, until SilencedUntil; where that is zero, until it resolves.
	SilencedBy    string    `json:"silenced_by,omitempty"`
	SilencedUntil time.Time `json:"silenced_until,omitzero"`
}

func (s Said) equal(t Said) bool {
	return s.AckedBy == t.AckedBy && s.AckedAt.Equal(t.AckedAt) &&
		s.SilencedBy == t.SilencedBy && s.SilencedUntil.Equal(t.SilencedUntil)
}

// after is in a word what became of it, after what had been said before.
func (s Said) after(before Said) alert.Reason {
	switch {
	case s.SilencedBy != "" && (s.SilencedBy != before.SilencedBy || !s.SilencedUntil.Equal(before.SilencedUntil)):
		return alert.ReasonSilenced
	case s.AckedBy != "" && (s.AckedBy != before.AckedBy || !s.AckedAt.Equal(before.AckedAt)):
		return alert.ReasonAcknowledged
	default:
		return alert.ReasonReleased
	}
}

// said is what people have said of an alert that fires.
func (s *planning) said(a *alert.Alert) Said {
	var said Said
	ack, acked := s.ackOf(a)
	if acked {
		said.AckedBy, said.AckedAt = ack.By, ack.At
	}
	if acked && ack.Mute {
		said.SilencedBy = ack.By
	} else if one := s.silenceOf(a); one != nil {
		said.SilencedBy, said.SilencedUntil = one.CreatedBy, one.EndsAt
	}
	return said
}

// ackOf is who has an alert that fires.
func (s *planning) ackOf(a *alert.Alert) (Ack, bool) {
	ack, ok := s.in.Standing.Acks[a.Fingerprint]
	return ack, ok && ack.Holds(a)
}

// silenceOf is the silence that mutes an alert now, of several the one that ends last; nil when
// none does.
func (s *planning) silenceOf(a *alert.Alert) *Silence {
	var last *Silence
	for i := range s.in.Standing.Silences {
		one := &s.in.Standing.Silences[i]
		if one.mutes(a, s.in.Now) && (last == nil || one.EndsAt.After(last.EndsAt)) {
			last = one
		}
		if s.in.Now.Before(one.StartsAt) {
			s.wakeAt(one.StartsAt)
		}
	}
	if last != nil {
		s.wakeAt(last.EndsAt)
	}
	return last
}

// follow tells the sinks that follow what people say, and know of an alert, when that has changed.
func (s *planning) follow(a *alert.Alert, next *told) {
	for _, sink := range s.router.followers {
		h, knows := next.Sinks[sink]
		said := s.said(a)
		if !knows || said.equal(h.Said) {
			continue
		}
		if route := s.routeTo(sink, a); route != nil {
			s.say(sink, h.group(route, a), route.wait, alert.Transition{Reason: said.after(h.Said), At: s.in.Now, Alert: *a})
		}
		h.Said = said
		next.Sinks[sink] = h
	}
}

// saidTo is what a sink that is told of an alert hears of what people have said of it.
func (s *planning) saidTo(sink string, a *alert.Alert) Said {
	if a.Status != alert.StatusFiring || !slices.Contains(s.router.followers, sink) {
		return Said{}
	}
	return s.said(a)
}
