package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// session is a connection to the server that may send: greeted, encrypted, signed in.
type session struct {
	*smtp.Client
	conn    net.Conn
	release func() bool // the connection from its context
}

// open connects. When ctx ends, whatever goes on with the session ends.
func (s *Sink) open(ctx context.Context) (*session, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	release := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	var talk net.Conn = limited{conn, &io.LimitedReader{R: conn, N: maxHeard}}
	if s.security == implicit {
		talk = tls.Client(talk, s.trust)
	}
	client, err := smtp.NewClient(talk, s.host)
	if err != nil {
		release()
		return nil, errors.Join(err, conn.Close())
	}
	open := &session{client, conn, release}
	if err := s.greet(open); err != nil {
		open.close()
		return nil, err
	}
	return open, nil
}

// maxHeard bounds what a server may say in one session.
const maxHeard = 1 << 20

// limited is a connection that ends after so much was heard.
type limited struct {
	net.Conn
	heard io.Reader
}

func (l limited) Read(b []byte) (int, error) { return l.heard.Read(b) }

// greet says who we are, begins to encrypt and signs in.
func (s *Sink) greet(open *session) error {
	if err := open.Hello(hostname()); err != nil {
		return err
	}
	if s.security == startTLS {
		if offered, _ := open.Extension("STARTTLS"); !offered {
			return errors.New("the server does not offer STARTTLS: nothing is sent in the clear, unless by tls: none")
		}
		if err := open.StartTLS(s.trust); err != nil {
			return fmt.Errorf("start TLS: %w", err)
		}
	}
	if s.username == "" {
		return nil
	}
	how, err := s.signIn(open)
	if err != nil {
		return err
	}
	if err := open.Auth(how); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	return nil
}

// signIn is the best way to sign in that the server offers. The connection is encrypted.
func (s *Sink) signIn(open *session) (smtp.Auth, error) {
	_, offered := open.Extension("AUTH")
	password := s.password.Reveal()
	for _, way := range strings.Fields(strings.ToUpper(offered)) {
		switch way {
		case "PLAIN":
			return smtp.PlainAuth("", s.username, password, s.host, false), nil
		case "LOGIN":
			return smtp.LoginAuth(s.username, password, s.host, false), nil
		case "SCRAM-SHA-256":
			return smtp.ScramSHA256Auth(s.username, password), nil
		case "CRAM-MD5":
			return smtp.CRAMMD5Auth(s.username, password), nil
		}
	}
	return nil, fmt.Errorf("sign in: the server offers no way that is known: %q", offered)
}

// hostname is how we greet; a server may refuse a mere localhost.
func hostname() string {
	name, err := os.Hostname()
	if err != nil || strings.ContainsAny(name, " \r\n") {
		return "localhost"
	}
	return name
}

// quit ends the session politely: the server has all there is.
func (s *session) quit() { _ = s.Quit() }

func (s *session) close() {
	s.release()
	_ = s.conn.Close()
}

// isAnswer reports whether an error is an answer of the server, which waits for the next command.
func isAnswer(err error) bool {
	answer, ok := errors.AsType[*textproto.Error](err)
	return ok && answer.Code >= 400 && answer.Code < 600
}

// isFinal reports whether the server says that the same mail fails again.
func isFinal(err error) bool {
	if refused, ok := errors.AsType[rejections](err); ok {
		return refused.final()
	}
	answer, ok := errors.AsType[*textproto.Error](err)
	return ok && answer.Code >= 500 && answer.Code < 600
}

// rejection is one recipient whom the server does not take.
type rejection struct {
	to  string
	err error
}

// rejections are those of one mail, which the other recipients have.
type rejections []rejection

func (r rejections) Error() string {
	text := fmt.Sprintf("%s: %v", r[0].to, r[0].err)
	if len(r) > 1 {
		text += fmt.Sprintf(" (and %d more recipients)", len(r)-1)
	}
	return text
}

// final reports whether none of them is worth another try.
func (r rejections) final() bool {
	for _, one := range r {
		if !isFinal(one.err) {
			return false
		}
	}
	return true
}
