package slack_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/notify/slack"
	"watchdog/notify/slack/slacktest"
)

// hearing is buttons that are heard, and what was pressed.
type hearing struct {
	*workspace
	log   safeBuffer
	end   func() // stops, and waits until everything has
	ended chan struct{}

	mu     sync.Mutex // guards what follows
	heard  []slack.Press
	answer string
}

// safeBuffer is a buffer that may be read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func hear(t *testing.T, w *workspace) *hearing {
	h := &hearing{workspace: w, ended: make(chan struct{})}
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindTime {
			return slog.Attr{}
		}
		return a
	}
	buttons := slack.NewButtons(w.config(), slack.ButtonsOptions{
		Client: w.Client(), Log: slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{ReplaceAttr: noTime})),
		Pressed: func(_ context.Context, p slack.Press) string {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.heard = append(h.heard, p)
			return h.answer
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		defer close(h.ended)
		buttons.Run(ctx)
	}()
	h.end = func() {
		stop()
		select {
		case <-h.ended:
		case <-time.After(10 * time.Second):
			t.Error("Run did not return when it was told to")
		}
	}
	t.Cleanup(h.end)
	return h
}

func (h *hearing) awaitOpened(n int) {
	h.t.Helper()
	h.Await("another connection is opened", func([]slacktest.Post) bool { return h.Opened() >= n })
}

func TestAPressIsHeardAndAnswered(t *testing.T) {
	h := hear(t, newWorkspace(t))
	h.must(told(0, "new a"))
	ts := h.Posts()[0].TS
	if got := h.Press(ts, ack); got != "" {
		t.Errorf("the press was answered by %q, want silence", got)
	}
	h.mu.Lock()
	h.answer = "Already acknowledged."
	h.mu.Unlock()
	if got := h.Press(ts, silenceHour); got != "Already acknowledged." {
		t.Errorf("answer: got %q, want what was decided", got)
	}
	thread := told(0, "new a").Thread()
	want := []slack.Press{
		{Sink: "oncall", Thread: thread, Action: ack, TS: ts, By: "@anna"},
		{Sink: "oncall", Thread: thread, Action: silenceHour, TS: ts, By: "@anna"},
	}
	for i := range h.heard {
		if time.Since(h.heard[i].At) > time.Minute {
			t.Errorf("press %d was at %s, want now", i, h.heard[i].At)
		}
		h.heard[i].At = time.Time{}
	}
	if diff := cmp.Diff(want, h.heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func TestAPressOfAnotherKindIsConfirmedOnly(t *testing.T) {
	h := hear(t, newWorkspace(t))
	h.AwaitSocket()
	if got := h.PressValue("1.2", "other", "no JSON"); got != "" || len(h.heard) > 0 {
		t.Errorf("got answer %q and presses %v, want none", got, h.heard)
	}
}

func TestTheConnectionIsOpenedAgain(t *testing.T) {
	for _, tt := range []struct {
		name string
		lose func(h *hearing)
		log  string
	}{
		{"when it is cut", func(h *hearing) { h.Drop() }, ""},
		{"when Slack asks for it", func(h *hearing) { h.Refresh() }, ""},
		{"when it could not be opened for a while", func(h *hearing) {
			h.RefuseSockets("internal_error")
			h.Drop()
			h.awaitOpened(2)
			h.RefuseSockets("")
		}, "level=WARN msg=\"the buttons in Slack are not heard\" err=internal_error\nlevel=INFO msg=\"the buttons in Slack are heard\"\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := hear(t, newWorkspace(t))
			h.must(told(0, "new a"))
			h.Press(h.Posts()[0].TS, ack)
			before := h.Opened()
			tt.lose(h)
			h.awaitOpened(before + 1)
			h.Press(h.Posts()[0].TS, ack)
			if len(h.heard) != 2 {
				t.Errorf("got %d presses, want one before the connection was lost and one after", len(h.heard))
			}
			if diff := cmp.Diff("level=INFO msg=\"the buttons in Slack are heard\"\n"+tt.log, h.log.String()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestABadAppTokenIsLoggedAndEndsIt(t *testing.T) {
	for _, code := range []string{"invalid_auth", "not_allowed_token_type", "missing_scope", "token_revoked"} {
		t.Run(code, func(t *testing.T) {
			w := newWorkspace(t)
			w.RefuseSockets(code)
			h := hear(t, w)
			select {
			case <-h.ended:
			case <-time.After(10 * time.Second):
				t.Fatal("Run goes on")
			}
			want := "level=ERROR msg=\"the buttons in Slack do not work: app_token must be an app-level token with the scope connections:write, of an app that has Socket Mode switched on\" err=" + code + "\n"
			if diff := cmp.Diff(want, h.log.String()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoSecretOfTheConnectionIsLogged(t *testing.T) {
	w := newWorkspace(t)
	w.RefuseSockets("strange " + appToken)
	h := hear(t, w)
	h.awaitOpened(2) // the first failure is logged before the second attempt
	h.end()
	if !strings.Contains(h.log.String(), "strange") {
		t.Errorf("log: got %q, want why the connection could not be opened", h.log.String())
	}
	for _, secret := range []string{appToken, "secret-ticket", w.URL()} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log holds %s: %s", secret, h.log.String())
		}
	}
}
