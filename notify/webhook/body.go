package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"watchdog/alert"
	"watchdog/notify"
)

// document is the body of SPEC 5. Fields may be added, never renamed.
type document struct {
	Version string             `json:"version"`
	ID      string             `json:"id"`
	Type    string             `json:"type"`
	Sink    string             `json:"sink"`
	Group   map[string]string  `json:"group"`
	SentAt  time.Time          `json:"sent_at"`
	URL     string             `json:"url"`
	Alerts  []alert.Transition `json:"alerts"`
	// Test marks a message sent by hand to try the sink.
	Test bool `json:"test,omitempty"`
	// BodyError is why this is not what the config's template makes.
	BodyError string `json:"body_error,omitempty"`
}

// newDocument is the document of m, sent at this time: all times in UTC, no map or list null.
func newDocument(m *notify.Message, sentAt time.Time) *document {
	d := &document{
		Version: "1", ID: m.ID, Type: "alerts", Sink: m.Sink, Group: notNil(m.Group),
		SentAt: sentAt.UTC().Truncate(time.Millisecond), URL: m.URL,
		Alerts: make([]alert.Transition, len(m.Alerts)), Test: m.Test,
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

func (d *document) json() ([]byte, error) { return plainJSON(d) }

// plainJSON is v as JSON in which <, > and & stand for themselves.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// fields is the document as a template sees it, by the keys of its JSON. Labels and groups are
// maps of strings, so that one which is missing reads as empty.
func (d *document) fields() (map[string]any, error) {
	text, err := d.json()
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // error_count stays 12, and never becomes 1.2e+01
	var fields map[string]any
	if err := dec.Decode(&fields); err != nil {
		return nil, fmt.Errorf("read back the standard body: %w", err)
	}
	fields["group"] = maps.Clone(d.Group)
	for i, a := range fields["alerts"].([]any) {
		a.(map[string]any)["labels"] = maps.Clone(d.Alerts[i].Labels)
	}
	return fields, nil
}
