package heartbeat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/heartbeat"
)

// transport answers in memory.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func TestHeart(t *testing.T) {
	const secretURL = "https://hc-ping.com/5ecret-uuid"
	ok := func(time.Duration) error { return nil }
	between := func(from, to time.Duration, err error) func(time.Duration) error {
		return func(since time.Duration) error {
			if since >= from && since < to {
				return err
			}
			return nil
		}
	}
	for _, tt := range []struct {
		name   string
		whole  func(since time.Duration) error
		answer func(since time.Duration) error // nil: 200
		calls  []string
		log    string
	}{
		{"all is well", ok, ok, []string{"1m0s", "2m0s", "3m0s", "4m0s"}, ""},
		{
			"a check that hangs", between(90*time.Second, 200*time.Second, errors.New("check prod/all has not run for two intervals")), ok,
			[]string{"1m0s", "4m0s"},
			`no heartbeat: check prod/all has not run for two intervals; the heartbeat goes on`,
		},
		{
			"a switch that cannot be reached", ok, between(0, 150*time.Second, errors.New("connection refused")),
			[]string{"1m0s", "2m0s", "3m0s", "4m0s"},
			`no heartbeat: call the dead man's switch: connection refused; the heartbeat goes on`,
		},
		{
			"a switch that is gone", ok, between(0, time.Hour, errStatus(410)),
			[]string{"1m0s", "2m0s", "3m0s", "4m0s"},
			`no heartbeat: call the dead man's switch: it answered 410 Gone`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var calls []string
				var log bytes.Buffer
				ctx, cancel := context.WithTimeout(t.Context(), 270*time.Second)
				defer cancel()
				heartbeat.New(heartbeat.Options{
					Spec:  func() heartbeat.Spec { return heartbeat.Spec{URL: secretURL, Interval: time.Minute} },
					Whole: func(context.Context) error { return tt.whole(time.Since(began)) },
					Log:   slog.New(slog.NewTextHandler(&log, nil)),
					Transport: transport(func(r *http.Request) (*http.Response, error) {
						if r.URL.String() != secretURL {
							t.Errorf("called: got %s", r.URL)
						}
						calls = append(calls, time.Since(began).String())
						switch err := tt.answer(time.Since(began)).(type) {
						case nil:
							return answer(http.StatusOK), nil
						case errStatus:
							return answer(int(err)), nil
						default:
							return nil, err
						}
					}),
				}).Run(ctx)
				if diff := cmp.Diff(tt.calls, calls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if got := said(log.String()); got != tt.log {
					t.Errorf("log: got %s, want %s", got, tt.log)
				}
				if strings.Contains(log.String(), "5ecret") {
					t.Errorf("log: the URL is in it:\n%s", &log)
				}
			})
		})
	}
}

// errStatus is an answer that is not good.
type errStatus int

func (e errStatus) Error() string { return fmt.Sprint(int(e)) }

func answer(status int) *http.Response {
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Body: io.NopCloser(strings.NewReader(""))}
}

// said are the messages of a log and their errors.
func said(log string) string {
	var all []string
	for line := range strings.Lines(log) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), "msg=")
		message, err, _ := strings.Cut(rest, " err=")
		one := strings.Trim(message, `"`)
		if err != "" {
			one += ": " + strings.Trim(err, `"`)
		}
		all = append(all, one)
	}
	return strings.Join(all, "; ")
}

func TestProblems(t *testing.T) {
	for _, tt := range []struct {
		name string
		spec heartbeat.Spec
		want string
	}{
		{"a URL is enough", heartbeat.Spec{URL: "https://hc-ping.com/x"}, ""},
		{"there must be one", heartbeat.Spec{}, "url: not a URL to call"},
		{"one that is none is not shown", heartbeat.Spec{URL: "hc-ping.com/x"}, "url: not a URL to call"},
		{"not all the time", heartbeat.Spec{URL: "https://hc-ping.com/x", Interval: time.Millisecond}, "interval: an interval of 1ms is too short"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range tt.spec.WithDefaults().Problems() {
				got = append(got, p.Field+": "+p.Message)
			}
			if got := strings.Join(got, "\n"); got != tt.want {
				t.Errorf("Problems: got %q, want %q", got, tt.want)
			}
		})
	}
}
