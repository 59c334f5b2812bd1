package shoutrrr_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/diag"
	"watchdog/notify"
	"watchdog/notify/shoutrrr"
	"watchdog/notify/sinktest"
	"watchdog/secret"
)

var update = flag.Bool("update", false, "write the golden files")

var id = regexp.MustCompile(`\((dlv_\w+)\)$`)

func newSink(t *testing.T, url string) *shoutrrr.Sink {
	t.Helper()
	c := shoutrrr.Config{URL: secret.String(url)}
	if problems := c.Problems(); len(problems) > 0 {
		t.Fatalf("Problems(): got %v, want none", problems)
	}
	s, err := shoutrrr.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	sinktest.RunStage(t, sinktest.Stage{
		New: func(t *testing.T, part sinktest.Part, cancel func(), got func(string)) notify.Sink {
			stopped := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				switch part {
				case sinktest.Takes:
					got(id.FindStringSubmatch(string(body))[1])
				case sinktest.RefusesForGood, sinktest.TellsAllNo:
					w.WriteHeader(404)
					fmt.Fprint(w, r.URL, string(body))
				case sinktest.Hangs:
					cancel()
					<-stopped
				case sinktest.HangsMidway:
					io.WriteString(w, "half")
					http.NewResponseController(w).Flush()
					cancel()
					<-stopped
				case sinktest.Breaks:
					panic(http.ErrAbortHandler)
				default:
					w.WriteHeader(503)
					fmt.Fprint(w, r.URL, string(body), "\x1b[2J")
				}
			}))
			t.Cleanup(server.Close)
			t.Cleanup(func() { close(stopped) })
			if part == sinktest.Absent {
				server.Close()
			}
			return newSink(t, "generic+"+server.URL+"/hook/token-in-path?@Authorization=token-in-header")
		},
		Secrets: []string{"token-in-path", "token-in-header"},
		Except: map[sinktest.Part]sinktest.Outcome{
			sinktest.RefusesForGood: sinktest.Retried, // the library says no status
			sinktest.TellsAllNo:     sinktest.Retried,
		},
		Cannot: map[sinktest.Part]string{
			sinktest.Floods: "the library reads answers of any length", sinktest.AtOnce: "one message at a time",
		},
	})
}

func TestAnAttemptThatWasLeftBehindIsTheOnlyOne(t *testing.T) {
	stopped, asked := make(chan struct{}), make(chan struct{}, 9)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-stopped
	}))
	defer server.Close()
	defer close(stopped)
	ctx, cancel := context.WithCancel(t.Context())
	s := newSink(t, "generic+"+server.URL)
	go func() {
		<-asked
		cancel()
	}()
	if err := s.Send(ctx, sinktest.Message(1)); err == nil {
		t.Fatal("a service that hangs: got no error")
	}
	err := s.Send(t.Context(), sinktest.Message(1))
	if err == nil || !strings.Contains(err.Error(), "has not ended yet") || len(asked) > 0 {
		t.Errorf("the next attempt: got %v, want that the one before has not ended", err)
	}
}

func TestPreview(t *testing.T) {
	for name, alerts := range map[string]int{"one": 1, "many": 30} {
		t.Run(name, func(t *testing.T) {
			got, err := newSink(t, "generic+http://a").Preview(sinktest.Message(alerts))
			if err != nil {
				t.Fatal(err)
			}
			sinktest.Golden(t, "testdata/"+name+".txt", got, *update)
		})
	}
}

func TestProblems(t *testing.T) {
	const hint = "write it like ntfy://:TOKEN@ntfy.sh/oncall"
	for _, c := range []struct {
		name string
		url  secret.String
		want []diag.Problem
	}{
		{"a service that is known", "ntfy://:token@ntfy.sh/oncall", nil},
		{"no url", "", []diag.Problem{{Field: "url", Message: "url is missing", Hint: hint}}},
		{"no service", "token@ntfy.sh", []diag.Problem{{Field: "url", Message: "this is not a URL", Hint: hint}}},
		{"a misspelt service", "discrod://token@1", []diag.Problem{
			{Field: "url", Message: "the URL names no service that is known", Hint: `did you mean "discord"?`},
		}},
		{"a service that loses messages", "telegram://token@telegram?chats=@oncall", []diag.Problem{
			{Field: "url", Message: "the library is not to be trusted with this service", Hint: "use a webhook with a body, as docs/sinks.md shows"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := shoutrrr.Config{URL: c.url}
			if diff := cmp.Diff(c.want, got.Problems()); diff != "" {
				t.Errorf("Problems() (-want +got):\n%s", diff)
			}
			if got.Empty() != (c.url == "") {
				t.Errorf("Empty(): got %v", got.Empty())
			}
		})
	}
}
