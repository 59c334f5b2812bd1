package slack

import (
	"strings"
	"unicode"

	"watchdog/diag"
	"watchdog/notify/post"
	"watchdog/secret"
)

// Config is a Slack sink as it is written in YAML: a bot's token and a channel, or an
// incoming webhook.
type Config struct {
	Token secret.String `yaml:"token"` // of a bot: xoxb-…
	// Channel is a name with #, or an id, which also works for private channels.
	Channel string `yaml:"channel"`
	// AppToken is of the bot's app, xapp-…, with the scope connections:write. With it a message has
	// buttons, which are heard over Socket Mode: nothing has to reach Watchdog from outside.
	AppToken secret.String `yaml:"app_token"`
	// WebhookURL is an incoming webhook, which belongs to one channel. Whoever has it can post.
	WebhookURL secret.String `yaml:"webhook_url"`
	// APIURL is in place of https://slack.com/api/, for a proxy or GovSlack.
	APIURL string `yaml:"api_url"`
}

// Empty reports whether there is nobody to tell: neither token nor webhook.
func (c Config) Empty() bool { return c.Token == "" && c.WebhookURL == "" }

// Follows reports whether the sink shows who has an alert: a bot can change what it has posted.
func (c Config) Follows() bool { return c.Token != "" }

// Problems are the mistakes in c.
func (c Config) Problems() []diag.Problem {
	var all []diag.Problem
	add := func(field, hint, message string) {
		all = append(all, diag.Problem{Field: field, Message: message, Hint: hint})
	}
	switch {
	case c.Empty():
		add("", "set token and channel, or webhook_url", "there is neither a token nor a webhook_url")
		return all
	case c.Token != "" && c.WebhookURL != "":
		add("webhook_url", "keep one of them", "a token and a webhook_url are two ways to the same end")
		return all
	}
	if c.Token != "" {
		all = append(all, c.tokenProblems()...)
	}
	if c.APIURL != "" {
		if _, err := post.Address(c.APIURL); err != nil {
			add("api_url", "write it like https://slack.com/api/", err.Error())
		}
	}
	if c.WebhookURL != "" {
		if _, err := post.Address(c.WebhookURL.Reveal()); err != nil {
			add("webhook_url", "write it like https://hooks.slack.com/services/…", err.Error())
		}
		if c.AppToken != "" {
			add("app_token", "use a bot's token and a channel, or remove it", "the messages of an incoming webhook have no buttons")
		}
		if c.Channel != "" {
			all = append(all, diag.Problem{
				Field: "channel", Level: diag.Lint, ID: "slack-webhook-channel",
				Message: "an incoming webhook belongs to one channel, so this one has no effect",
				Hint:    "remove it, or use a token",
			})
		}
	}
	return all
}

func (c Config) tokenProblems() []diag.Problem {
	var all []diag.Problem
	token := c.Token.Reveal()
	switch {
	case strings.HasPrefix(token, "xapp-"):
		all = append(all, diag.Problemf("token", "use the bot token, which begins with xoxb-", "this is the token of an app"))
	case strings.HasPrefix(token, "https://"):
		all = append(all, diag.Problemf("token", "write it as webhook_url", "this is a URL"))
	case strings.ContainsFunc(token, blank):
		all = append(all, diag.Problemf("token", "remove it", "the token holds a blank or a line break"))
	}
	if app := c.AppToken.Reveal(); app != "" && (!strings.HasPrefix(app, "xapp-") || strings.ContainsFunc(app, blank)) {
		all = append(all, diag.Problemf("app_token", "it begins with xapp- and has no blanks; make one with the scope connections:write", "this is not the token of an app"))
	}
	if strings.TrimSpace(c.Channel) == "" {
		all = append(all, diag.Problemf("channel", `write a name like "#oncall", or the channel's id`, "channel is missing"))
	}
	return all
}

func blank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
