package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"watchdog/diag"
	"watchdog/notify"
	"watchdog/store"
)

// Said is where what people say is kept. What is written there counts at once.
type Said interface {
	// Standing is what still counts at a time.
	Standing(ctx context.Context, now time.Time) (*notify.Standing, error)
	// PutSilence keeps a silence, and gives it an id where it has none.
	PutSilence(ctx context.Context, silence *notify.Silence) error
	// ExpireSilence ends a silence that has not ended; the error is store.ErrNoSilence where there
	// is none of that id.
	ExpireSilence(ctx context.Context, id string, at time.Time) (*notify.Silence, error)
	Acknowledge(ctx context.Context, fingerprint string, ack notify.Ack) error
	Unacknowledge(ctx context.Context, fingerprint string) error
}

// maxSilences is how many may stand at a time: each is held against each alert, again and again.
const maxSilences = 1000

type silenceList struct {
	Silences []notify.Silence `json:"silences"`
}

func (s *Server) listSilences(r *request) (any, error) {
	standing, err := s.Said.Standing(r.Context(), time.Now())
	if err != nil {
		return nil, err
	}
	return silenceList{append([]notify.Silence{}, standing.Silences...)}, nil
}

// newSilence is a silence that somebody asks for.
type newSilence struct {
	Match map[string][]string `json:"match"`
	// For is how long it lasts, from now or from starts_at; or EndsAt is when it ends.
	For       string     `json:"for,omitempty"`
	StartsAt  *time.Time `json:"starts_at,omitempty"`
	EndsAt    *time.Time `json:"ends_at,omitempty"`
	CreatedBy string     `json:"created_by,omitempty"`
	Comment   string     `json:"comment,omitempty"`
}

// silence is what is asked for, and the mistakes in it.
func (n *newSilence) silence(author string, now time.Time) (*notify.Silence, mistakes) {
	one := &notify.Silence{Match: n.Match, StartsAt: now, CreatedBy: author, Comment: n.Comment}
	if n.StartsAt != nil {
		one.StartsAt = n.StartsAt.UTC()
	}
	switch {
	case n.For != "" && n.EndsAt != nil:
		return nil, mistakes{diag.Problemf("for", "give one of them", "for and ends_at both say when it ends")}
	case n.For != "":
		lasts, err := time.ParseDuration(n.For)
		if err != nil {
			return nil, mistakes{diag.Problemf("for", "write it like 90m or 24h", "%.40q is not a duration", n.For)}
		}
		one.EndsAt = one.StartsAt.Add(lasts)
	case n.EndsAt != nil:
		one.EndsAt = n.EndsAt.UTC()
	}
	wrong := mistakes(one.Problems(now))
	return one, wrong
}

// Silenced is a silence that was made.
type Silenced struct {
	notify.Silence
	// Warnings are what in it no alert fits: it may mute nothing. Absent where all is well.
	Warnings []string `json:"warnings,omitempty"`
}

// NewSilenced says of a silence what in it no alert fits.
func NewSilenced(one *notify.Silence, known notify.Vocabulary) Silenced {
	made := Silenced{Silence: *one}
	for _, p := range known.Misfits(one.Match) {
		made.Warnings = append(made.Warnings, strings.TrimSuffix(p.Message+"; "+p.Hint, "; "))
	}
	return made
}

func (s *Server) createSilence(r *request) (any, error) {
	asked := r.body.(*newSilence)
	now := time.Now().UTC().Truncate(time.Microsecond)
	one, wrong := asked.silence(r.author(asked.CreatedBy), now)
	if len(wrong) > 0 {
		return nil, wrong
	}
	standing, err := s.Said.Standing(r.Context(), now)
	if err != nil {
		return nil, err
	}
	if len(standing.Silences) >= maxSilences {
		return nil, &failure{http.StatusConflict, fmt.Sprintf("%d silences stand already; let some of them expire", maxSilences)}
	}
	// What was begun is finished, even for somebody who goes away.
	if err := s.Said.PutSilence(context.WithoutCancel(r.Context()), one); err != nil {
		return nil, err
	}
	s.feed.said("silence", one.CreatedBy)
	return NewSilenced(one, s.now.Load().Vocabulary), nil
}

func (s *Server) expireSilence(r *request) (any, error) {
	one, err := s.Said.ExpireSilence(context.WithoutCancel(r.Context()), r.get("id"), time.Now().UTC().Truncate(time.Microsecond))
	if errors.Is(err, store.ErrNoSilence) {
		return nil, &failure{http.StatusNotFound, fmt.Sprintf("there is no silence %q", r.get("id"))}
	}
	if err != nil {
		return nil, err
	}
	s.feed.said("expire", r.author(""))
	return one, nil
}
