package email_test

import (
	"encoding/base64"
	"errors"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/diag"
	"watchdog/notify"
	"watchdog/notify/email"
	"watchdog/notify/sinktest"
)

var update = flag.Bool("update", false, "write the golden files")

const password = "pass-of-the-relay"

func newSink(t *testing.T, s *server, change ...func(*email.Config)) *email.Sink {
	t.Helper()
	c := email.Config{
		Server: s.addr, CA: s.caFile, Username: "robot", Password: password,
		From: "Watchdog <watchdog@example.com>", To: []string{"anna@example.com", "Ben <ben@example.com>"},
	}
	for _, f := range change {
		f(&c)
	}
	if problems := c.Problems(); len(problems) > 0 {
		t.Fatalf("Problems(): got %v, want none", problems)
	}
	sink, err := email.New(c)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return sink
}

// act is a server that acts a part.
func act(part sinktest.Part, cancel func()) *server {
	s := &server{}
	// rcpt answers each RCPT.
	rcpt := func(text func() string) {
		s.answer = func(line string) string {
			if strings.HasPrefix(line, "RCPT") {
				return text()
			}
			return ""
		}
	}
	say := func(text string) func() string { return func() string { return text } }
	switch part {
	case sinktest.RefusesForGood:
		rcpt(say("550 5.1.1 no such user"))
	case sinktest.RefusesForNow:
		rcpt(say("451 4.7.1 greylisted"))
	case sinktest.Hangs:
		rcpt(func() string { cancel(); return "hang" })
	case sinktest.HangsMidway:
		s.answer = func(line string) string {
			if line == "." {
				cancel()
				return "hang"
			}
			return ""
		}
	case sinktest.Breaks:
		rcpt(say("close"))
	case sinktest.Babbles:
		s.greeting = "HTTP/1.1 400 Bad Request"
	case sinktest.Floods:
		s.greeting = "flood"
	case sinktest.TellsAll:
		rcpt(func() string { return "451 " + s.all() })
	case sinktest.TellsAllNo:
		rcpt(func() string { return "550 " + s.all() })
	case sinktest.Drives:
		rcpt(say("451 bad\x1b[2J\x07 news \u009b31m"))
	}
	return s
}

func TestContract(t *testing.T) {
	sinktest.RunStage(t, sinktest.Stage{
		New: func(t *testing.T, part sinktest.Part, cancel func(), got func(string)) notify.Sink {
			s := act(part, cancel)
			s.taken = func(l letter) {
				id, _, _ := strings.Cut(strings.TrimPrefix(parse(t, l).Header.Get("Message-ID"), "<"), "@")
				got(id)
			}
			s.start(t)
			if part == sinktest.Absent {
				s.addr = "127.0.0.1:1"
			}
			return newSink(t, s)
		},
		Secrets: []string{password, base64.StdEncoding.EncodeToString([]byte("\x00robot\x00" + password))},
	})
}

func parse(t *testing.T, l letter) *mail.Message {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(l.text))
	if err != nil {
		t.Fatalf("read the mail: %v in %.300s", err, l.text)
	}
	return m
}

// received is the only mail that a server gets of m.
func received(t *testing.T, m *notify.Message) letter {
	t.Helper()
	var got []letter
	s := (&server{taken: func(l letter) { got = append(got, l) }}).start(t)
	if err := newSink(t, s).Send(t.Context(), m); err != nil {
		t.Fatalf("Send: %v", err)
	}
	if len(got) != 1 {
		t.Fatalf("got %d mails, want one", len(got))
	}
	return got[0]
}

