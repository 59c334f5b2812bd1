package slack_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchdog/notify/sinktest"
	"watchdog/notify/slack"
)

// slow is Slack when it takes its time, without a socket.
type slow time.Duration

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(time.Duration(s)):
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("ok")), Request: r}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// A sink's timeout is the only one: who sets it to minutes means minutes.
func TestTheDefaultClientIsAsPatientAsItsContext(t *testing.T) {
	shared := http.DefaultTransport
	defer func() { http.DefaultTransport = shared }()
	http.DefaultTransport = slow(4 * time.Minute)
	synctest.Test(t, func(t *testing.T) {
		sink, err := slack.New(slack.Config{WebhookURL: "https://hooks.slack.test/services/T0/B0/0123456789abcdef"}, slack.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := sink.Send(t.Context(), sinktest.Message(1)); err != nil {
			t.Errorf("Send where Slack takes four minutes: got %v, want nil", err)
		}
	})
}
