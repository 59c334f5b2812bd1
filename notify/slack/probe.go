package slack

import (
	"context"
	"fmt"
	"net/url"

	slackapi "github.com/slack-go/slack"

	"watchdog/notify/post"
)

// Probe asks Slack whose token it is, and where there are buttons, whether they would be heard. Of an
// incoming webhook it can only see whether its host is
// there. It posts nothing, and says what it found.
func (s *Sink) Probe(ctx context.Context) (found string, err error) {
	if s.webhook != "" {
		u, err := url.Parse(s.webhook.Reveal())
		if err != nil {
			return "", fmt.Errorf("connect to %s: this is not a URL", s.where)
		}
		return post.Reach(ctx, u)
	}
	options := []slackapi.Option{slackapi.OptionHTTPClient(s.client)}
	if s.apiURL != "" {
		options = append(options, slackapi.OptionAPIURL(s.apiURL))
	}
	api := slackapi.New(s.token.Reveal(), append(options, slackapi.OptionAppLevelToken(s.app.Reveal()))...)
	who, err := api.AuthTestContext(ctx)
	if err != nil {
		return "", fmt.Errorf("ask Slack who we are: %s", s.shown(err.Error()))
	}
	found = fmt.Sprintf("@%s of %s", who.User, who.Team)
	if s.app == "" {
		return found, nil
	}
	if _, _, err := api.StartSocketModeContext(ctx); err != nil {
		return "", fmt.Errorf("open a connection for buttons, by the app_token: %s", s.shown(err.Error()))
	}
	return found + ", with buttons", nil
}
