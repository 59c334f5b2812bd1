// Package shoutrrr tells alerts to the services that have no sink of their own, by the library of
// that name: a title and a short plain text.
//
// The library knows no context and says no status: an attempt that hangs cannot be ended, only left
// behind, and every failure is tried again.
package shoutrrr

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"watchdog/diag"
	"watchdog/notify"
	"watchdog/secret"
)

// Config is a service as it is written in YAML.
type Config struct {
	// URL names the service and holds its credentials, as
	// https://shoutrrr.nickfedor.com describes them: ntfy://:TOKEN@ntfy.sh/oncall
	URL secret.String `yaml:"url"`
}

// Empty reports whether there is nowhere to send to.
func (c Config) Empty() bool { return c.URL == "" }

// Problems are the mistakes in c. A service is not set up for it: some of them sign in then.
func (c Config) Problems() []diag.Problem {
	const hint = "write it like ntfy://:TOKEN@ntfy.sh/oncall"
	if c.Empty() {
		return []diag.Problem{diag.Problemf("url", hint, "url is missing")}
	}
	u, err := url.Parse(c.URL.Reveal())
	if err != nil || u.Scheme == "" {
		return []diag.Problem{diag.Problemf("url", hint, "this is not a URL")}
	}
	service, _, _ := strings.Cut(u.Scheme, "+")
	if instead, is := unfit[service]; is {
		return []diag.Problem{diag.Problemf("url", instead, "the library is not to be trusted with this service")}
	}
	known := services()
	if !slices.Contains(known, service) {
		near := diag.DidYouMean(service, known)
		if near == "" {
			near = "the services are " + strings.Join(known, ", ")
		}
		return []diag.Problem{diag.Problemf("url", near, "the URL names no service that is known")}
	}
	return nil
}

// unfit are services that are not used, and what to use instead. The library's telegram takes a
// network error, and an answer that is no JSON, for success (seen with v0.13.2): alerts would be
// lost. Its pagerduty resolves nothing, and its logger tells nobody.
var unfit = map[string]string{
	"telegram":  "use a webhook with a body, as docs/sinks.md shows",
	"pagerduty": "use the kind pagerduty",
	"logger":    "use the kind terminal",
}

// services are those that are used.
func services() []string {
	known := slices.DeleteFunc(new(router.ServiceRouter).ListServices(), func(s string) bool { return unfit[s] != "" })
	slices.Sort(known)
	return known
}

// Sink tells one service, one message at a time.
type Sink struct {
	url     secret.String
	service string
	hide    *strings.Replacer
	busy    atomic.Bool // an attempt goes on, perhaps left behind
}

// New makes a sink of a config without problems.
func New(c Config) (*Sink, error) {
	for _, p := range c.Problems() {
		return nil, errors.New(p.Message)
	}
	u, err := url.Parse(c.URL.Reveal())
	if err != nil {
		return nil, errors.New("this is not a URL")
	}
	return &Sink{url: c.URL, service: u.Scheme, hide: secret.Masker(parts(u)...)}, nil
}

// parts are all pieces of a URL: in which of them a service has its token is its own affair, and
// it may put them together anew.
func parts(u *url.URL) []string {
	all := []string{u.String(), u.RawQuery}
	for _, values := range u.Query() {
		all = append(all, values...)
	}
	rest := []string{u.Host, u.Path, u.Opaque, u.Fragment}
	if u.User != nil {
		password, _ := u.User.Password()
		rest = append(rest, u.User.Username(), password)
	}
	for _, part := range rest {
		all = append(all, part)
		all = append(all, strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune("/:@-", r) })...)
	}
	return slices.DeleteFunc(all, func(part string) bool { return len(part) < minPart })
}

// minPart keeps words like bot, hook and api readable.
const minPart = 6

// errBusy is for the next attempt while one that was left behind goes on: what it sends late may
// come twice, but there are never more than one.
var errBusy = errors.New("the attempt before has not ended yet")

// Send tells the service. Where it does not answer, it is left alone when ctx ends.
func (s *Sink) Send(ctx context.Context, m *notify.Message) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("send by %s: %w", s.service, err)
	}
	if !s.busy.CompareAndSwap(false, true) {
		return fmt.Errorf("send by %s: %w", s.service, errBusy)
	}
	done := make(chan error, 1)
	go func() {
		defer s.busy.Store(false)
		done <- s.shout(m)
	}()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("send by %s: %s", s.service, s.shown(err))
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("send by %s: %w", s.service, ctx.Err())
	}
}

// shout sends by the library. What it panics at is an error like any other.
func (s *Sink) shout(m *notify.Message) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	service, err := new(router.ServiceRouter).Locate(s.url.Reveal())
	if err != nil {
		return err
	}
	params := types.Params{}
	if s.service != "wecom" { // which takes a title for a mistake
		params.SetTitle(m.Headline())
	}
	return service.Send(text(m), &params)
}

// addresses are URLs in what the library says; most hold a token.
var addresses = regexp.MustCompile(`[a-z]+://[^\s"']+`)

// shown is an error of the library, fit for people.
func (s *Sink) shown(err error) string {
	return notify.Excerpt(s.hide.Replace(addresses.ReplaceAllString(err.Error(), secret.Mask)))
}
