package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"watchdog/notify"
)

// Send posts m, whatever was posted before.
func (s *Sink) Send(ctx context.Context, m *notify.Message) error {
	if s.webhook == "" {
		first, _ := card{}.step(m)
		_, err := s.call(ctx, "post", s.channel, slackapi.MsgOptionPost(), content(first.draw(m, s.app != "" && !m.Test)))
		return err
	}
	now := time.Now()
	client, h := listen(s.client)
	err := slackapi.PostWebhookCustomHTTPContext(ctx, s.webhook.Reveal(), client, render(m))
	switch {
	case h.status == 0:
		return s.failed("post", err)
	case h.status >= 200 && h.status < 300:
		return nil
	}
	return s.refused("post", h, s.said(h), "", now)
}

// content is what a message says.
func content(post *slackapi.WebhookMessage) slackapi.MsgOption {
	return slackapi.MsgOptionCompose(
		slackapi.MsgOptionText(post.Text, false),
		slackapi.MsgOptionBlocks(post.Blocks.BlockSet...),
		slackapi.MsgOptionAttachments(post.Attachments...),
		slackapi.MsgOptionDisableLinkUnfurl(), slackapi.MsgOptionDisableMediaUnfurl())
}

// call makes one call of the API for a channel, and gives its answer when Slack says yes. What is
// being done is for errors.
func (s *Sink) call(ctx context.Context, done, channel string, options ...slackapi.MsgOption) (answer, error) {
	now := time.Now()
	client, h := listen(s.client)
	use := []slackapi.Option{slackapi.OptionHTTPClient(client)}
	if s.apiURL != "" {
		use = append(use, slackapi.OptionAPIURL(s.apiURL))
	}
	_, _, _, err := slackapi.New(s.token.Reveal(), use...).SendMessageContext(ctx, channel, options...)
	if h.status == 0 {
		return answer{}, s.failed(done, err)
	}
	a, isSlack := h.answer()
	switch {
	case h.status == http.StatusOK && a.OK:
		return a, nil
	case h.status == http.StatusOK && ctx.Err() != nil:
		return a, s.failed(done, ctx.Err())
	case h.status == http.StatusOK && !isSlack:
		return a, fmt.Errorf("%s to %s: this is no answer of Slack: %s", done, s.where, s.shown(s.said(h)))
	}
	return a, s.refused(done, h, a.Error, detail(a), now)
}

// detail is what Slack adds to an error's code.
func detail(a answer) string {
	if a.Needed != "" {
		return "needs the scope " + a.Needed
	}
	return strings.Join(a.ResponseMetadata.Messages, ", ")
}

// failed is an attempt that nobody answered. slack-go's error holds the URL, which is a secret.
func (s *Sink) failed(done string, err error) error {
	err = unwrapURL(err)
	if text := s.shown(err.Error()); text != err.Error() {
		err = errors.New(text)
	}
	return fmt.Errorf("%s to %s: %w", done, s.where, err)
}

// unwrapURL is an error without the address, which may be a secret.
func unwrapURL(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return outer.Err
	}
	return err
}

// named is an error by the name that Slack has for it.
type named struct {
	text string // "channel_not_found"; "" where none was said
	err  error
}

func (c *named) Error() string { return c.err.Error() }
func (c *named) Unwrap() error { return c.err }

// refused is an answer that is no acceptance, with the name of the error if there is one.
func (s *Sink) refused(done string, h *heard, name, detail string, now time.Time) error {
	hint, final := permanent[name]
	status, words := h.status, []string{done + " to " + s.where}
	switch {
	case status == http.StatusOK && final:
		status = http.StatusBadRequest
	case status < 300:
		status = http.StatusServiceUnavailable // a passing error, or one who is not Slack
	}
	if h.status != http.StatusOK {
		words = append(words, h.statusText())
	}
	switch {
	case h.status >= 300 && h.status < 400:
		words = append(words, "redirects are not followed, check the URL", s.shown(h.location))
	case name != "":
		words = append(words, s.shown(name), s.shown(detail), hint)
	case h.status == http.StatusOK:
		words = append(words, "refused without a reason")
	default:
		words = append(words, s.shown(s.said(h)))
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	return notify.Verdict(status, h.retryAfter, now, &named{name, errors.New(strings.Join(words, ": "))})
}

// said is the beginning of an answer's body. A secret that ends behind what was read is not known for
// one, so less than that is given.
func (s *Sink) said(h *heard) string {
	text := s.hide.Replace(h.body.String())
	return strings.TrimSpace(text[:min(len(text), maxReason/2)])
}

// shown is what others said, fit for an error.
func (s *Sink) shown(text string) string { return notify.Excerpt(s.hide.Replace(text)) }
