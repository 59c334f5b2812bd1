package scheduler

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	sessionPath     = "/_session"
	sessionCookie   = "AuthSession"
	sessionLifetime = 10 * time.Minute // CouchDB's default, where the cookie does not say
)

// session signs in at /_session and sends the cookie that it is given, to this one server. It
// signs in again when four fifths of the cookie's life are over, and when the server does not
// take the cookie any more.
type session struct {
	client *Client
	turn   chan struct{} // holds one token while somebody signs in

	mu      sync.Mutex // guards the rest
	cookie  string     // "" when there is none
	renewAt time.Time
}

func newSession(c *Client) *session { return &session{client: c, turn: make(chan struct{}, 1)} }

func (s *session) Authenticate(req *http.Request) error {
	cookie, err := s.valid(req.Context())
	if err != nil {
		return err
	}
	req.AddCookie(&http.Cookie{Name: sessionCookie, Value: cookie})
	return nil
}

// Forget drops the cookie that req bore, unless another has come since.
func (s *session) Forget(req *http.Request) {
	sent, err := req.Cookie(sessionCookie)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sent.Value == s.cookie {
		s.cookie = ""
	}
}

// valid is a cookie that need not be renewed yet. Of many callers one signs in, the others wait
// for it; those who find that it was refused are refused with it.
func (s *session) valid(ctx context.Context) (string, error) {
	if cookie := s.current(); cookie != "" {
		return cookie, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", s.client.failed(http.MethodPost, sessionPath, context.Cause(ctx))
	}
	if cookie := s.current(); cookie != "" {
		return cookie, nil
	}
	if err := s.client.guard.check(http.MethodPost, sessionPath); err != nil {
		return "", err
	}
	cookie, lifetime, err := s.signIn(ctx)
	if err != nil {
		s.client.guard.note(sessionPath, err)
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cookie, s.renewAt = cookie, time.Now().Add(lifetime*4/5)
	return cookie, nil
}

func (s *session) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !time.Now().Before(s.renewAt) {
		return ""
	}
	return s.cookie
}

// signIn asks for a cookie; it is good for lifetime.
func (s *session) signIn(ctx context.Context) (cookie string, lifetime time.Duration, err error) {
	auth := s.client.spec.Auth
	form := url.Values{"name": {auth.Username}, "password": {auth.Password.Reveal()}}
	req, err := s.client.newRequest(ctx, http.MethodPost, sessionPath, "", strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := s.client.do(req, sessionPath)
	if err != nil {
		return "", 0, err
	}
	defer answer.Close()
	answer.drain()
	for _, c := range (&http.Response{Header: answer.header}).Cookies() {
		if c.Name == sessionCookie && c.Value != "" {
			return c.Value, cookieLifetime(c, answer.header), nil
		}
	}
	return "", 0, s.client.failed(http.MethodPost, sessionPath, errors.New("the answer sets no AuthSession cookie: is this CouchDB?"))
}

// cookieLifetime is how long the cookie says that it is good, by the server's own clock.
func cookieLifetime(c *http.Cookie, header http.Header) time.Duration {
	lifetime := time.Duration(c.MaxAge) * time.Second
	if c.MaxAge == 0 && !c.Expires.IsZero() {
		now, err := http.ParseTime(header.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		lifetime = c.Expires.Sub(now)
	}
	if lifetime <= 0 {
		return sessionLifetime
	}
	return lifetime
}
