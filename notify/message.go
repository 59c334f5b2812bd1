// Package notify decides who hears what, and when. It is pure: it takes the transitions of one
// check and gives the messages they cause; others store them and send them.
//
// # Promises
//
// Every transition that a route takes is in exactly one message per sink of that route. A
// message's id is decided with it and never changes; what is put together into a digest is told
// under the id of the first.
//
// # Not promised
//
// That anything was sent: that is the outbox.
package notify

import (
	"context"
	"time"

	"watchdog/alert"
)

// MaxAlerts is how many transitions one message holds at most; more become further
// messages.
const MaxAlerts = 1000

// Message is one notification for one sink: one or more transitions of one group. Its JSON form
// is how the outbox stores it.
type Message struct {
	ID    string            `json:"id"`    // "dlv_" and 26 characters; never changes
	Sink  string            `json:"sink"`  // name in the config
	Group map[string]string `json:"group"` // the labels it is grouped by
	At    time.Time         `json:"at"`    // time of the snapshot that caused it
	URL   string            `json:"url"`   // external_url of the config; may be empty
	// Alerts are ordered by severity, critical first, then rule and subject; those of a digest as
	// they happened.
	Alerts []alert.Transition `json:"alerts"`
	// Digest marks what was several messages, which waited while the sink was away: a person
	// wants its Summary, a program every alert.
	Digest bool `json:"digest,omitempty"`
	// Said is what people have said of the alerts that fire, by fingerprint, for a sink that
	// follows it (Spec.Followers).
	Said map[string]Said `json:"said,omitempty"`
	// Test marks a message sent by hand to try a sink.
	Test bool `json:"test,omitempty"`
}

// Severity is the highest of the alerts that fire or happened; Info when all are resolved. In a
// digest what has resolved meanwhile does not count.
func (m *Message) Severity() alert.Severity {
	highest := alert.Info
	for _, t := range m.Shown() {
		if t.Status != alert.StatusResolved {
			highest = max(highest, t.Severity)
		}
	}
	return highest
}

// Status is firing where anything fires, else event where anything happened, else resolved.
func (m *Message) Status() alert.Status {
	all := alert.StatusResolved
	for i := range m.Alerts {
		switch m.Alerts[i].Status {
		case alert.StatusFiring:
			return alert.StatusFiring
		case alert.StatusEvent:
			all = alert.StatusEvent
		}
	}
	return all
}

// Sink says one message to one receiver. It is called by one goroutine at a time for each
// message, with a context that ends when the sink's time-out does.
//
// A nil error means the receiver has it. An error is tried again, unless it is a *Refused.
// No error may contain a secret: mask URLs.
type Sink interface {
	Send(ctx context.Context, m *Message) error
}

// Refused is a permanent refusal: the same message will never be taken. Which answers are
// permanent: HTTP 4xx other than 408, 425 and 429.
type Refused struct{ Err error }

func (r *Refused) Error() string { return r.Err.Error() }
func (r *Refused) Unwrap() error { return r.Err }

// Permanent marks it for the outbox, which knows no sink.
func (r *Refused) Permanent() bool { return true }

// Busy is a refusal for now, with the receiver's own word for how long to wait.
type Busy struct {
	Err   error
	After time.Duration
}

func (b *Busy) Error() string { return b.Err.Error() }
func (b *Busy) Unwrap() error { return b.Err }

// RetryAfter is at least how long the outbox waits.
func (b *Busy) RetryAfter() time.Duration { return b.After }