func TestTheMail(t *testing.T) {
	l := received(t, sinktest.Message(1))
	if want := []string{"anna@example.com", "ben@example.com"}; !slices.Equal(l.to, want) || l.from != "FROM:<watchdog@example.com>" {
		t.Errorf("envelope: got %q to %q, want it from watchdog@example.com to %q", l.from, l.to, want)
	}
	m := parse(t, l)
	got := map[string]string{}
	for _, name := range []string{"From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "Importance", "X-Watchdog-Status"} {
		got[name], _ = new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
	}
	want := map[string]string{
		"From": `"Watchdog" <watchdog@example.com>`, "To": `<anna@example.com>, "Ben" <ben@example.com>`,
		"Subject":     "[CRITICAL] firing: replication-failed, prod/_replicator/orders",
		"Message-ID":  "<dlv_01JGK3ZQ5V8R4M2N6P7S9T0WXY@example.com>",
		"In-Reply-To": "<" + strings.ReplaceAll(sinktest.Message(1).Thread(), ":", ".") + "@example.com>",
		"References":  "<" + strings.ReplaceAll(sinktest.Message(1).Thread(), ":", ".") + "@example.com>",
		"Importance":  "high", "Auto-Submitted": "auto-generated", "X-Watchdog-Status": "firing",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, c := range []struct{ kind, holds string }{{"text/plain", "FIRING  critical"}, {"text/html", "<h1"}} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatalf("part %s: %v", c.kind, err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil || !strings.HasPrefix(part.Header.Get("Content-Type"), c.kind) || !strings.Contains(string(text), c.holds) {
			t.Errorf("part: got %s (%v) %.200s, want %s with %q", part.Header.Get("Content-Type"), err, text, c.kind, c.holds)
		}
	}
}

func TestPreview(t *testing.T) {
	for _, c := range []struct {
		name   string
		alerts int
		change func(m *notify.Message)
	}{
		{"one", 1, func(*notify.Message) {}},
		{"three", 3, func(*notify.Message) {}},
		{"markup", 1, func(m *notify.Message) {
			a := &m.Alerts[0]
			a.Summary, a.Error, a.RunbookURL = "<b>bold</b> & \x1b[31m\r\nBcc: x", "{error,<<\"a\">>}", "javascript:alert(1)"
		}},
		{"resolved", 3, func(m *notify.Message) { m.Alerts = m.Alerts[2:] }},
		{"many", 300, func(*notify.Message) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sinktest.Message(c.alerts)
			c.change(m)
			got, err := newSink(t, (&server{}).start(t)).Preview(m)
			if err != nil {
				t.Fatal(err)
			}
			sinktest.Golden(t, "testdata/"+c.name+".txt", got, *update)
		})
	}
}

func TestNoHeaderCanBeInjected(t *testing.T) {
	m := sinktest.Message(1)
	m.Alerts[0].Rule = "rule\r\nBcc: mallory@example.com\r\n\r\nbody"
	l := received(t, m)
	if header := parse(t, l).Header; header.Get("Bcc") != "" || !strings.Contains(header.Get("Subject"), "Bcc: mallory") {
		t.Errorf("headers: got Bcc %q and subject %q, want all of it in the subject", header.Get("Bcc"), header.Get("Subject"))
	}
}

func TestARecipientWhoIsRefusedDoesNotKeepItFromTheOthers(t *testing.T) {
	var got []letter
	refuse := "550 no such user"
	s := &server{taken: func(l letter) { got = append(got, l) }, answer: func(line string) string {
		if strings.Contains(line, "TO:<anna") {
			return refuse
		}
		return ""
	}}
	sink, m := newSink(t, s.start(t)), sinktest.Message(1)

	memory, err := sink.Resume(t.Context(), m, nil)
	var no *notify.Refused
	if !errors.As(err, &no) || !strings.Contains(err.Error(), "anna@example.com: 550") {
		t.Errorf("first attempt: got %v, want a refusal that names anna", err)
	}
	refuse = "451 try later"
	if memory, err = sink.Resume(t.Context(), m, memory); err == nil || errors.As(err, &no) {
		t.Errorf("second attempt: got %v, want an error to try again after", err)
	}
	refuse = ""
	if _, err = sink.Resume(t.Context(), m, memory); err != nil {
		t.Errorf("third attempt: got %v, want it to be taken", err)
	}
	var to [][]string
	for _, l := range got {
		to = append(to, l.to)
	}
	if diff := cmp.Diff([][]string{{"ben@example.com"}, {"anna@example.com"}}, to); diff != "" {
		t.Errorf("recipients of the mails (-want +got):\n%s", diff)
	}
}

