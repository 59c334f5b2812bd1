package slack_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"watchdog/diag"
	"watchdog/notify/slack"
)

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name string
		c    slack.Config
		want []diag.Problem
	}{
		{"a bot", slack.Config{Token: "xoxb-1", Channel: "#oncall"}, nil},
		{"a bot behind a proxy", slack.Config{Token: "xoxb-1", Channel: "C024BE91L", APIURL: "http://127.0.0.1:8080/api"}, nil},
		{"an incoming webhook", slack.Config{WebhookURL: "https://hooks.slack.com/services/a/b/c"}, nil},
		{"nothing", slack.Config{Channel: "#oncall"}, []diag.Problem{
			{Message: "there is neither a token nor a webhook_url", Hint: "set token and channel, or webhook_url"},
		}},
		{"both", slack.Config{Token: "xoxb-1", Channel: "#oncall", WebhookURL: "https://hooks.slack.com/x"}, []diag.Problem{
			{Field: "webhook_url", Message: "a token and a webhook_url are two ways to the same end", Hint: "keep one of them"},
		}},
		{"no channel", slack.Config{Token: "xoxb-1", Channel: " "}, []diag.Problem{
			{Field: "channel", Message: "channel is missing", Hint: `write a name like "#oncall", or the channel's id`},
		}},
		{"the token of an app", slack.Config{Token: "xapp-1", Channel: "#oncall"}, []diag.Problem{
			{Field: "token", Message: "this is the token of an app", Hint: "use the bot token, which begins with xoxb-"},
		}},
		{"buttons", slack.Config{Token: "xoxb-1", AppToken: "xapp-1", Channel: "#oncall"}, nil},
		{"the token of a bot for the app", slack.Config{Token: "xoxb-1", AppToken: "xoxb-1", Channel: "#oncall"}, []diag.Problem{
			{Field: "app_token", Message: "this is not the token of an app", Hint: "it begins with xapp- and has no blanks; make one with the scope connections:write"},
		}},
		{"buttons by a webhook", slack.Config{AppToken: "xapp-1", WebhookURL: "https://hooks.slack.com/services/a/b/c"}, []diag.Problem{
			{Field: "app_token", Message: "the messages of an incoming webhook have no buttons", Hint: "use a bot's token and a channel, or remove it"},
		}},
		{"a webhook as a token", slack.Config{Token: "https://hooks.slack.com/services/a/b/c", Channel: "#oncall"}, []diag.Problem{
			{Field: "token", Message: "this is a URL", Hint: "write it as webhook_url"},
		}},
		{"a token with its line break", slack.Config{Token: "xoxb-1\n", Channel: "#oncall"}, []diag.Problem{
			{Field: "token", Message: "the token holds a blank or a line break", Hint: "remove it"},
		}},
		{"a webhook that is no URL is not repeated", slack.Config{WebhookURL: "hooks.slack.com/services/secret"}, []diag.Problem{
			{Field: "webhook_url", Message: "the URL does not begin with http:// or https://", Hint: "write it like https://hooks.slack.com/services/…"},
		}},
		{"an api_url without a host", slack.Config{Token: "xoxb-1", Channel: "#oncall", APIURL: "https:///api"}, []diag.Problem{
			{Field: "api_url", Message: "the URL has no host", Hint: "write it like https://slack.com/api/"},
		}},
		{"a channel for a webhook", slack.Config{WebhookURL: "https://hooks.slack.com/services/a/b/c", Channel: "#other"}, []diag.Problem{
			{
				Field: "channel", Level: diag.Lint, ID: "slack-webhook-channel",
				Message: "an incoming webhook belongs to one channel, so this one has no effect",
				Hint:    "remove it, or use a token",
			},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.c.Problems()); diff != "" {
				t.Errorf("Problems() (-want +got):\n%s", diff)
			}
			_, err := slack.New(c.c, slack.Options{})
			if bad := len(c.want) > 0 && c.want[0].Level != diag.Lint; (err != nil) != bad {
				t.Errorf("New: got %v, want an error: %v", err, bad)
			}
		})
	}
}

func TestEmpty(t *testing.T) {
	for _, c := range []struct {
		name string
		c    slack.Config
		want bool
	}{
		{"a channel alone is nobody to tell", slack.Config{Channel: "#oncall"}, true},
		{"a token", slack.Config{Token: "x"}, false},
		{"a webhook", slack.Config{WebhookURL: "x"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.c.Empty(); got != c.want {
				t.Errorf("Empty(): got %v, want %v", got, c.want)
			}
		})
	}
}

func TestYAML(t *testing.T) {
	var got slack.Config
	const file = "{token: xoxb-1, app_token: xapp-1, channel: '#oncall', webhook_url: https://a/, api_url: https://b/}"
	if err := yaml.Unmarshal([]byte(file), &got); err != nil {
		t.Fatal(err)
	}
	want := slack.Config{Token: "xoxb-1", AppToken: "xapp-1", Channel: "#oncall", WebhookURL: "https://a/", APIURL: "https://b/"}
	if got != want {
		t.Errorf("got %#v, want %#v", got, want)
	}
	shown, err := yaml.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(shown), fmt.Sprintf("%+v", got)} {
		if strings.Contains(text, "xoxb-1") || strings.Contains(text, "xapp-1") || strings.Contains(text, "https://a/") {
			t.Errorf("a secret is in %s", text)
		}
	}
}
