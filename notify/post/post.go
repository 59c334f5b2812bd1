// Package post is how sinks speak HTTP: it makes one request, follows no redirect, and says by
// the contract of all sinks (notify.Verdict) what the answer means. No error of it holds a secret.
package post

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"watchdog/notify"
	"watchdog/secret"
)

// Client makes the requests of one sink. It may make several at the same time.
type Client struct {
	http *http.Client
	hide *strings.Replacer
}

// New makes a client that sends by c, whatever its policy of redirects; nil means one that is
// as patient as the request's context. The secrets are kept out of all errors, in each form in which they
// travel.
func New(c *http.Client, secrets ...string) *Client {
	var own http.Client
	if c != nil {
		own = *c
	}
	own.Transport = straight{own.Transport}
	return &Client{http: &own, hide: secret.Masker(secrets...)}
}

// Send makes a request. A status of 2xx means that the receiver has it, whatever the rest of the
// answer.
func (c *Client) Send(request *http.Request) error {
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "watchdog")
	}
	now := time.Now()
	what := strings.ToLower(request.Method) + " to " + Place(request.URL)
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", what, c.bare(err))
	}
	defer response.Body.Close()
	cause := fmt.Errorf("%s: %s", what, c.answer(request.URL, response))
	return notify.Verdict(response.StatusCode, response.Header.Get("Retry-After"), now, cause)
}

// bare is the cause of an error of net/http, without the URL around it and without our secrets.
func (c *Client) bare(err error) error {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	if text := notify.Excerpt(c.hide.Replace(err.Error())); text != err.Error() {
		return errors.New(text)
	}
	return err
}

const (
	maxRead = 4 << 10 // of an answer
	// maxShown is less: a secret that ends behind what was read is not known for one.
	maxShown = maxRead / 2
)

// answer is the status and what the receiver says about it, in one line. It reads a few KiB, so
// that the connection can be used again after a short answer.
func (c *Client) answer(asked *url.URL, response *http.Response) string {
	read, _ := io.ReadAll(io.LimitReader(response.Body, maxRead)) // cut off or not: the status counts
	text := strings.TrimSpace(strconv.Itoa(response.StatusCode) + " " + http.StatusText(response.StatusCode))
	if to := response.Header[redirectTo]; len(to) > 0 && response.StatusCode < 400 {
		text += ": redirects are not followed"
		if address, err := asked.Parse(c.hide.Replace(to[0])); err == nil { // before it is escaped otherwise
			text += ": set url to " + notify.Excerpt(c.hide.Replace(Place(address)))
		}
		return text
	}
	said := c.hide.Replace(string(read))
	if said = notify.Excerpt(said[:min(len(said), maxShown)]); said != "" {
		text += ": " + said
	}
	return text
}

// straight hides from http.Client where a redirect leads: the client would follow it, and a POST
// that turned into a GET would look as if it had been taken; or fail on an address that is none.
type straight struct{ next http.RoundTripper }

// redirectTo is where straight keeps a Location; no header of an answer is spelled so.
const redirectTo = "redirect to"

func (s straight) RoundTrip(request *http.Request) (*http.Response, error) {
	next := s.next
	if next == nil {
		next = http.DefaultTransport
	}
	response, err := next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if to := response.Header["Location"]; to != nil {
		response.Header[redirectTo] = to
		response.Header.Del("Location")
	}
	return response, nil
}
