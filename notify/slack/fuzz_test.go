package slack_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/notify/slack"
	"watchdog/secret"
)

// oddSlack gives one answer, and is a Slack that works from then on.
type oddSlack struct {
	first *http.Response
	calls int
}

func (s *oddSlack) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	s.calls++
	answer := s.first
	if s.calls > 1 {
		answer = &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"ok":true,"channel":"C1","ts":"2.2"}`))}
	}
	answer.Request = r
	return answer, nil
}

// Whatever Slack answers, and whatever a thread's memory is: a message counts as told only where Slack
// says so, what people are told of an error is one short line without secrets, and a Slack that works
// takes the message afterwards.
func FuzzAnswer(f *testing.F) {
	memory := `{"channel":"#oncall","id":"C1","ts":"1.1","entries":[{"fingerprint":"f","status":"firing","at":"2026-01-02T03:04:05Z","rule":"failed",` +
		`"severity":"warning","said":{},"details":{"error":"no"}},{"status":"resolved","ends_at":null}],"midway":{"delivery":"dlv_1","updated":true}}`
	for _, seed := range []struct {
		status                     uint16
		retryAfter, location, body string
	}{
		{200, "", "", `{"ok":true,"channel":"C024BE91L","ts":"1.000100"}`},
		{200, "", "", `{"ok":true} {"ok":false}`},
		{200, "", "", `{"ok":"true"}`},
		{200, "", "", `{"ok":false,"error":"message_not_found"}`},
		{200, "5", "", `{"ok":false,"error":"ratelimited","needed":"chat:write"}`},
		{200, "", "", `{"ok":false,"error":["SECRET"],"response_metadata":{"messages":["SECRET\u0000\n"]}}`},
		{200, "", "", `ok`},
		{200, "", "", ``},
		{200, "", "", `{"ok":true,"ts":` + strings.Repeat(`[`, 20000)},
		{302, "", "https://slack.com/SECRET", `<html>`},
		{404, "", "", "no_service SECRET"},
		{429, "9999999999999999999", "", "\xff\x1b[31m"},
		{503, "-1", "//%zz", strings.Repeat("SECRET ", 300)},
		{500, "", "", strings.Repeat(" ", 4080) + "SECRET"},
	} {
		for kind := range uint8(3) {
			f.Add(seed.status, seed.retryAfter, seed.location, seed.body, []byte(memory), kind)
		}
		f.Add(seed.status, seed.retryAfter, seed.location, seed.body, []byte(memory[:len(memory)/2]), uint8(0))
	}
	f.Fuzz(func(t *testing.T, status uint16, retryAfter, location, body string, memory []byte, kind uint8) {
		status %= 1000 // net/http takes three digits
		config, token := bot, botToken
		if kind%3 == 1 {
			config, token = slack.Config{WebhookURL: secret.String("https://hooks.slack.com" + hookPath)}, hookPath
		}
		body, location = strings.ReplaceAll(body, "SECRET", token), strings.ReplaceAll(location, "SECRET", token)
		odd := &oddSlack{first: &http.Response{StatusCode: int(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}}
		for name, value := range map[string]string{"Retry-After": retryAfter, "Location": location} {
			if value != "" {
				odd.first.Header.Set(name, value)
			}
		}
		sink := newSink(t, config, &http.Client{Transport: odd})
		message := told(1, "new a, resolved b")
		if kind%3 == 2 {
			message = told(2, "new a")
		}
		after, err := sink.Resume(t.Context(), message, memory)
		checkAnswer(t, kind%3 == 1, int(status), body, odd.calls, err)
		if err == nil {
			return
		}
		if after == nil {
			after = memory
		}
		if _, err := sink.Resume(t.Context(), message, after); err != nil {
			t.Errorf("a Slack that works again: got %v, want it to take the message", err)
		}
	})
}

func checkAnswer(t *testing.T, webhook bool, status int, body string, calls int, err error) {
	taken := status >= 200 && status < 300
	if !webhook {
		var said struct {
			OK bool `json:"ok"`
		}
		_ = json.NewDecoder(strings.NewReader(body)).Decode(&said) // of what is no JSON it is false
		taken = status == 200 && said.OK
	}
	if err == nil {
		if !taken && calls == 1 {
			t.Errorf("status %d, %q: got no error, want one", status, body)
		}
		return
	}
	if taken {
		t.Errorf("status %d, %q: got %v, want it to be taken", status, body, err)
	}
	if busy, ok := errors.AsType[*notify.Busy](err); ok && busy.After <= 0 {
		t.Errorf("status %d: got a wait of %s", status, busy.After)
	}
	if _, ok := errors.AsType[*notify.Refused](err); ok && (status == 429 || status >= 500) {
		t.Errorf("status %d: got %v, want it to be tried again", status, err)
	}
	text := err.Error()
	if n := utf8.RuneCountInString(text); n > 1200 || strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("got %d characters, want one short line: %q", n, text)
	}
	for _, token := range []string{botToken, appToken, hookPath, "hushsecret", "xoxb-", "/services/T"} {
		if strings.Contains(text, token) {
			t.Errorf("got %q, which holds a secret", text)
		}
	}
}

// A press is of the alerts that its post's memory says fire, whatever its memory is; and it says
// something of those and no others, whatever they are called.
func FuzzPress(f *testing.F) {
	for i, doc := range []string{"orders", "a*", `\`, `?\*[`, "", "ä/../b", "_replicator"} {
		memory := `{"channel":"#oncall","ts":"1.1","entries":[{"fingerprint":"f` + doc + `","status":"firing"},{"fingerprint":"g","status":"resolved"}]}`
		f.Add([]byte(memory), "1.1", []string{ack, silenceHour, silenceOver, "watchdog_snooze"}[i%4], doc, doc+"x", uint16(i))
	}
	f.Add([]byte("null"), "", silenceHour, "a", "b", uint16(100))
	f.Fuzz(func(t *testing.T, memory []byte, ts, action, doc, other string, many uint16) {
		if !utf8.ValidString(doc) || !utf8.ValidString(other) {
			return // the name of a document is UTF-8
		}
		now := began.Add(time.Minute)
		press := slack.Press{Action: action, By: "@anna", At: now, TS: ts}
		if fired, current := press.Fired(memory); len(fired) > 0 && !current {
			t.Errorf("Fired of %s: got %q of a post that is not the one", memory, fired)
		}
		firing := []alert.Alert{told(0, "new "+doc).Alerts[0].Alert, told(0, "new b").Alerts[0].Alert}
		firing[0].DocID = doc // a comma in it is part of the name
		for range many % 100 {
			firing = append(firing, firing[0])
		}
		stranger := firing[0]
		stranger.DocID = other
		deed := press.Decide(firing, func(*alert.Alert) notify.Said { return notify.Said{} })
		if (len(deed.Acks)+len(deed.Silences) == 0) != (deed.Answer != "") {
			t.Errorf("%q: got %+v, want something to be done, or an answer", action, deed)
		}
		for i := range firing {
			if _, acked := deed.Acks[firing[i].Fingerprint]; deed.Acks != nil && !acked {
				t.Errorf("%q of %q: it is not acknowledged", action, firing[i].DocID)
			}
			if deed.Silences != nil && !silenced(deed.Silences, &firing[i]) {
				t.Errorf("%q of %q: it is not silenced by %+v", action, firing[i].DocID, deed.Silences)
			}
		}
		if other != doc && other != "b" && silenced(deed.Silences, &stranger) {
			t.Errorf("%q of %q: %q is silenced too", action, doc, other)
		}
		for i := range deed.Silences {
			for _, p := range deed.Silences[i].Problems(now) {
				if doc != "" && len(doc) < 100 {
					t.Errorf("%q of %q: a silence that is refused: %+v", action, doc, p)
				}
			}
		}
	})
}

// silenced reports whether an alert is muted by one of them.
func silenced(all []notify.Silence, a *alert.Alert) bool {
	for i := range all {
		labels := map[string]string{"server": a.Server, "rule": a.Rule, "database": a.Database, "doc_id": a.DocID}
		if alert.NewMatchers(all[i].Match).Match(func(label string) string { return labels[label] }) {
			return true
		}
	}
	return false
}

// Whatever comes over the socket as a press, one that follows it is heard.
func FuzzInteraction(f *testing.F) {
	for _, payload := range []string{
		`null`, `{}`, `[]`, `7`, `{"type":"block_actions"}`, `{"type":"block_actions","actions":[null]}`,
		`{"type":"block_actions","user":null,"actions":[{"type":"button","action_id":"watchdog_ack","value":"{\"sink\":\"other\"}"}]}`,
		`{"type":"block_actions","actions":[{"type":"button","value":"null"},{"type":"users_select"},{"type":"nothing"}],"container":{"message_ts":7}}`,
		`{"type":"view_submission","view":{"state":{"values":{"a":{"b":{}}}}}}`, `{"type":"dialog_submission","submission":[]}`,
		`{"type":"interactive_message","actions":[{"name":"x"}],"message":{"ts":"1.1"}}`, `{"type":"message_action","message_ts":1}`,
		`{"type":["block_actions"]}`, `{"type":"block_actions","response_url":"%zz","actions":[{"type":"button","value":"{}"}]}`,
	} {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		if !json.Valid([]byte(payload)) || !utf8.ValidString(payload) || strings.Contains(payload, "heard-anyway") || strings.Contains(payload, ":/") {
			return // Slack speaks JSON; and nobody is to be answered but the workspace
		}
		h := hear(t, newWorkspace(t))
		h.mu.Lock()
		h.answer = "heard"
		h.mu.Unlock()
		h.AwaitSocket()
		h.Interact(payload)
		h.PressValue("1.1", "heard-anyway", `{"sink":"oncall"}`)
		h.mu.Lock()
		defer h.mu.Unlock()
		if n := len(h.heard); n == 0 || h.heard[n-1].Action != "heard-anyway" {
			t.Errorf("after %s: got the presses %+v, want the one that followed", payload, h.heard)
		}
		for _, p := range h.heard {
			if !strings.HasPrefix(p.By, "@") {
				t.Errorf("after %s: got a press by %q", payload, p.By)
			}
		}
	})
}
