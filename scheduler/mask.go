package scheduler

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"watchdog/secret"
	"watchdog/snapshot"
)

// mask keeps credentials out of texts: those of the spec, and those that requests bore of late,
// whoever gave them.
type mask struct {
	own []string // every form in which they are sent; the longer ones first

	mu     sync.Mutex // guards the rest
	recent []string   // the latest last
}

// keptRecent is more than can be on their way at once: a cookie or token, and the next one.
const keptRecent = 4

// bears looks at a request that is about to be sent.
func (m *mask) bears(req *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range borne(req) {
		if !slices.Contains(m.recent, s) {
			m.recent = append(m.recent, s)
		}
	}
	m.recent = m.recent[max(0, len(m.recent)-keptRecent):]
}

// borne are the credentials of a request.
func borne(req *http.Request) []string {
	var all []string
	if _, token, found := strings.Cut(req.Header.Get("Authorization"), " "); found && token != "" {
		all = append(all, token)
	}
	for _, cookie := range req.Cookies() {
		if cookie.Value != "" {
			all = append(all, cookie.Value)
		}
	}
	if token := req.Header.Get(proxyToken); token != "" {
		all = append(all, token)
	}
	return all
}

// text is a text without credentials.
func (m *mask) text(s string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, credentials := range [...][]string{m.own, m.recent} {
		for _, c := range credentials {
			s = strings.ReplaceAll(s, c, secret.Mask)
		}
	}
	return secret.MaskURLs(s)
}

// error is err as it is, or if its text holds credentials, saying the same without them.
func (m *mask) error(err error) error {
	if err == nil {
		return nil
	}
	said := err.Error()
	if text := m.text(said); text != said {
		return &maskedError{text, err}
	}
	return err
}

// hide keeps credentials out of the reasons of a new snapshot, which it returns: a listing that is
// none may repeat what was asked.
func (c *Client) hide(s *snapshot.Snapshot) *snapshot.Snapshot {
	for i := range s.Gaps {
		s.Gaps[i].Err = c.mask.error(s.Gaps[i].Err)
	}
	return s
}

type maskedError struct {
	text string
	err  error
}

func (e *maskedError) Error() string { return e.text }
func (e *maskedError) Unwrap() error { return e.err }
