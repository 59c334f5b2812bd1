// Package slack tells alerts to people in a Slack channel, by a bot or an incoming webhook.
//
// What is said (render.go, draw.go, story.go, others.go, markup.go) knows nothing of how it is sent
// (send.go, thread.go, heard.go), and the other way round. What a bot's post becomes by a message
// is decided in card.go, by a function that does nothing else; socket.go hears the buttons.
package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"watchdog/diag"
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

// Sink posts messages to one channel. It may send several at the same time.
type Sink struct {
	client  *http.Client
	token   secret.String
	channel string
	apiURL  string            // ends in a slash; empty: Slack's own
	webhook secret.String     // in place of token and channel
	app     secret.String     // with it buttons are heard, so they are shown
	where   string            // for errors: "Slack channel #oncall"
	hide    *strings.Replacer // masks the secrets in what Slack, or who claims to be, answers
}

// New makes a sink of a config without problems.
func New(c Config, o Options) (*Sink, error) {
	for _, p := range c.Problems() {
		if p.Level != diag.Lint {
			return nil, errors.New(p.Message)
		}
	}
	s := &Sink{client: o.Client, token: c.Token, channel: strings.TrimSpace(c.Channel), webhook: c.WebhookURL, app: c.AppToken}
	if s.client == nil {
		s.client = &http.Client{} // not the one of all, which others may change
	}
	if c.APIURL != "" {
		s.apiURL = strings.TrimSuffix(c.APIURL, "/") + "/"
	}
	s.where, s.hide = "Slack channel "+s.channel, hider(c.Token.Reveal(), c.AppToken.Reveal())
	if c.WebhookURL != "" {
		u, err := post.Address(c.WebhookURL.Reveal())
		if err != nil {
			return nil, err
		}
		s.where, s.hide = "the Slack webhook at "+u.Host, webhookHider(u)
	}
	return s, nil
}

// webhookHider hides a webhook's URL, of which every part but the host is secret.
func webhookHider(u *url.URL) *strings.Replacer {
	secrets := []string{u.String(), u.RequestURI(), u.EscapedPath(), u.Path, strings.Trim(u.Path, "/"), u.RawQuery}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= 16 { // the last part is the key to it
			secrets = append(secrets, part)
		}
	}
	if u.User != nil {
		secrets = append(secrets, u.User.String())
	}
	return hider(secrets...)
}

// hider masks secrets; the longer ones come first.
func hider(secrets ...string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if len(s) > 2 {
			pairs = append(pairs, s, secret.Mask, url.QueryEscape(s), secret.Mask)
		}
	}
	return strings.NewReplacer(pairs...)
}

// Preview is the message as JSON, as an incoming webhook would get it, or as a bot posts it first.
func (s *Sink) Preview(m *notify.Message) ([]byte, error) {
	post := render(m)
	if s.webhook == "" {
		first, _ := card{}.step(m)
		post = first.draw(m, s.app != "" && !m.Test)
	}
	text, err := json.Marshal(post)
	if err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // slack-go's own types always escape
	enc.SetIndent("", "  ")
	err = enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
