package slack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"

	"watchdog/notify"
	"watchdog/notify/sinktest"
	"watchdog/notify/slack"
	"watchdog/secret"
)

const (
	botToken = "xoxb-1234567890-abcdefGHIJKL"
	appToken = "xapp-1-A1-2-abcdefGHIJKL"
	hookPath = "/services/T00000000/B00000000/hushsecrethushsecrethush"
)

func TestContractOfABot(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		New: func(t *testing.T, base string, client *http.Client) notify.Sink {
			return newSink(t, slack.Config{Token: botToken, Channel: "#oncall", APIURL: base + "/api/"}, client)
		},
		Accept: acceptAPI,
		MessageID: func(t *testing.T, r *http.Request, body []byte) string {
			form, err := url.ParseQuery(string(body))
			if err != nil {
				t.Errorf("read the form: %v", err)
			}
			return blockID(t, form.Get("blocks"))
		},
		Secrets: []string{botToken, url.QueryEscape(botToken)},
		// The API says in the body, by "ok", whether it has the message.
		Except: map[string]sinktest.Outcome{
			"a bare 200":                        sinktest.Retried,
			"a bare 201":                        sinktest.Retried,
			"a bare 202":                        sinktest.Retried,
			"a bare 204":                        sinktest.Retried,
			"a web page that says 200":          sinktest.Retried,
			"an acceptance cut off in its body": sinktest.Retried,
		},
	})
}

func TestContractOfAnIncomingWebhook(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		New: func(t *testing.T, base string, client *http.Client) notify.Sink {
			return newSink(t, slack.Config{WebhookURL: secret.String(base + hookPath)}, client)
		},
		Accept: func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") },
		MessageID: func(t *testing.T, r *http.Request, body []byte) string {
			var sent struct{ Blocks json.RawMessage }
			if err := json.Unmarshal(body, &sent); err != nil {
				t.Errorf("read the body: %v", err)
			}
			return blockID(t, string(sent.Blocks))
		},
		Secrets: []string{hookPath, "hushsecrethushsecrethush"},
	})
}

// acceptAPI answers as chat.postMessage does.
func acceptAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	io.WriteString(w, `{"ok":true,"channel":"C024BE91L","ts":"1767323045.000100","message":{"type":"message","text":"…","ts":"1767323045.000100"}}`)
}

// blockID is the id of the first block, which is that of the message.
func blockID(t *testing.T, blocks string) string {
	var sent []struct {
		BlockID string `json:"block_id"`
	}
	if err := json.Unmarshal([]byte(blocks), &sent); err != nil || len(sent) == 0 {
		t.Errorf("read the blocks: %v in %.200s", err, blocks)
		return ""
	}
	return sent[0].BlockID
}

func newSink(t *testing.T, c slack.Config, client *http.Client) *slack.Sink {
	t.Helper()
	if problems := c.Problems(); len(problems) > 0 {
		t.Fatalf("Problems(): got %v, want none", problems)
	}
	s, err := slack.New(c, slack.Options{Client: client})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return s
}
