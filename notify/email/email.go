// Package email tells alerts by e-mail, through one SMTP server.
//
// What is said (mail.go, render.go) knows nothing of how it is sent (session.go), and the other way
// round.
package email

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"watchdog/notify"
	"watchdog/secret"
)

// Sink sends mails to the same people. It may send several at the same time.
type Sink struct {
	host, address string
	security      string
	trust         *tls.Config
	username      string
	password      secret.String
	from          *mail.Address
	to            []*mail.Address
	hide          *strings.Replacer
}

// New makes a sink of a config without problems.
func New(c Config) (*Sink, error) {
	for _, p := range c.Problems() {
		return nil, errors.New(p.Message)
	}
	host, address, err := c.address()
	if err != nil {
		return nil, err
	}
	trust, err := c.trusted()
	if err != nil {
		return nil, err
	}
	trust.ServerName = host
	s := &Sink{
		host: host, address: address, security: c.security(), trust: trust,
		username: c.Username, password: c.Password, hide: secret.Masker(forms(c)...),
	}
	if s.from, err = parseAddress(c.From); err != nil {
		return nil, err
	}
	for _, text := range c.To {
		to, err := parseAddress(text)
		if err != nil {
			return nil, err
		}
		s.to = append(s.to, to)
	}
	return s, nil
}

// forms are those in which the password travels.
func forms(c Config) []string {
	password := c.Password.Reveal()
	encode := base64.StdEncoding.EncodeToString
	if password == "" {
		return nil
	}
	return []string{password, encode([]byte(password)), encode([]byte("\x00" + c.Username + "\x00" + password))}
}

// Send mails m to everybody.
func (s *Sink) Send(ctx context.Context, m *notify.Message) error {
	_, err := s.Resume(ctx, m, nil)
	return err
}

// Resume mails m to those who do not have it from an earlier attempt. A recipient whom the server
// refuses does not keep it from the others: they get it, and the refusal is told in the end.
func (s *Sink) Resume(ctx context.Context, m *notify.Message, memory []byte) ([]byte, error) {
	progress := notify.ResumeProgress(m, memory)
	err := s.mail(ctx, m, progress)
	if err != nil {
		err = s.verdict(ctx, err)
	}
	return progress.Memory(), err
}

func (s *Sink) mail(ctx context.Context, m *notify.Message, progress *notify.Progress) error {
	text, err := s.compose(m, time.Now())
	if err != nil {
		return &notify.Refused{Err: err}
	}
	open, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer open.close()
	if err := open.Mail(bracketed(s.from)); err != nil {
		return err
	}
	var taken []string
	var refused rejections
	for _, to := range s.to {
		if progress.Has(to.Address) {
			continue
		}
		if err := open.Rcpt(bracketed(to)); err != nil {
			if !isAnswer(err) {
				return err
			}
			refused = append(refused, rejection{to.Address, err})
			continue
		}
		taken = append(taken, to.Address)
	}
	if len(taken) > 0 {
		if err := open.write(text); err != nil {
			return err
		}
		for _, to := range taken {
			progress.Did(to)
		}
	}
	open.quit()
	if len(refused) > 0 {
		return refused
	}
	return nil
}

// bracketed is an address as SMTP has it: the library adds no brackets.
func bracketed(a *mail.Address) string { return "<" + a.Address + ">" }

// write sends the text of the mail. After it the server has it.
func (s *session) write(text []byte) error {
	w, err := s.Data()
	if err != nil {
		return err
	}
	if _, err := bytes.NewReader(text).WriteTo(w); err != nil {
		return err
	}
	return w.Close()
}

// verdict is what an error means for the delivery, in words fit for people: refused for good when
// the server says 5xx, or says so of each recipient whom it does not take.
func (s *Sink) verdict(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("mail by %s: %w", s.address, ctx.Err())
	}
	if refused := (*notify.Refused)(nil); errors.As(err, &refused) {
		return err
	}
	cause := fmt.Errorf("mail by %s: %s", s.address, notify.Excerpt(s.hide.Replace(err.Error())))
	if isFinal(err) {
		return &notify.Refused{Err: cause}
	}
	return cause
}

// Probe greets the server and signs in, and sends nothing. It says what it found.
func (s *Sink) Probe(ctx context.Context) (found string, err error) {
	open, err := s.open(ctx)
	if err != nil {
		return "", s.verdict(ctx, err)
	}
	defer open.close()
	open.quit()
	if s.username == "" {
		return s.address + " greets", nil
	}
	return s.address + " lets " + s.username + " in", nil
}
