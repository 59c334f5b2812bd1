package post_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchdog/notify/post"
)

// slow is a receiver that takes its time, without a socket.
type slow time.Duration

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(time.Duration(s)):
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("ok")), Request: r}, nil
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
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://receiver/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := post.New(nil).Send(request); err != nil {
			t.Errorf("Send to a receiver that takes four minutes: got %v, want nil", err)
		}
	})
}
