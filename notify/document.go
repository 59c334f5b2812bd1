package notify

import (
	"bytes"
	"encoding/json"
	"time"

	"watchdog/alert"
)

// Document is a message as programs are told it: the body that docs/webhook.md and
// docs/webhook.schema.json describe. Fields may be added, never renamed.
type Document struct {
	Version string             `json:"version"`
	ID      string             `json:"id"`
	Type    string             `json:"type"`
	Sink    string             `json:"sink"`
	Group   map[string]string  `json:"group"`
	SentAt  time.Time          `json:"sent_at"`
	URL     string             `json:"url"`
	Alerts  []alert.Transition `json:"alerts"`
	// Digest marks what was several messages, which waited while the receiver was away.
	Digest bool `json:"digest,omitempty"`
	// Test marks a message sent by hand to try the sink.
	Test bool `json:"test,omitempty"`
	// BodyError is why this is not what the config's template makes.
	BodyError string `json:"body_error,omitempty"`
}

// NewDocument is the document of m, sent at this time: all times in UTC, no map or list null.
func NewDocument(m *Message, sentAt time.Time) *Document {
	d := &Document{
		Version: "1", ID: m.ID, Type: "alerts", Sink: m.Sink, Group: notNil(m.Group),
		SentAt: sentAt.UTC().Truncate(time.Millisecond), URL: m.URL,
		Alerts: make([]alert.Transition, len(m.Alerts)), Digest: m.Digest, Test: m.Test,
	}
	for i, a := range m.Alerts {
		a.Labels = notNil(a.Labels)
		a.At, a.StartsAt = a.At.UTC(), a.StartsAt.UTC()
		a.EndsAt, a.QuietSince = utc(a.EndsAt), utc(a.QuietSince)
		d.Alerts[i] = a
	}
	return d
}

func notNil(labels map[string]string) map[string]string {
	if labels == nil {
		return map[string]string{}
	}
	return labels
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := t.UTC()
	return &at
}

// JSON is the document in one line.
func (d *Document) JSON() ([]byte, error) { return PlainJSON(d) }

// PlainJSON is v as JSON in one line, in which <, > and & stand for themselves.
func PlainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
