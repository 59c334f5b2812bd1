// Package webhook tells alerts to programs: one POST of JSON for each message, signed by the
// Standard Webhooks scheme. docs/webhook.md is its contract with receivers.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

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

// Sink posts messages to one URL. It may send several at the same time.
type Sink struct {
	client  *post.Client
	method  string
	url     *url.URL
	headers map[string]secret.String
	signers []*standardwebhooks.Webhook
	body    *bodyTemplate // nil: the standard body
}

// New makes a sink of a config without problems.
func New(c Config, o Options) (*Sink, error) {
	address, err := post.Address(c.URL.Reveal())
	if err != nil {
		return nil, err
	}
	s := &Sink{client: post.New(o.Client, c.secrets(address)...), method: c.method(), url: address, headers: c.Headers}
	for _, one := range c.Secret {
		key, err := signingKey(one)
		if err != nil {
			return nil, err
		}
		if len(key) == 0 {
			continue
		}
		signer, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, fmt.Errorf("use the secret: %w", err)
		}
		s.signers = append(s.signers, signer)
	}
	if c.Body != "" {
		if s.body, err = newTemplate(c.Body); err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
	}
	return s, nil
}

// secrets are all that must not be shown of c.
func (c Config) secrets(address *url.URL) []string {
	all := append(post.URLSecrets(address), post.HeaderSecrets(c.Headers)...)
	for _, s := range c.Secret {
		all = append(all, s.Reveal(), strings.TrimPrefix(s.Reveal(), secretPrefix))
	}
	return all
}

// Preview is the body that would be sent now.
func (s *Sink) Preview(m *notify.Message) ([]byte, error) {
	body, _, err := s.render(m, time.Now())
	return body, err
}

// render makes the body and its content type. What a template cannot say is said by the standard
// body, with the reason.
func (s *Sink) render(m *notify.Message, now time.Time) (body []byte, contentType string, err error) {
	d := notify.NewDocument(m, now)
	if s.body != nil {
		if body, err = s.body.render(d); err == nil {
			return body, s.body.contentType(), nil
		}
		d.BodyError = err.Error()
	}
	body, err = d.JSON()
	return body, "application/json", err
}

// Send posts m. A status of 2xx means that the receiver has it, whatever the rest of the answer.
func (s *Sink) Send(ctx context.Context, m *notify.Message) error {
	request, err := s.request(ctx, m, time.Now())
	if err != nil {
		return &notify.Refused{Err: fmt.Errorf("make the webhook of %s: %w", m.ID, err)}
	}
	return s.client.Send(request)
}

// request is m as a request, signed at this moment.
func (s *Sink) request(ctx context.Context, m *notify.Message, now time.Time) (*http.Request, error) {
	body, contentType, err := s.render(m, now)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, s.method, s.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the URL makes no request") // its own error would show it
	}
	request.Header.Set("Content-Type", contentType)
	for name, value := range s.headers {
		request.Header.Set(name, value.Reveal())
	}
	request.Header.Set(standardwebhooks.HeaderWebhookID, m.ID)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	var signatures []string
	for _, signer := range s.signers {
		signature, err := signer.Sign(m.ID, now, body)
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		signatures = append(signatures, signature)
	}
	if signatures != nil {
		request.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	}
	return request, nil
}

// Probe connects to the receiver's host and sends nothing. It says what it found.
func (s *Sink) Probe(ctx context.Context) (found string, err error) { return post.Reach(ctx, s.url) }