func TestSecurity(t *testing.T) {
	for _, c := range []struct {
		name   string
		server *server
		change func(*email.Config)
		want   string // of the error; "" for taken
	}{
		{"STARTTLS", &server{}, func(*email.Config) {}, ""},
		{"TLS from the first byte on", &server{implicit: true}, func(c *email.Config) { c.TLS = "implicit" }, ""},
		{"in the clear, where the config says so", &server{bare: true}, func(c *email.Config) { c.TLS, c.Username, c.Password = "none", "", "" }, ""},
		{"a server without STARTTLS gets nothing", &server{bare: true}, func(*email.Config) {}, "does not offer STARTTLS"},
		{"a certificate that is not trusted", &server{}, func(c *email.Config) { c.CA = "" }, "certificate"},
		{"a wrong password", &server{answer: func(line string) string {
			if strings.HasPrefix(line, "AUTH") {
				return "535 5.7.8 authentication failed"
			}
			return ""
		}}, func(*email.Config) {}, "authentication failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			taken := 0
			c.server.taken = func(letter) { taken++ }
			err := newSink(t, c.server.start(t), c.change).Send(t.Context(), sinktest.Message(1))
			if c.want == "" {
				if err != nil || taken != 1 {
					t.Errorf("got %v and %d mails, want one", err, taken)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || taken != 0 {
				t.Errorf("got %v and %d mails, want none and an error with %q", err, taken, c.want)
			}
			if heard := c.server.all(); c.server.bare && (strings.Contains(heard, "AUTH") || strings.Contains(heard, "MAIL")) {
				t.Errorf("the server heard %q, want nothing in the clear", heard)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	fine := email.Config{Server: "smtp.example.com", From: "a@example.com", To: []string{"b@example.com"}}
	for _, c := range []struct {
		name   string
		change func(*email.Config)
		want   []diag.Problem
	}{
		{"the least that works", func(*email.Config) {}, nil},
		{"nothing", func(c *email.Config) { *c = email.Config{} }, []diag.Problem{
			{Field: "server", Message: "server is missing", Hint: "write it like smtp.example.com:587"},
			{Field: "from", Message: "from is missing", Hint: "write it like watchdog@example.com"},
			{Field: "to", Message: "to is missing", Hint: "write one or more addresses, as [oncall@example.com]"},
		}},
		{"a port that is none", func(c *email.Config) { c.Server = "smtp.example.com:smtp" }, []diag.Problem{
			{Field: "server", Message: `"smtp" is no port`, Hint: "write it like smtp.example.com:587"},
		}},
		{"a URL for a server", func(c *email.Config) { c.Server = "smtp://smtp.example.com" }, []diag.Problem{
			{Field: "server", Message: `"//smtp.example.com" is no port`, Hint: "write it like smtp.example.com:587"},
		}},
		{"TLS that is none", func(c *email.Config) { c.TLS = "ssl" }, []diag.Problem{
			{Field: "tls", Message: `"ssl" is no kind of TLS`, Hint: "write starttls, implicit or none"},
		}},
		{"a password in the clear", func(c *email.Config) { c.TLS, c.Username = "none", "me" }, []diag.Problem{
			{Field: "tls", Message: "without TLS everybody could read the password", Hint: "use starttls, or no username"},
		}},
		{"a password without a name", func(c *email.Config) { c.Password = "x" }, []diag.Problem{
			{Field: "username", Message: "there is a password, and no username", Hint: "add it"},
		}},
		{"a CA that is not there", func(c *email.Config) { c.CA = "nowhere.pem" }, []diag.Problem{
			{Field: "ca", Message: "the file cannot be read", Hint: "name a file of certificates in PEM form"},
		}},
		{"a CA without a certificate", func(c *email.Config) { c.CA = "email_test.go" }, []diag.Problem{
			{Field: "ca", Message: "there is no certificate in the file", Hint: "name a file of certificates in PEM form"},
		}},
		{"addresses that are none", func(c *email.Config) { c.From, c.To = "watchdog", []string{"b@example.com", "oncall, ben"} }, []diag.Problem{
			{Field: "from", Message: "from is not an address", Hint: "write it like watchdog@example.com"},
			{Field: "to[1]", Message: "this is not an address", Hint: "write it like oncall@example.com"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := fine
			c.change(&config)
			if diff := cmp.Diff(c.want, config.Problems()); diff != "" {
				t.Errorf("Problems() (-want +got):\n%s", diff)
			}
		})
	}
	if fine.Empty() || !(email.Config{Server: "a", To: []string{""}}).Empty() {
		t.Error("Empty(): want true without a recipient only")
	}
}

func TestAnEventSaysWhenItHappened(t *testing.T) {
	m := sinktest.Message(1)
	a := &m.Alerts[0]
	a.Status, a.Reason, a.Severity, a.At = alert.StatusEvent, alert.ReasonEvent, alert.Info, time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	shown, err := newSink(t, (&server{}).start(t)).Preview(m)
	if err != nil || !strings.Contains(string(shown), "At:          2026-01-02 03:00:00 UTC") || !strings.Contains(string(shown), "[INFO] event") {
		t.Errorf("got %s (%v), want its time and [INFO] event", shown, err)
	}
}

func TestProbe(t *testing.T) {
	s := (&server{taken: func(letter) { t.Error("a mail was sent") }}).start(t)
	if found, err := newSink(t, s).Probe(t.Context()); err != nil || !strings.HasSuffix(found, "lets robot in") {
		t.Errorf("Probe: got %q (%v), want that it lets robot in", found, err)
	}
	refuses := (&server{answer: func(line string) string {
		if strings.HasPrefix(line, "AUTH") {
			return "535 " + line
		}
		return ""
	}}).start(t)
	if found, err := newSink(t, refuses).Probe(t.Context()); err == nil || strings.Contains(err.Error(), "cGFzcy") {
		t.Errorf("Probe with a wrong password: got %q (%v), want an error without it", found, err)
	}
}
