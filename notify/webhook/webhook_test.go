package webhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"watchdog/notify"
	"watchdog/notify/sinktest"
	"watchdog/notify/webhook"
	"watchdog/secret"
)

var update = flag.Bool("update", false, "write the golden files")

// receive sends m to a receiver that takes everything, and gives back what it got.
func receive(t *testing.T, c webhook.Config, m *notify.Message) (*http.Request, []byte) {
	t.Helper()
	var request *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	c.URL = secret.String(strings.Replace(string(c.URL), "RECEIVER", strings.TrimPrefix(server.URL, "http://"), 1))
	if c.URL == "" {
		c.URL = secret.String(server.URL)
	}
	if err := newSink(t, c, server.Client()).Send(t.Context(), m); err != nil {
		t.Fatalf("Send: got %v, want it to be taken", err)
	}
	return request, body
}

var sentAt = regexp.MustCompile(`"sent_at":"[^"]*"`)

func TestTheBodyIsTheOneOfTheContract(t *testing.T) {
	_, body := receive(t, webhook.Config{}, sinktest.Message(3))
	body = sentAt.ReplaceAll(body, []byte(`"sent_at":"2026-01-02T03:04:06Z"`))
	var got bytes.Buffer
	if err := json.Indent(&got, body, "", "  "); err != nil {
		t.Fatalf("the body is not JSON: %v", err)
	}
	got.WriteByte('\n')
	const golden = "testdata/body.json"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestTimesAreInUTC(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	m := sinktest.Message(1)
	a := &m.Alerts[0]
	ended := time.Date(2026, 1, 2, 4, 10, 0, 0, berlin)
	a.At, a.StartsAt, a.EndsAt, a.QuietSince = ended, ended.Add(-time.Hour), &ended, &ended

	before := time.Now().Add(-time.Second)
	_, body := receive(t, webhook.Config{}, m)
	var got struct {
		SentAt string `json:"sent_at"`
		Alerts []struct {
			At         string `json:"at"`
			StartsAt   string `json:"starts_at"`
			EndsAt     string `json:"ends_at"`
			QuietSince string `json:"quiet_since"`
		}
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	end := "2026-01-02T03:10:00Z"
	if x := got.Alerts[0]; x.At != end || x.EndsAt != end || x.QuietSince != end || x.StartsAt != "2026-01-02T02:10:00Z" {
		t.Errorf("times: got %+v, want them in UTC", x)
	}
	sent, err := time.Parse(time.RFC3339, got.SentAt)
	if err != nil || sent.Before(before) || sent.After(time.Now()) || !strings.HasSuffix(got.SentAt, "Z") {
		t.Errorf("sent_at: got %q (%v), want now in UTC", got.SentAt, err)
	}
	if a.At.Location() != berlin {
		t.Error("sending changed the message")
	}
}

func TestWhatIsMissingIsEmptyAndNotNull(t *testing.T) {
	m := sinktest.Message(1)
	m.Group, m.Alerts[0].Labels, m.Alerts[0].ErrorCount = nil, nil, nil
	_, body := receive(t, webhook.Config{}, m)
	for _, want := range []string{`"group":{}`, `"labels":{}`, `"error_count":null`, `"ends_at":null`} {
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf("body: got %s, want %s in it", body, want)
		}
	}
	_, body = receive(t, webhook.Config{}, &notify.Message{ID: "dlv_x", Test: true})
	for _, want := range []string{`"alerts":[]`, `"test":true`} {
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf("body of a test message: got %s, want %s in it", body, want)
		}
	}
}

func TestSignatures(t *testing.T) {
	const made, raw = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a text of one's own"
	madeKey, _ := standardwebhooks.NewWebhook(made)
	rawKey, _ := standardwebhooks.NewWebhookRaw([]byte(raw))
	for _, c := range []struct {
		name    string
		secrets webhook.Secrets
		accept  []*standardwebhooks.Webhook
		refuse  []*standardwebhooks.Webhook
	}{
		{"a secret of the tools", webhook.Secrets{made}, []*standardwebhooks.Webhook{madeKey}, []*standardwebhooks.Webhook{rawKey}},
		{"any other text is its own bytes", webhook.Secrets{raw}, []*standardwebhooks.Webhook{rawKey}, []*standardwebhooks.Webhook{madeKey}},
		{"two secrets, each accepted", webhook.Secrets{made, raw}, []*standardwebhooks.Webhook{madeKey, rawKey}, nil},
		{"an empty one does not count", webhook.Secrets{"", raw}, []*standardwebhooks.Webhook{rawKey}, []*standardwebhooks.Webhook{madeKey}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, body := receive(t, webhook.Config{Secret: c.secrets}, sinktest.Message(2))
			for _, receiver := range c.accept {
				if err := receiver.Verify(body, r.Header); err != nil {
					t.Errorf("Verify: got %v, want it accepted", err)
				}
				if err := receiver.Verify(append(body, ' '), r.Header); err == nil {
					t.Error("Verify of a changed body: got no error")
				}
			}
			for _, receiver := range c.refuse {
				if err := receiver.Verify(body, r.Header); err == nil {
					t.Error("Verify by another secret: got no error")
				}
			}
			if got := len(strings.Fields(r.Header.Get("webhook-signature"))); got != len(c.accept) {
				t.Errorf("signatures: got %d, want %d", got, len(c.accept))
			}
		})
	}
	t.Run("no secret, no signature", func(t *testing.T) {
		r, _ := receive(t, webhook.Config{Secret: webhook.Secrets{""}}, sinktest.Message(1))
		if got, there := r.Header["Webhook-Signature"]; there {
			t.Errorf("webhook-signature: got %q, want none", got)
		}
		if r.Header.Get("webhook-timestamp") == "" {
			t.Error("webhook-timestamp: got none, want one with or without a signature")
		}
	})
}

