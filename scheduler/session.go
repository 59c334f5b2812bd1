package scheduler

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	sessionPath     = "/_session"
	sessionCookie   = "AuthSession"
	sessionLifetime = 10 * time.Minute // CouchDB's default, where the cookie does not say
)

// session signs in at /_session and sends the cookie that it is given, to this one server. It
// signs in again before the cookie expires, and when the server does not take it any more.
type session struct {
	client *Client
	lease  *lease
}

func newSession(c *Client) *session {
	s := &session{client: c}
	s.lease = &lease{client: c, path: sessionPath, obtain: s.signIn}
	return s
}

func (s *session) Authenticate(req *http.Request) error {
	cookie, err := s.lease.valid(req.Context())
	if err != nil {
		return err
	}
	req.AddCookie(&http.Cookie{Name: sessionCookie, Value: cookie})
	return nil
}

// Forget drops the cookie that req bore.
func (s *session) Forget(req *http.Request) bool {
	if sent, err := req.Cookie(sessionCookie); err == nil {
		s.lease.forget(sent.Value)
	}
	return true
}

// signIn asks for a cookie.
func (s *session) signIn(ctx context.Context) (grant, error) {
	auth, asked := s.client.spec.Auth, time.Now()
	form := url.Values{"name": {auth.Username}, "password": {auth.Password.Reveal()}}
	req, err := s.client.newRequest(ctx, http.MethodPost, sessionPath, "", strings.NewReader(form.Encode()))
	if err != nil {
		return grant{}, err
	}
	req.Header.Set("Content-Type", formType)
	answer, err := s.client.do(req, sessionPath)
	if err != nil {
		return grant{}, err
	}
	defer answer.Close()
	answer.drain()
	for _, c := range (&http.Response{Header: answer.header}).Cookies() {
		if c.Name == sessionCookie && c.Value != "" {
			return granted(c.Value, asked, cookieLifetime(c, answer.header)), nil
		}
	}
	return grant{}, s.client.failed(http.MethodPost, sessionPath, errors.New("the answer sets no AuthSession cookie: is this CouchDB?"))
}

const formType = "application/x-www-form-urlencoded"

// cookieLifetime is how long the cookie says that it is good, by the server's own clock.
func cookieLifetime(c *http.Cookie, header http.Header) time.Duration {
	lifetime := time.Duration(c.MaxAge) * time.Second
	if c.MaxAge == 0 && !c.Expires.IsZero() {
		lifetime = c.Expires.Sub(serverTime(header))
	}
	if lifetime <= 0 {
		return sessionLifetime
	}
	return lifetime
}

// serverTime is when an answer was made, by the clock of whoever made it; ours where it does not
// say.
func serverTime(header http.Header) time.Time {
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return time.Now()
	}
	return now
}
