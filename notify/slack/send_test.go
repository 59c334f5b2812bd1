package slack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"watchdog/notify"
	"watchdog/notify/sinktest"
	"watchdog/notify/slack"
	"watchdog/secret"
)

// replies sends a message to a Slack that answers so.
func replies(t *testing.T, c slack.Config, answer http.HandlerFunc) error {
	t.Helper()
	server := httptest.NewServer(answer)
	defer server.Close()
	if c.Token != "" {
		c.APIURL = server.URL + "/api/"
	} else {
		c.WebhookURL = secret.String(server.URL + hookPath)
	}
	err := newSink(t, c, server.Client()).Send(t.Context(), sinktest.Message(1))
	if err != nil && strings.Contains(err.Error(), server.URL) {
		t.Errorf("the address is in the error: %v", err)
	}
	return err
}

var bot, hook = slack.Config{Token: botToken, AppToken: appToken, Channel: "#oncall"}, slack.Config{}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestErrorsOfTheAPI(t *testing.T) {
	for _, c := range []struct {
		permanent bool
		codes     string
	}{
		{true, `channel_not_found not_in_channel is_archived restricted_action restricted_action_read_only_channel
			invalid_auth not_authed account_inactive token_revoked token_expired missing_scope no_permission
			not_allowed_token_type msg_too_long msg_blocks_too_long invalid_blocks invalid_blocks_format
			invalid_attachments too_many_attachments no_text invalid_arguments ekm_access_denied access_denied`},
		{false, `ratelimited rate_limited internal_error fatal_error service_unavailable request_timeout
			team_added_to_org org_login_required accesslimited an_error_that_is_new`},
	} {
		for code := range strings.FieldsSeq(c.codes) {
			t.Run(fmt.Sprintf("%s, permanent: %v", code, c.permanent), func(t *testing.T) {
				err := replies(t, bot, says(200, `{"ok":false,"error":"`+code+`"}`))
				var refused *notify.Refused
				if got := errors.As(err, &refused); err == nil || got != c.permanent {
					t.Errorf("Send: got %v (permanent: %v), want an error, permanent: %v", err, got, c.permanent)
				}
				if want := "post to Slack channel #oncall: " + code; err != nil && !strings.HasPrefix(err.Error(), want) {
					t.Errorf("error: got %q, want %q first", err, want)
				}
			})
		}
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name   string
		sink   slack.Config
		answer http.HandlerFunc
		want   string
	}{
		{
			"the bot is not in the channel", bot, says(200, `{"ok":false,"error":"not_in_channel"}`),
			"post to Slack channel #oncall: not_in_channel: invite the bot to the channel by /invite, or give it the scope chat:write.public",
		},
		{
			"a scope is missing", bot, says(200, `{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"identify"}`),
			"post to Slack channel #oncall: missing_scope: needs the scope chat:write: give the bot the scope and install the app again",
		},
		{
			"blocks that Slack does not like", bot,
			says(200, `{"ok":false,"error":"invalid_blocks","errors":[{"odd":1}],"response_metadata":{"messages":["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]}}`),
			"post to Slack channel #oncall: invalid_blocks: [ERROR] no more than 50 items allowed [json-pointer:/blocks]: this is a mistake in Watchdog: please report it",
		},
		{
			"a reason among fields of another type", bot, says(200, `{"ok":false,"response_metadata":"none","error":"is_archived"}`),
			"post to Slack channel #oncall: is_archived: unarchive the channel or name another",
		},
		{
			"no without a reason", bot, says(200, `{"ok":false}`),
			"post to Slack channel #oncall: refused without a reason",
		},
		{
			"an empty object is no yes", bot, says(200, `{}`),
			"post to Slack channel #oncall: refused without a reason",
		},
		{
			"no answer of Slack", bot, says(200, "<html>Sign in</html>"),
			"post to Slack channel #oncall: this is no answer of Slack: a web page",
		},
		{
			"an error of an error", bot, says(503, "upstream connect error"),
			"post to Slack channel #oncall: 503 Service Unavailable: upstream connect error",
		},
		{
			"a webhook that is gone", hook, says(404, "no_service"),
			"post to the Slack webhook at HOST: 404 Not Found: no_service: make a new incoming webhook and use its URL",
		},
		{
			"a webhook that may not", hook, says(403, "action_prohibited"),
			"post to the Slack webhook at HOST: 403 Forbidden: action_prohibited: the workspace does not let the bot post there: ask its admin, or name another channel",
		},
		{
			"a webhook of an archived channel", hook, says(410, "channel_is_archived"),
			"post to the Slack webhook at HOST: 410 Gone: channel_is_archived: unarchive the channel or name another",
		},
		{
			"a webhook that fails", hook, says(500, "rollup_error"),
			"post to the Slack webhook at HOST: 500 Internal Server Error: rollup_error",
		},
		{
			"a webhook behind a redirect", hook, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://hooks.example.com/services/secret?x=secret", 302)
			},
			"post to the Slack webhook at HOST: 302 Found: redirects are not followed, check the URL: https://hooks.example.com",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var host string
			err := replies(t, c.sink, func(w http.ResponseWriter, r *http.Request) {
				host = r.Host
				c.answer(w, r)
			})
			if want := strings.Replace(c.want, "HOST", host, 1); err == nil || err.Error() != want {
				t.Errorf("Send:\n got %v\nwant %v", err, want)
			}
		})
	}
}

