package email

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"watchdog/alert"
	"watchdog/notify"
)

// compose is m as a mail: a text and the same in HTML. Its Message-ID is the message's id, so a
// repeat can be told by it; it refers to the group, so that mail programs show what belongs together
// as one conversation.
func (s *Sink) compose(m *notify.Message, now time.Time) ([]byte, error) {
	shown := newPage(m)
	html, err := shown.html()
	if err != nil {
		return nil, fmt.Errorf("write the mail of %s: %w", m.ID, err)
	}
	_, domain, _ := strings.Cut(s.from.Address, "@")
	thread := fmt.Sprintf("<%s@%s>", strings.ReplaceAll(m.Thread(), ":", "."), domain)

	mail := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	mail.FromMailAddress(s.from)
	mail.ToMailAddress(s.to...)
	mail.Subject(subject(m))
	mail.SetDateWithValue(now)
	mail.SetMessageIDWithValue(m.ID + "@" + domain)
	mail.SetGenHeaderPreformatted(gomail.HeaderInReplyTo, thread)
	mail.SetGenHeaderPreformatted(gomail.HeaderReferences, thread)
	mail.SetGenHeader("Auto-Submitted", "auto-generated")      // RFC 3834: no vacation notice in return
	mail.SetGenHeader("X-Auto-Response-Suppress", "All")       // the same for Exchange
	mail.SetGenHeader("X-Watchdog-Delivery", m.ID)             // for filters
	mail.SetGenHeader("X-Watchdog-Severity", worst(m))         // for filters
	mail.SetGenHeader("X-Watchdog-Status", string(m.Status())) // for filters
	if m.Severity() == alert.Critical && m.Status() == alert.StatusFiring {
		mail.SetImportance(gomail.ImportanceHigh)
	}
	mail.SetBodyString(gomail.TypeTextPlain, shown.text())
	mail.AddAlternativeString(gomail.TypeTextHTML, html)
	var b bytes.Buffer
	if _, err := mail.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write the mail of %s: %w", m.ID, err)
	}
	return b.Bytes(), nil
}

// subject is the headline after what one wants to see first: how bad it is, or that it is over.
func subject(m *notify.Message) string {
	mark := strings.ToUpper(worst(m))
	if m.Status() == alert.StatusResolved {
		mark = "RESOLVED"
	}
	return oneLine("["+mark+"] "+m.Headline(), 200)
}

func worst(m *notify.Message) string { return m.Severity().String() }

// Preview is the mail as it is read: its subject, its text, and its HTML.
func (s *Sink) Preview(m *notify.Message) ([]byte, error) {
	shown := newPage(m)
	html, err := shown.html()
	if err != nil {
		return nil, err
	}
	var to []string
	for _, one := range s.to {
		to = append(to, one.String())
	}
	return fmt.Appendf(nil, "From: %s\nTo: %s\nSubject: %s\n\n%s\n%s",
		s.from, strings.Join(to, ", "), subject(m), shown.text(), strings.TrimSpace(html)), nil
}
