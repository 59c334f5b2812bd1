// Package alertmanager hands alerts to Prometheus' Alertmanager by its API v2, for teams that have
// their routing there.
//
// Alertmanager ends an alert that it is not told of again, unless the alert says when it ends.
// Watchdog tells a change once, so it sets the end of what fires far ahead, and the true end when
// the alert resolves.
package alertmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

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

// Sink tells the Alertmanagers of one cluster. It may send several messages at the same time.
type Sink struct {
	client    *post.Client
	urls      []*url.URL
	headers   map[string]secret.String
	endsAfter time.Duration
}

// New makes a sink of a config without problems.
func New(c Config, o Options) (*Sink, error) {
	s := &Sink{headers: c.Headers, endsAfter: c.EndsAfter}
	if s.endsAfter == 0 {
		s.endsAfter = defaultEndsAfter
	}
	secrets := post.HeaderSecrets(c.Headers)
	for _, u := range c.URLs {
		to, err := address(u)
		if err != nil {
			return nil, err
		}
		s.urls = append(s.urls, to)
		secrets = append(secrets, post.URLSecrets(to)...)
	}
	if len(s.urls) == 0 {
		return nil, errors.New("urls is missing")
	}
	s.client = post.New(o.Client, secrets...)
	return s, nil
}

// Send tells every Alertmanager at the same time. As with Prometheus it counts when one has it:
// one that is down must not hold up what the others are to be told next.
func (s *Sink) Send(ctx context.Context, m *notify.Message) error {
	body, err := notify.PlainJSON(s.alerts(m, time.Now()))
	if err != nil {
		return &notify.Refused{Err: fmt.Errorf("write the alerts of %s: %w", m.ID, err)}
	}
	failures := make([]error, len(s.urls))
	var sending sync.WaitGroup
	for i, to := range s.urls {
		sending.Go(func() { failures[i] = s.send(ctx, to, body) })
	}
	sending.Wait()
	return verdict(failures)
}

// verdict is nil when one has it; else the first failure after which to try again, or the first
// refusal when all refused it for good. It names the others.
func verdict(failures []error) error {
	var worst error
	for _, err := range failures {
		var no *notify.Refused
		if err == nil {
			return nil
		}
		if worst == nil || errors.As(worst, &no) && !errors.As(err, &no) {
			worst = err
		}
	}
	if n := len(failures) - 1; n > 0 {
		return fmt.Errorf("%w (and %d more of the cluster)", worst, n)
	}
	return worst
}

func (s *Sink) send(ctx context.Context, to *url.URL, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return &notify.Refused{Err: errors.New("the URL makes no request")} // its own error would show it
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range s.headers {
		request.Header.Set(name, value.Reveal())
	}
	return s.client.Send(request)
}

// Preview is the body that each Alertmanager would be sent now.
func (s *Sink) Preview(m *notify.Message) ([]byte, error) {
	body, err := notify.PlainJSON(s.alerts(m, time.Now()))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Indent(&b, body, "", "  ")
	return b.Bytes(), err
}

// Probe asks every Alertmanager for its status. It says what it found.
func (s *Sink) Probe(ctx context.Context) (found string, err error) {
	for _, to := range s.urls {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, to.JoinPath("../status").String(), nil)
		if err != nil {
			return "", errors.New("the URL makes no request") // its own error would show it
		}
		for name, value := range s.headers {
			request.Header.Set(name, value.Reveal())
		}
		if err := s.client.Send(request); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d of %d answer", len(s.urls), len(s.urls)), nil
}
