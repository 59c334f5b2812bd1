package webhook_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"watchdog/notify"
	"watchdog/notify/sinktest"
	"watchdog/notify/webhook"
	"watchdog/secret"
)

func TestContract(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		New: func(t *testing.T, base string, client *http.Client) notify.Sink {
			return newSink(t, webhook.Config{
				URL:     secret.String(strings.Replace(base, "://", "://robot:pass-in-url@", 1) + "/hook/bot110201543:AAHdqTcvCH1vGWJx?token=token-in-query&more=a%2fb%26c&bare-token"),
				Secret:  webhook.Secrets{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "raw-signing-secret"},
				Headers: map[string]secret.String{"X-Api-Key": "Key value-of-header"},
			}, client)
		},
		Accept: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) },
		MessageID: func(t *testing.T, r *http.Request, body []byte) string {
			var sent struct{ ID string }
			if err := json.Unmarshal(body, &sent); err != nil {
				t.Errorf("read the body: %v", err)
			}
			if header := r.Header.Get("webhook-id"); header != sent.ID {
				t.Errorf("webhook-id: got %q, want the body's id %q", header, sent.ID)
			}
			return sent.ID
		},
		Secrets: []string{
			"pass-in-url", "cm9ib3Q6cGFzcy1pbi11cmw=", // robot:pass-in-url
			"token-in-query", "a%2fb%26c", "a%2Fb%26c", "a/b&c", "bare-token", "value-of-header",
			"bot110201543:AAHdqTcvCH1vGWJx", "AAHdqTcvCH1vGWJx",
			"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "raw-signing-secret",
		},
	})
}

func newSink(t *testing.T, c webhook.Config, client *http.Client) *webhook.Sink {
	t.Helper()
	if problems := c.Problems(); len(problems) > 0 {
		t.Fatalf("Problems(): got %v, want none", problems)
	}
	s, err := webhook.New(c, webhook.Options{Client: client})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return s
}
