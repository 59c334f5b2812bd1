package scheduler

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"watchdog/secret"
)

// Error is a request that did not get what it asked for: the server refused it, something else
// than CouchDB answered, or nobody did. Its text holds no credentials.
type Error struct {
	Method string
	Path   string // escaped, from the server's URL on, without the query; the whole URL of another server
	Server string // its name
	Status int    // 0 when there was no answer, or it broke off

	// ErrorName and Reason are CouchDB's words ("unauthorized", "You are not a server admin.").
	// Where something else answered ErrorName is empty and Reason says so.
	ErrorName string
	Reason    string
	Hint      string // what to do about it; may be empty
	RequestID string // X-Couch-Request-ID, to find the request in the server's log

	RetryAfter time.Duration // what the server asks to wait; 0 when it does not say
	Err        error         // what went wrong, where Status is 0

	login    bool // the request asked for credentials: an answer that gives none refuses them
	badToken bool // the status does not say so, but it is the token that the server does not take
}

// HTTPStatus is the status of the answer, 0 when there was none.
func (e *Error) HTTPStatus() int { return e.Status }

// Unwrap is the cause, where there was no answer.
func (e *Error) Unwrap() error { return e.Err }

func (e *Error) Error() string {
	what := fmt.Sprintf("%s %s of %s: ", e.Method, e.Path, e.Server)
	if !strings.HasPrefix(e.Path, "/") {
		what = fmt.Sprintf("%s %s for %s: ", e.Method, e.Path, e.Server)
	}
	if e.Status == 0 {
		return what + secret.MaskURLs(e.Err.Error())
	}
	what += strconv.Itoa(e.Status)
	if name := e.ErrorName; name != "" {
		what += " " + name
	} else if text := http.StatusText(e.Status); text != "" {
		what += " " + text
	}
	if e.Reason != "" {
		what += ": " + e.Reason
	}
	if e.Hint != "" {
		what += " (" + e.Hint + ")"
	}
	return what
}

// missing reports whether it is CouchDB itself that says that the thing does not exist. A
// proxy's 404 says nothing about what is behind it.
func (e *Error) missing() bool {
	return e.Status == http.StatusNotFound && e.ErrorName == "not_found" && e.Reason != ""
}

// isMissing reports whether an error is that of CouchDB itself which says so.
func isMissing(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.missing()
}

// refusal reports whether the credentials were refused, or do not suffice.
func (e *Error) refusal() bool {
	if e.login {
		return e.Status/100 == 4 && !e.passing()
	}
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.badToken
}

// passing reports whether a 4xx is about the moment, not about what was asked.
func (e *Error) passing() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return false
}

// lockout reports whether too many wrong passwords have locked the user out.
func (e *Error) lockout() bool {
	return e.Status == http.StatusForbidden && strings.Contains(e.Reason, "locked")
}

// stale reports whether signing in again may help.
func (e *Error) stale() bool {
	return e.Status == http.StatusUnauthorized || e.badToken ||
		e.Status == http.StatusForbidden && strings.Contains(e.ErrorName, "expired")
}

// transient reports whether the same request may succeed in a moment.
func (e *Error) transient() bool {
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusInternalServerError:
		// CouchDB before 3.5.2 answers so for a document that has just been completed.
		return e.Reason == "function_clause"
	}
	for _, cause := range [...]error{syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(e.Err, cause) {
			return true
		}
	}
	return false
}

// unreachable reports whether nobody could be spoken to at all, so that any other request to
// the same server would end the same way.
func unreachable(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// failed is the Error of a request that got no answer.
func (c *Client) failed(method, path string, err error) *Error {
	if err == io.EOF {
		err = fmt.Errorf("the connection was closed before an answer came: %w", err)
	}
	return &Error{Method: method, Path: path, Server: c.spec.Name, Err: c.mask.error(err)}
}

// maxErrorBody bounds what is read of an answer that is not the one that was asked for.
const maxErrorBody = 64 << 10

// answered is the Error of an answer that is not the one that was asked for, without what its
// body says.
func (c *Client) answered(method, path string, a *answer) *Error {
	return &Error{
		Method: method, Path: path, Server: c.spec.Name,
		Status: a.status, RequestID: a.header.Get("X-Couch-Request-ID"),
		RetryAfter: retryAfter(a.header),
	}
}

// refused is the Error of an answer that is not the one that was asked for.
func (c *Client) refused(method, path string, a *answer) *Error {
	e := c.answered(method, path, a)
	if a.status/100 == 3 {
		e.Reason = "answered with a redirect" + destination(a.header) + ", which is not followed"
		e.Hint = "put the URL that answers into the config"
		return e
	}
	body, _ := io.ReadAll(io.LimitReader(a, maxErrorBody)) // a broken body says as much as it says
	var said struct{ Error, Reason string }
	kind := c.clean(a.header.Get("Content-Type"))
	switch {
	case isHTML(a.header) || strings.HasPrefix(strings.TrimSpace(string(body)), "<"):
		e.Reason = "answered HTML, not JSON: is this CouchDB?"
		e.Hint = kind
	case json.Unmarshal(body, &said) != nil || said.Error == "":
		e.Reason = "answered something else than CouchDB would: is this CouchDB?"
		e.Hint = kind
	default:
		e.ErrorName, e.Reason = c.clean(said.Error), c.clean(said.Reason)
		e.badToken = c.spec.Auth.badToken(e)
		e.Hint = c.spec.Auth.hint(e)
	}
	return e
}

// clean makes text of the server's fit for ours: one line, not too long, without credentials.
func (c *Client) clean(text string) string {
	text = c.mask.text(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	const most = 1000
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return text
}

// destination is where a redirect leads, as far as it can be shown.
func destination(header http.Header) string {
	u, err := url.Parse(header.Get("Location"))
	if err != nil || u.Host == "" {
		return ""
	}
	return " to " + u.Scheme + "://" + u.Host
}

func isHTML(header http.Header) bool { return strings.Contains(header.Get("Content-Type"), "html") }

// retryAfter is what the header of that name asks for, in seconds or as a date.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 && seconds < 1<<30 {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}
