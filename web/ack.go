package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"watchdog/alert"
	"watchdog/notify"
)

// newAck is what somebody says who has an alert.
type newAck struct {
	By      string `json:"by,omitempty"`
	Comment string `json:"comment,omitempty"`
	// Mute silences the alert as well, until it resolves.
	Mute bool `json:"mute,omitempty"`
}

// acknowledge notes who has an alert. Saying it again changes nothing.
func (s *Server) acknowledge(r *request) (any, error) {
	a, err := s.alert(r.get("fingerprint"))
	if err != nil {
		return nil, err
	}
	if a.Status != alert.StatusFiring {
		return nil, &failure{http.StatusConflict, "the alert is pending: there is nothing to be reminded of yet"}
	}
	said := r.body.(*newAck)
	ack := notify.Ack{By: r.author(said.By), At: time.Now().UTC().Truncate(time.Microsecond), Comment: said.Comment, Mute: said.Mute, StartsAt: a.StartsAt}
	if wrong := ack.Problems(); len(wrong) > 0 {
		return nil, mistakes(wrong)
	}
	standing, err := s.Said.Standing(r.Context(), ack.At)
	if err != nil {
		return nil, err
	}
	if before, is := standing.Acks[a.Fingerprint]; is && before.Holds(a) {
		again := ack
		again.At = before.At
		if again == before {
			return before, nil
		}
	}
	if err := s.Said.Acknowledge(context.WithoutCancel(r.Context()), a.Fingerprint, ack); err != nil {
		return nil, err
	}
	s.feed.said("acknowledge", ack.By)
	return ack, nil
}

// unacknowledge takes an acknowledgement back, where there is one.
func (s *Server) unacknowledge(r *request) (any, error) {
	a, err := s.alert(r.get("fingerprint"))
	if err != nil {
		return nil, err
	}
	if err := s.Said.Unacknowledge(context.WithoutCancel(r.Context()), a.Fingerprint); err != nil {
		return nil, err
	}
	s.feed.said("unacknowledge", r.author(""))
	return accepted{"nobody has it"}, nil
}

// alert is one that is pending or firing.
func (s *Server) alert(fingerprint string) (*alert.Alert, error) {
	for _, v := range s.Board.Views() {
		for i := range v.Alerts {
			if v.Alerts[i].Fingerprint == fingerprint {
				return &v.Alerts[i], nil
			}
		}
	}
	return nil, &failure{http.StatusNotFound, fmt.Sprintf("no alert %q is pending or firing", fingerprint)}
}
