package slack_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"watchdog/notify/slack"
	"watchdog/secret"
)

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  string
		want    string // found, or in the error
		succeed bool
	}{
		{"a good token says whose it is", `{"ok":true,"user":"watchdog","team":"Example"}`, "@watchdog of Example", true},
		{"a token that was revoked", `{"ok":false,"error":"token_revoked"}`, "token_revoked", false},
		{"an answer that tells all it was sent", `{"ok":false,"error":"` + botToken + `"}`, "*****", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/api/auth.test" {
					t.Errorf("path: got %s, want that of auth.test", r.URL.Path)
				}
				io.WriteString(w, c.answer)
			}))
			defer server.Close()
			found, err := newSink(t, slack.Config{Token: botToken, Channel: "#oncall", APIURL: server.URL + "/api/"}, nil).Probe(t.Context())
			said := found
			if err != nil {
				said = err.Error()
			}
			if (err == nil) != c.succeed || !strings.Contains(said, c.want) || strings.Contains(said, botToken) {
				t.Errorf("Probe: got %q (%v), want %q", found, err, c.want)
			}
		})
	}
	t.Run("with an app token it says whether buttons would be heard", func(t *testing.T) {
		w := newWorkspace(t)
		sink := newSink(t, w.config(), w.Client())
		if found, err := sink.Probe(t.Context()); err != nil || found != "@watchdog of Example, with buttons" {
			t.Errorf("Probe: got %q (%v), want that there are buttons", found, err)
		}
		w.RefuseSockets("missing_scope for " + appToken)
		_, err := sink.Probe(t.Context())
		if err == nil || err.Error() != "open a connection for buttons, by the app_token: missing_scope for *****" {
			t.Errorf("Probe: got %v, want why there are no buttons", err)
		}
	})
	t.Run("of an incoming webhook its host", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was made") }))
		defer server.Close()
		found, err := newSink(t, slack.Config{WebhookURL: secret.String(server.URL + hookPath)}, nil).Probe(t.Context())
		if err != nil || !strings.HasSuffix(found, " listens") {
			t.Errorf("Probe: got %q (%v), want that it listens", found, err)
		}
	})
}
