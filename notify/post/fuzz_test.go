package post_test

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"watchdog/notify"
	"watchdog/notify/post"
	"watchdog/secret"
)

// answering is a receiver of one answer, without a socket.
type answering http.Response

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	response := http.Response(*a)
	response.Request = r
	return &response, nil
}

func TestASecretOfWhichOnlyAPartWasReadIsNotShown(t *testing.T) {
	for spaces := 4070; spaces < 4100; spaces++ {
		body := io.NopCloser(strings.NewReader(strings.Repeat(" ", spaces) + "hunter2-hunter2-hunter2"))
		client := post.New(&http.Client{Transport: &answering{StatusCode: 503, Header: http.Header{}, Body: body}}, "hunter2-hunter2-hunter2")
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://receiver.example/hook", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Send(request); err == nil || strings.Contains(err.Error(), "hun") {
			t.Errorf("an answer with a secret behind %d spaces: got %v, want an error without it", spaces, err)
		}
	}
}

// Whatever a receiver answers is taken, tried again or refused by its status alone; a wait is what was
// asked for, and never less than none; and what people are told of it is one short line, without our
// secrets, however the receiver repeats them.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []struct {
		status                     uint16
		retryAfter, location, body string
	}{
		{200, "", "", "ok"},
		{204, "", "", ""},
		{301, "5", "https://example.com/SECRET?token=SECRET", ""},
		{307, "", "//user:SECRET@other/\x7f", "<html>SECRET"},
		{400, "120", "", `{"error": "you sent SECRET", "headers": {"X-Token": "SECRET"}}`},
		{404, "", "", "\x1b[31mSECRET\x00\r\n\u2028 and more " + strings.Repeat("words ", 100)},
		{408, "-5", "", "\xff\xfeSECRET"},
		{429, "7", "", "slow down"},
		{429, "Fri, 02 Jan 2026 03:05:05 GMT", "", "SECRETSECRET"},
		{503, "99999999999999999999999", "", strings.Repeat(" ", 4090) + "SECRET"},
		{500, "9223372036", "", strings.Repeat("SECRET", 100)},
		{599, "0.5", "", "sec-SECRET-ret"},
		{999, "soon", "", "SE"},
		{0, "\x00", "%zz", "{}"},
	} {
		for form := range uint8(3 * forms) {
			f.Add(seed.status, seed.retryAfter, seed.location, seed.body, form)
		}
	}
	f.Fuzz(func(t *testing.T, status uint16, retryAfter, location, body string, form uint8) {
		status %= 1000 // net/http takes three digits
		token := []string{"hunter2/é \"&<\\'t", "hunter2/+é\"&<\\t", "hunter2"}[form/forms%3]
		shown := written(t, token, form)
		body, location = strings.ReplaceAll(body, "SECRET", shown), strings.ReplaceAll(location, "SECRET", shown)
		response := &answering{StatusCode: int(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		for name, value := range map[string]string{"Retry-After": retryAfter, "Location": location} {
			if value != "" {
				response.Header.Set(name, value)
			}
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://receiver.example/hook", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		secrets := post.HeaderSecrets(map[string]secret.String{"X-Token": secret.String(token)})
		err = post.New(&http.Client{Transport: response}, secrets...).Send(request)
		checkVerdict(t, int(status), retryAfter, err)
		if err != nil {
			checkText(t, err.Error(), token)
		}
	})
}

// forms is how many there are in which a receiver may repeat a secret.
const forms = 7

func written(t *testing.T, token string, form uint8) string {
	quoted := func(escapeHTML bool) string {
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(escapeHTML)
		if err := encoder.Encode(token); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text.String()), `"`), `"`)
	}
	switch form % forms {
	case 1:
		return url.QueryEscape(token)
	case 2:
		return url.PathEscape(token)
	case 3:
		return quoted(true)
	case 4:
		return quoted(false)
	case 5: // as Python does
		return strings.ReplaceAll(quoted(false), "é", `\u00e9`)
	case 6: // as PHP does
		return strings.ReplaceAll(strings.ReplaceAll(quoted(false), "é", `\u00e9`), "/", `\/`)
	default:
		return token
	}
}

func checkVerdict(t *testing.T, status int, retryAfter string, err error) {
	busy, isBusy := errors.AsType[*notify.Busy](err)
	_, refused := errors.AsType[*notify.Refused](err)
	again := status == 408 || status == 425 || status == 429 || status >= 500
	taken := status >= 200 && status < 300
	if (err == nil) != taken || refused == (again || taken) || isBusy && !again {
		t.Errorf("status %d: got %T %v", status, err, err)
	}
	if !isBusy {
		return
	}
	if busy.After <= 0 {
		t.Errorf("Retry-After %q: got a wait of %s, want one or none", retryAfter, busy.After)
	}
	if n, err := strconv.ParseUint(strings.TrimSpace(retryAfter), 10, 32); err == nil && busy.After != time.Duration(n)*time.Second {
		t.Errorf("Retry-After %q: got a wait of %s, want %d s", retryAfter, busy.After, n)
	}
	if now := time.Now(); busy.After < math.MaxInt64/2 && now.Add(busy.After).Before(now) {
		t.Errorf("Retry-After %q: got a wait of %s, which is over before it begins", retryAfter, busy.After)
	}
}

func checkText(t *testing.T, text, token string) {
	if !strings.HasPrefix(text, "post to https://receiver.example/hook: ") {
		t.Errorf("got %q, want what was done, and to whom", text)
	}
	if n := utf8.RuneCountInString(text); n > 600 || strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("got %d characters, want one short line: %q", n, text)
	}
	for form := range uint8(forms) {
		if shown := written(t, token, form); strings.Contains(text, shown) {
			t.Errorf("got %q, which holds the secret %s", text, shown)
		}
	}
	if strings.Contains(text, "hunter2") {
		t.Errorf("got %q, which holds a part of the secret", text)
	}
}
