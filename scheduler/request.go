package scheduler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxTries      = 3                      // of one GET
	firstWait     = 250 * time.Millisecond // at most, before the second try; doubling
	maxRetryAfter = 5 * time.Second        // what is asked for beyond it is left to the next check
)

// call is one request to the server.
type call struct {
	method, path, query string
	body                []byte // JSON; nil where there is none
	// waits marks a long poll: the server has nothing to do while it waits, so it takes no place
	// among the requests under way.
	waits bool
}

// fetch asks for a path, escaped, from the server's URL on, and hands the answer to take: its
// status is 2xx, and it is not HTML. Anything else is an *Error, or a *BackOffError. What may
// pass in a moment is tried again, an answer that broke off included, so take may be called
// more than once.
func (c *Client) fetch(ctx context.Context, path, query string, take func(*answer) error) error {
	for try := 1; ; try++ {
		err := c.attempt(ctx, call{method: http.MethodGet, path: path, query: query}, take)
		var e *Error
		if err == nil || try == maxTries || !errors.As(err, &e) || !e.transient() || e.RetryAfter > maxRetryAfter {
			return err
		}
		jitter := rand.N(firstWait << (try - 1))
		if !sleep(ctx, e.RetryAfter+jitter) {
			return err
		}
	}
}

// sleep reports whether it slept for all of d.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt asks once, when the number of requests under way and the guard allow it.
func (c *Client) attempt(ctx context.Context, r call, take func(*answer) error) error {
	done, err := c.guard.enter(ctx, r.method, r.path)
	if err != nil {
		return err
	}
	if !r.waits {
		select {
		case c.places <- struct{}{}:
			defer func() { <-c.places }()
		case <-ctx.Done():
			err := c.failed(r.method, r.path, context.Cause(ctx))
			done(err)
			return err
		}
	}
	a, err := c.exchange(ctx, r)
	done(err)
	if err != nil {
		return err
	}
	defer a.Close()
	return c.mask.error(take(a))
}

// exchange asks with credentials, and once more with new ones where the server does not take
// those that it gave itself.
func (c *Client) exchange(ctx context.Context, r call) (*answer, error) {
	for again := false; ; again = true {
		req, err := c.request(ctx, r)
		if err != nil {
			return nil, err
		}
		if err := c.authenticate(req, r.path); err != nil {
			return nil, err
		}
		a, err := c.do(req, r.path)
		var e *Error
		by, renewable := c.auth.(renewer)
		if again || !renewable || !errors.As(err, &e) || !e.stale() || !by.Forget(req) {
			return a, err
		}
	}
}

func (c *Client) request(ctx context.Context, r call) (*http.Request, error) {
	if r.body == nil {
		return c.newRequest(ctx, r.method, r.path, r.query, nil)
	}
	req, err := c.newRequest(ctx, r.method, r.path, r.query, bytes.NewReader(r.body))
	if err == nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, err
}

func (c *Client) authenticate(req *http.Request, path string) error {
	err := c.auth.Authenticate(req)
	var own *Error
	var backOff *BackOffError
	if err == nil {
		c.mask.bears(req)
		return nil
	}
	if errors.As(err, &backOff) || errors.As(err, &own) {
		return err
	}
	return c.failed(req.Method, path, fmt.Errorf("authenticate: %w", err))
}

func (c *Client) newRequest(ctx context.Context, method, path, query string, body io.Reader) (*http.Request, error) {
	target := c.base + path
	if query != "" {
		target += "?" + query
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, c.failed(method, path, err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	return req, nil
}

const userAgent = "watchdog"

// do sends the request as it is to the server.
func (c *Client) do(req *http.Request, path string) (*answer, error) {
	a, err := c.send(c.transport, req, path)
	if err != nil {
		return nil, err
	}
	if a.status/100 != 2 || isHTML(a.header) {
		defer a.Close()
		return nil, c.refused(req.Method, path, a)
	}
	return a, nil
}

// send is any answer to the request. No redirect is followed: credentials would go along.
func (c *Client) send(transport http.RoundTripper, req *http.Request, path string) (*answer, error) {
	quiet := newSilence(req.Context(), c.spec.Timeout)
	resp, err := transport.RoundTrip(req.WithContext(quiet.ctx)) //nolint:bodyclose // the answer closes it
	quiet.end()
	if err != nil {
		count(req.Context(), nil)
		defer quiet.stop()
		return nil, c.failed(req.Method, path, quiet.cause(err))
	}
	return &answer{
		status: resp.StatusCode, header: resp.Header,
		client: c, method: req.Method, path: path,
		body: count(req.Context(), resp.Body), silence: quiet,
	}, nil
}

// escape makes one segment of a path of any text. CouchDB reads a bare + as a space.
func escape(text string) string { return strings.ReplaceAll(url.PathEscape(text), "+", "%2B") }