func TestTheRequestIsAsConfigured(t *testing.T) {
	r, _ := receive(t, webhook.Config{}, sinktest.Message(1))
	if r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("User-Agent") != "watchdog" {
		t.Errorf("by default: got %s %v, want a POST of application/json by watchdog", r.Method, r.Header)
	}
	r, _ = receive(t, webhook.Config{
		URL:    "http://robot:beep@RECEIVER/hook?token=abc",
		Method: "put",
		Headers: map[string]secret.String{
			"X-Api-Key": "k", "content-type": "application/vnd.alerts+json", "User-Agent": "mine",
		},
	}, sinktest.Message(1))
	if r.Method != "PUT" || r.RequestURI != "/hook?token=abc" {
		t.Errorf("request: got %s %s, want PUT /hook?token=abc", r.Method, r.RequestURI)
	}
	if user, password, ok := r.BasicAuth(); !ok || user != "robot" || password != "beep" {
		t.Errorf("credentials: got %q %q, want those of the URL", user, password)
	}
	for name, want := range map[string]string{"X-Api-Key": "k", "Content-Type": "application/vnd.alerts+json", "User-Agent": "mine"} {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("header %s: got %q, want %q", name, got, want)
		}
	}
}

func TestErrorsSayWhatWasAnswered(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{
			"a status and a text",
			func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no such\n hook", 404) },
			"post to http://RECEIVER/hook: 404 Not Found: no such hook",
		},
		{
			"a status alone",
			func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) },
			"post to http://RECEIVER/hook: 503 Service Unavailable",
		},
		{
			"a status without a name",
			func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(599) },
			"post to http://RECEIVER/hook: 599",
		},
		{
			"a web page",
			func(w http.ResponseWriter, r *http.Request) { http.Error(w, "<html>Sorry</html>", 502) },
			"post to http://RECEIVER/hook: 502 Bad Gateway: a web page",
		},
		{
			"a redirect says where to",
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://me:pass@new.example.com/hook?token=abc", 308)
			},
			"post to http://RECEIVER/hook: 308 Permanent Redirect: redirects are not followed: set url to https://new.example.com/hook",
		},
		{
			"a long text is cut",
			func(w http.ResponseWriter, r *http.Request) { http.Error(w, strings.Repeat("é", 5000), 400) },
			"post to http://RECEIVER/hook: 400 Bad Request: " + strings.Repeat("é", 300) + "…",
		},
		{
			"a secret in the text is masked",
			func(w http.ResponseWriter, r *http.Request) { http.Error(w, "bad token abc", 400) },
			"post to http://RECEIVER/hook: 400 Bad Request: bad token *****",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			sink := newSink(t, webhook.Config{URL: secret.String(server.URL + "/hook?token=abc")}, server.Client())
			err := sink.Send(t.Context(), sinktest.Message(1))
			want := strings.Replace(c.want, "http://RECEIVER", server.URL, 1)
			if err == nil || err.Error() != want {
				t.Errorf("Send: got %v, want %v", err, want)
			}
		})
	}
}

func TestTheDefaultClientIsItsOwn(t *testing.T) {
	shared := http.DefaultClient
	defer func() { http.DefaultClient = shared }()
	http.DefaultClient = &http.Client{Transport: failing{}}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	sink := newSink(t, webhook.Config{URL: secret.String(server.URL)}, nil)
	var refused *notify.Refused
	if err := sink.Send(t.Context(), sinktest.Message(1)); !errors.As(err, &refused) {
		t.Errorf("Send without a client: got %v, want the answer of the receiver", err)
	}
}

type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the client of all was used")
}

func TestPreviewIsTheBody(t *testing.T) {
	m := sinktest.Message(2)
	_, sent := receive(t, webhook.Config{}, m)
	shown, err := newSink(t, webhook.Config{URL: "http://127.0.0.1:1/"}, nil).Preview(m)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sentAt.ReplaceAllString(string(shown), ""), sentAt.ReplaceAllString(string(sent), ""); got != want {
		t.Errorf("Preview: got %s, want %s", got, want)
	}
}
