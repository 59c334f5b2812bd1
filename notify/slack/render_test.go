package slack_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/notify/sinktest"
	"watchdog/notify/slack"
	"watchdog/secret"
)

var update = flag.Bool("update", false, "write the golden files")

// poster gives the JSON that an incoming webhook gets for a message.
func poster(t *testing.T) func(*notify.Message) []byte {
	t.Helper()
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
	}))
	t.Cleanup(server.Close)
	sink := newSink(t, slack.Config{WebhookURL: secret.String(server.URL)}, server.Client())
	return func(m *notify.Message) []byte {
		if err := sink.Send(t.Context(), m); err != nil {
			t.Fatalf("Send: got %v, want it to be taken", err)
		}
		return body
	}
}

// one is a message of one alert, changed.
func one(change func(*alert.Transition)) *notify.Message {
	m := sinktest.Message(1)
	change(&m.Alerts[0])
	return m
}

func TestMessagesLookAsTheyDid(t *testing.T) {
	ended := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	posted := poster(t)
	for _, c := range []struct {
		name string
		m    *notify.Message
	}{
		{"firing", sinktest.Message(1)},
		{"resolved", one(func(a *alert.Transition) {
			a.Status, a.Reason, a.State, a.PreviousState, a.Error = alert.StatusResolved, alert.ReasonResolved, "running", "failed", ""
			a.StartsAt, a.EndsAt = ended.Add(-750*time.Second), &ended
		})},
		{"deleted", one(func(a *alert.Transition) {
			a.Status, a.Reason, a.State, a.EndsAt = alert.StatusResolved, alert.ReasonDeleted, "", &ended
		})},
		{"severity-rose", one(func(a *alert.Transition) {
			a.Reason, a.StartsAt = alert.ReasonSeverity, ended.Add(-52*time.Hour)
			a.Description = "Ask the data team.\nThen restart it."
		})},
		{"event", one(func(a *alert.Transition) {
			a.Status, a.Reason, a.Severity, a.State, a.Error = alert.StatusEvent, alert.ReasonEvent, alert.Info, "completed", ""
			a.Summary = "orders was copied"
		})},
		{"server", &notify.Message{ID: "dlv_server", Sink: "oncall", At: ended, Alerts: []alert.Transition{{
			Reason: alert.ReasonNew, At: ended, Alert: alert.Alert{
				Status: alert.StatusFiring, Rule: "server-unreachable", Severity: alert.Critical, Server: "prod",
				Error: "dial tcp 10.0.0.7:5984: connect: connection refused", Summary: "prod cannot be read", StartsAt: ended,
			},
		}}}},
		{"three", sinktest.Message(3)},
		{"digest", sinktest.Message(300)},
		{"test", &notify.Message{ID: "dlv_test", Sink: "oncall", At: ended, Test: true}},
		{"markup", one(func(a *alert.Transition) {
			a.DocID, a.Error = "a<b>&c|`d`", "<!channel> & <@U024BE7LH>: ```{error}```\n<https://evil.example.com|click>"
			a.Summary = "*bold* <!here> & co"
			a.RunbookURL, a.URL = "https://runbooks.example.com/a?b=<c>&d=e|f g", "javascript:alert(1)"
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			sent := posted(c.m)
			validate(t, sent)
			shown, err := newSink(t, slack.Config{WebhookURL: "https://hooks.slack.com/services/x"}, nil).Preview(c.m)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := decoded(t, shown), decoded(t, sent); !cmp.Equal(got, want) {
				t.Errorf("Preview and what was sent (-sent +preview):\n%s", cmp.Diff(want, got))
			}
			golden := "testdata/" + c.name + ".json"
			if *update {
				if err := os.WriteFile(golden, append(shown, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(shown)+"\n"); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func decoded(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

var andMore = regexp.MustCompile(`and (\d+) more`)

func TestEveryMessageKeepsSlacksLimits(t *testing.T) {
	fill := func(text string) func(*alert.Transition) {
		return func(a *alert.Transition) {
			a.Rule, a.Server, a.Database, a.DocID, a.Source, a.Target = text, text, text, text, text, text
			a.State, a.PreviousState, a.Error, a.Summary, a.Description = text, text+"!", text, text, text
			a.Labels = map[string]string{text: text}
			a.RunbookURL, a.URL = "https://example.com/"+text, "https://example.com/?q="+text
		}
	}
	posted := poster(t)
	for _, c := range []struct {
		name   string
		change func(*alert.Transition)
	}{
		{"as they come", func(*alert.Transition) {}},
		{"errors of 10 KB", func(a *alert.Transition) { a.Error = strings.Repeat("{http_request_failed,\"GET\",\n", 400) }},
		{"nothing but the least", func(a *alert.Transition) {
			*a = alert.Transition{Alert: alert.Alert{Status: alert.StatusFiring, Rule: "r", Server: "s"}}
		}},
		{"nothing at all", func(a *alert.Transition) { *a = alert.Transition{} }},
		{"all of it long", fill(strings.Repeat("long ", 1000))},
		{"all of it markup", fill(strings.Repeat("<&>", 1000))},
		{"all of it ampersands", fill(strings.Repeat("&", 5000))},
		{"all of it quotation marks", fill(strings.Repeat(`"\`, 1000))},
		{"all of it line breaks", fill(strings.Repeat("\n", 100) + "x" + strings.Repeat("\n", 3000) + "y")},
		{"all of it backticks", fill(strings.Repeat("``` ", 300))},
		{"all of it in Japanese", fill(strings.Repeat("複製に失敗", 1000))},
		{"all of it pictures", fill(strings.Repeat("😱", 1000))},
		{"all of it control characters", fill(strings.Repeat("\x00\x1b[2J\u0085\x7f", 500))},
		{"all of it no text", fill(strings.Repeat("\xff\xfe", 500))},
		{"code that is not closed", func(a *alert.Transition) { a.Summary = "see `this" }},
		{"ids like mentions", func(a *alert.Transition) { a.DocID = "<!channel>&<@U1>|`x`" }},
		{"a severity of a later version", func(a *alert.Transition) { a.Severity = 99 }},
	} {
		for _, n := range []int{0, 1, 2, 3, 10, 11, 50, 300, 1000} {
			t.Run(fmt.Sprintf("%d alerts, %s", n, c.name), func(t *testing.T) {
				m := sinktest.Message(n)
				for i := range m.Alerts {
					c.change(&m.Alerts[i])
				}
				if shown, err := newSink(t, bot, nil).Preview(m); err != nil {
					t.Errorf("Preview of a bot: %v", err)
				} else {
					var b bytes.Buffer
					_ = json.Compact(&b, shown)
					validate(t, b.Bytes())
				}
				p := validate(t, posted(m))
				named := 0
				full := len(p.Attachments)
				if full > 0 {
					if more := andMore.FindStringSubmatch(p.Attachments[full-1].Fallback); more != nil {
						named, _ = strconv.Atoi(more[1])
						full--
					}
				}
				if full+named != n || n > 0 && full == 0 {
					t.Errorf("got %d alerts in full and %d by name, want %d in all and the first in full", full, named, n)
				}
			})
		}
	}
}

func TestUsualAlertsAreShownInFull(t *testing.T) {
	p := validate(t, poster(t)(sinktest.Message(300)))
	if got := len(p.Attachments) - 1; got < 6 {
		t.Errorf("alerts in full: got %d, want at least 6 of the usual size", got)
	}
	rest := p.Attachments[len(p.Attachments)-1].Blocks[0].Text.Text
	if got := strings.Count(rest, "`orders-"); got < 80 {
		t.Errorf("alerts by name: got %d in %q, want at least 80", got, rest)
	}
}
