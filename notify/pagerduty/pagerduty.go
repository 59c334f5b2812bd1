// Package pagerduty tells alerts to a service of PagerDuty by its Events API v2: each alert is an
// event that triggers, acknowledges or resolves what bears its fingerprint.
//
// A message of several alerts takes several requests. What was taken is remembered from one
// attempt to the next, and where even that is lost a repeat is harmless: PagerDuty knows an event
// by its dedup key.
package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"watchdog/notify"
	"watchdog/notify/post"
	"watchdog/secret"
)

// Options are what a Sink needs beside its config.
type Options struct {
	// Client sends; it follows no redirect, whatever its policy. Nil means one that is
	// as patient as the context.
	Client *http.Client
}

// Sink sends events to one service. It may send several messages at the same time.
type Sink struct {
	client *post.Client
	url    *url.URL
	key    secret.String
}

// New makes a sink of a config without problems.
func New(c Config, o Options) (*Sink, error) {
	address, err := post.Address(c.address())
	if err != nil {
		return nil, err
	}
	secrets := append(post.URLSecrets(address), c.RoutingKey.Reveal())
	return &Sink{client: post.New(o.Client, secrets...), url: address, key: c.RoutingKey}, nil
}

// Send sends an event for each alert of m.
func (s *Sink) Send(ctx context.Context, m *notify.Message) error {
	_, err := s.Resume(ctx, m, nil)
	return err
}

// Resume sends an event for each alert of m that the last attempt did not get through, in the order
// in which they happened. An event that is refused for good does not keep back the others; the
// first that has to be tried again does, since PagerDuty is then down or busy.
func (s *Sink) Resume(ctx context.Context, m *notify.Message, memory []byte) ([]byte, error) {
	progress := notify.ResumeProgress(m, memory)
	var refusals []error
	for _, i := range m.Chronology() {
		step := strconv.Itoa(i)
		if progress.Has(step) || silent(&m.Alerts[i]) {
			continue
		}
		err := s.send(ctx, newEvent(m, &m.Alerts[i]))
		if refused := (*notify.Refused)(nil); errors.As(err, &refused) {
			refusals = append(refusals, err)
			continue
		}
		if err != nil {
			return progress.Memory(), err
		}
		progress.Did(step)
	}
	if len(refusals) > 0 {
		return progress.Memory(), &notify.Refused{Err: refused(refusals, len(m.Alerts))}
	}
	return progress.Memory(), nil
}

// refused says which one of several refusals was the first, and how many there are.
func refused(refusals []error, events int) error {
	if events == 1 {
		return refusals[0]
	}
	return fmt.Errorf("%d of %d events: %w", len(refusals), events, refusals[0])
}

func (s *Sink) send(ctx context.Context, e *event) error {
	e.RoutingKey = s.key.Reveal()
	body, err := notify.PlainJSON(e)
	if err != nil {
		return &notify.Refused{Err: fmt.Errorf("write the event: %w", err)}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url.String(), bytes.NewReader(body))
	if err != nil {
		return &notify.Refused{Err: errors.New("the URL makes no request")} // its own error would show it
	}
	request.Header.Set("Content-Type", "application/json")
	return s.client.Send(request)
}

// Preview is the events that would be sent, one after the other, without the routing key.
func (s *Sink) Preview(m *notify.Message) ([]byte, error) {
	var all []byte
	for _, i := range m.Chronology() {
		if silent(&m.Alerts[i]) {
			continue
		}
		e := newEvent(m, &m.Alerts[i])
		e.RoutingKey = s.key.String()
		body, err := notify.PlainJSON(e)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := json.Indent(&b, body, "", "  "); err != nil {
			return nil, err
		}
		all = append(append(all, b.Bytes()...), '\n')
	}
	return bytes.TrimSuffix(all, []byte("\n")), nil
}

// Probe connects to PagerDuty's host and sends nothing: there is no way to ask whether a routing
// key is good. It says what it found.
func (s *Sink) Probe(ctx context.Context) (found string, err error) { return post.Reach(ctx, s.url) }
