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

// Send posts m.
func (s *Sink) Send(ctx context.Context, m *notify.Message) error {
	now := time.Now()
	client, h := listen(s.client)
	post := render(m)
	if s.webhook != "" {
		err := slackapi.PostWebhookCustomHTTPContext(ctx, s.webhook.Reveal(), client, post)
		switch {
		case h.status == 0:
			return s.failed(err)
		case h.status >= 200 && h.status < 300:
			return nil
		}
		return s.refused(h, strings.TrimSpace(h.body.String()), "", now)
	}
	err := s.postMessage(ctx, client, post)
	if h.status == 0 {
		return s.failed(err)
	}
	a, isSlack := h.answer()
	switch {
	case h.status == http.StatusOK && a.OK:
		return nil
	case h.status == http.StatusOK && ctx.Err() != nil:
		return s.failed(ctx.Err())
	case h.status == http.StatusOK && !isSlack:
		return fmt.Errorf("post to %s: this is no answer of Slack: %s", s.where, s.shown(h.body.String()))
	}
	return s.refused(h, a.Error, detail(a), now)
}

func (s *Sink) postMessage(ctx context.Context, client *http.Client, post *slackapi.WebhookMessage) error {
	options := []slackapi.Option{slackapi.OptionHTTPClient(client)}
	if s.apiURL != "" {
		options = append(options, slackapi.OptionAPIURL(s.apiURL))
	}
	_, _, err := slackapi.New(s.token.Reveal(), options...).PostMessageContext(ctx, s.channel,
		slackapi.MsgOptionText(post.Text, false),
		slackapi.MsgOptionBlocks(post.Blocks.BlockSet...),
		slackapi.MsgOptionAttachments(post.Attachments...),
		slackapi.MsgOptionDisableLinkUnfurl(), slackapi.MsgOptionDisableMediaUnfurl())
	return err
}

// detail is what Slack adds to an error's code.
func detail(a answer) string {
	if a.Needed != "" {
		return "needs the scope " + a.Needed
	}
	return strings.Join(a.ResponseMetadata.Messages, ", ")
}

// failed is an attempt that nobody answered. slack-go's error holds the URL, which is a secret.
func (s *Sink) failed(err error) error {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	if text := s.shown(err.Error()); text != err.Error() {
		err = errors.New(text)
	}
	return fmt.Errorf("post to %s: %w", s.where, err)
}

// refused is an answer that is no acceptance, with the code of the error if there is one.
func (s *Sink) refused(h *heard, code, detail string, now time.Time) error {
	hint, final := permanent[code]
	status, words := h.status, []string{"post to " + s.where}
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
	case code != "":
		words = append(words, s.shown(code), s.shown(detail), hint)
	case h.status == http.StatusOK:
		words = append(words, "refused without a reason")
	default:
		words = append(words, s.shown(h.body.String()))
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	return notify.Verdict(status, h.retryAfter, now, errors.New(strings.Join(words, ": ")))
}

// shown is what others said, fit for an error.
func (s *Sink) shown(text string) string { return notify.Excerpt(s.hide.Replace(text)) }
