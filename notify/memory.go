package notify

import (
	"encoding/json"
	"fmt"
	"time"

	"watchdog/alert"
)

// Memory is what is remembered of who was told what about one server. One goroutine owns it:
// Step reads it, Apply is the only way it changes.
type Memory struct {
	told map[string]*told  // by fingerprint: the alerts that fire
	held map[string]*group // by key: the groups that wait
	wake time.Time         // when the next thing is due by time alone; zero: nothing is

	// What the last step went by. Where all of it is as it was, and the clock was not set back,
	// there is nothing to do.
	at       time.Time
	router   *Router
	standing *Standing
}

// NewMemory remembers nothing yet.
func NewMemory() *Memory {
	return &Memory{told: map[string]*told{}, held: map[string]*group{}}
}

// told is who was told of one alert. It is replaced, never changed.
type told struct {
	Since time.Time        `json:"since"` // since when it fires
	Sinks map[string]heard `json:"sinks"` // by name
	// Muted is why it is not told, "" when it is or was.
	Muted string `json:"muted,omitempty"`
}

// at is a copy for a step at a time, in which nothing was told later than that: where the clock was
// set back, reminders and escalations wait from then on, and never longer than their route says.
func (t *told) at(now time.Time) told {
	next := *t
	next.Since = notAhead(t.Since, now)
	next.Sinks = make(map[string]heard, len(t.Sinks))
	for sink, h := range t.Sinks {
		h.At, h.First = notAhead(h.At, now), notAhead(h.First, now)
		next.Sinks[sink] = h
	}
	return next
}

// slowLook is how much older than the step before it a step may be where nobody set the clock: it
// goes by the time of a look, which took its time.
const slowLook = time.Minute

// setBack reports whether the clock was set back between a moment that has been and now.
func setBack(been, now time.Time) bool { return been.Sub(now) > slowLook }

func notAhead(been, now time.Time) time.Time {
	if setBack(been, now) {
		return now
	}
	return been
}

// heard is what one sink was told last.
type heard struct {
	At    time.Time `json:"at"`
	First time.Time `json:"first,omitzero"` // when it heard of the alert at all; zero where an older version told it
	// Group are the labels of the group in which it heard of the alert first. There it hears all
	// else, whatever becomes of them: what was begun in one place is not ended in another. Nil where
	// an older version told it.
	Group     map[string]string `json:"group,omitempty"`
	Severity  alert.Severity    `json:"severity"`
	Reminders int               `json:"reminders,omitempty"`
	Said      Said              `json:"said,omitzero"` // what people had said, where the sink follows that
}

// MemoryChange is the new value of one thing that is remembered.
type MemoryChange struct {
	Key  string
	Body []byte // JSON; nil: it is forgotten
}

const (
	toldPrefix = "told "
	heldPrefix = "held "
)

// Restore takes back what one MemoryChange wrote.
func (m *Memory) Restore(key string, body []byte) error {
	var err error
	switch {
	case len(key) > len(toldPrefix) && key[:len(toldPrefix)] == toldPrefix:
		t := &told{}
		err = json.Unmarshal(body, t)
		m.told[key[len(toldPrefix):]] = t
	case len(key) > len(heldPrefix) && key[:len(heldPrefix)] == heldPrefix:
		g := &group{}
		err = json.Unmarshal(body, g)
		m.held[key[len(heldPrefix):]] = g
	default:
		err = fmt.Errorf("it is of no kind that this program knows")
	}
	if err != nil {
		return fmt.Errorf("what is remembered under %q cannot be read: %w", key, err)
	}
	return nil
}

// Wake is when the next thing is due by the passing of time alone; zero when nothing is.
func (m *Memory) Wake() time.Time { return m.wake }

// Apply makes a committed plan the memory.
func (m *Memory) Apply(p *Plan) {
	if p.skipped {
		return
	}
	for key, t := range p.told {
		if t == nil {
			delete(m.told, key)
		} else {
			m.told[key] = t
		}
	}
	for key, g := range p.held {
		if g == nil {
			delete(m.held, key)
		} else {
			m.held[key] = g
		}
	}
	m.wake, m.at, m.router, m.standing = p.Wake, p.at, p.router, p.standing
}

// Muted is why nobody is told of an alert that fires, "" when somebody is.
func (m *Memory) Muted(fingerprint string) string {
	if t := m.told[fingerprint]; t != nil && len(t.Sinks) == 0 {
		return t.Muted
	}
	return ""
}
