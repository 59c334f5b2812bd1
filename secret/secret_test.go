package secret_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"watchdog/secret"
)

func TestStringShowsItselfNowhere(t *testing.T) {
	s := secret.String("hunter2")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("login", "password", s, "in", struct{ P secret.String }{s})
	inJSON, err := json.Marshal(map[string]any{"password": s})
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{
		"%v": fmt.Sprintf("%v", s), "%s": fmt.Sprintf("%s", any(s)), "%q": fmt.Sprintf("%q", s), "%#v": fmt.Sprintf("%#v", s),
		"%+v of a struct": fmt.Sprintf("%+v", struct{ P secret.String }{s}), "%x": fmt.Sprintf("%x", s),
		"json": string(inJSON), "slog": log.String(),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%s: got %s", where, text)
		}
	}
	if s.Reveal() != "hunter2" {
		t.Errorf("Reveal: got %q", s.Reveal())
	}
	if got := secret.String("").String(); got != "" {
		t.Errorf("an empty secret: got %q, want empty", got)
	}
}

func TestEveryVerbMasks(t *testing.T) {
	s := secret.String("hunter2")
	for _, verb := range "vsqxXdobcOeEfFgGtU" {
		for _, flags := range []string{"", "#", "+", "-9", "09.3", "# "} {
			format, want := "%"+flags+string(verb), secret.Mask
			if verb == 'q' || verb == 'v' && strings.Contains(flags, "#") {
				want = `"` + secret.Mask + `"`
			}
			if got := fmt.Sprintf(format, any(s)); got != want {
				t.Errorf("Sprintf(%q): got %s, want %s", format, got, want)
			}
		}
	}
	if got := fmt.Sprintf("%q", secret.String("")); got != `""` {
		t.Errorf("an empty secret by %%q: got %s, want empty quotes", got)
	}
}

func TestMaskURLs(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain text", "plain text"},
		{"mail to a@b.example", "mail to a@b.example"},
		{"http://db.example.com/orders/", "http://db.example.com/orders/"},
		{"http://user:hunter2@db.example.com/orders/", "http://user:*****@db.example.com/orders/"},
		{"https://token@db.example.com", "https://*****@db.example.com"},
		{"could not open http://u:p@h/x: http://u:p@h/y", "could not open http://u:*****@h/x: http://u:*****@h/y"},
		{"http://h/ and http://u:p@h", "http://h/ and http://u:*****@h"},
		{"http://u:p@ss@h/x", "http://u:*****@h/x"},
		{`{session_request_failed,"http://u:p@h/_session","u"}`, `{session_request_failed,"http://u:*****@h/_session","u"}`},
		{"http://u:it's,mine@h/x", "http://u:*****@h/x"},
		{"http://h/path?to=a@b", "http://h/path?to=a@b"},
		{"http://user:*****@h/", "http://user:*****@h/"},
		{"a@b ://u:p@h", "a@b ://u:*****@h"},
		{"://@", "://@"}, // nobody: nothing to mask
	}
	for _, tt := range tests {
		if got := secret.MaskURLs(tt.in); got != tt.want {
			t.Errorf("MaskURLs(%q):\n got %q\nwant %q", tt.in, got, tt.want)
		}
	}
}

func FuzzMaskURLs(f *testing.F) {
	f.Add("could not open http://u:hunter2@h/x")
	f.Add("http://://@@:")
	f.Fuzz(func(t *testing.T, text string) {
		masked := secret.MaskURLs(text)
		if again := secret.MaskURLs(masked); again != masked {
			t.Errorf("MaskURLs twice of %q: got %q, then %q", text, masked, again)
		}
	})
}