func TestAPassingErrorThatAsksToWaitIsWaitedFor(t *testing.T) {
	err := replies(t, bot, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "30")
		io.WriteString(w, `{"ok":false,"error":"ratelimited"}`)
	})
	var busy *notify.Busy
	if !errors.As(err, &busy) || busy.After != 30*time.Second {
		t.Errorf("Send: got %v, want it to wait 30s", err)
	}
}

func TestAnAnswerThatSlackGoCannotReadIsStillAYes(t *testing.T) {
	for name, body := range map[string]string{
		"fewer fields than expected": `{"ok":true}`,
		"a field of another type":    `{"ok":true,"channel":{"id":"C1"},"ts":1767323045}`,
		"metadata of another type":   `{"response_metadata":"none","ok":true}`,
		"more after the answer":      `{"ok":true,"ts":"1.2"} {"ok":`,
	} {
		t.Run(name, func(t *testing.T) {
			if err := replies(t, bot, says(200, body)); err != nil {
				t.Errorf("Send: got %v, want it to be taken", err)
			}
		})
	}
}

func TestAContextThatEndsWithinTheAnswerSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := &http.Client{Transport: endsWithin{cancel}}
	err := newSink(t, bot, client).Send(ctx, sinktest.Message(1))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Send: got %v, want %v", err, context.Canceled)
	}
}

// endsWithin answers 200 and ends the context when the body is read.
type endsWithin struct{ cancel context.CancelFunc }

func (e endsWithin) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(e), Request: r}, nil
}

func (e endsWithin) Read([]byte) (int, error) {
	e.cancel()
	return 0, context.Canceled
}

func TestTheTokenIsMaskedWhereverItComesBack(t *testing.T) {
	for name, body := range map[string]string{
		"as the code of an error": `{"ok":false,"error":"bad token ` + botToken + `"}`,
		"as a message":            `{"ok":false,"error":"invalid_arguments","response_metadata":{"messages":["token=` + botToken + `"]}}`,
		"as a missing scope":      `{"ok":false,"error":"missing_scope","needed":"` + botToken + `"}`,
		"as an unknown structure": `{"ok":false,"error":"x","errors":[{"token":"` + botToken + `"}]}`,
		"as no JSON":              `token ` + botToken,
	} {
		t.Run(name, func(t *testing.T) {
			err := replies(t, bot, says(200, body))
			if err == nil || strings.Contains(err.Error(), botToken) {
				t.Errorf("Send: got %v, want an error without the token", err)
			}
		})
	}
}

func TestTheDefaultClientIsItsOwn(t *testing.T) {
	shared := http.DefaultClient
	defer func() { http.DefaultClient = shared }()
	http.DefaultClient = &http.Client{Transport: failing{}}
	for _, c := range []slack.Config{bot, hook} {
		server := httptest.NewServer(http.NotFoundHandler())
		defer server.Close()
		if c.Token != "" {
			c.APIURL = server.URL
		} else {
			c.WebhookURL = secret.String(server.URL)
		}
		var refused *notify.Refused
		if err := newSink(t, c, nil).Send(t.Context(), sinktest.Message(1)); !errors.As(err, &refused) {
			t.Errorf("Send without a client: got %v, want the answer of Slack", err)
		}
	}
}

type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the client of all was used")
}
