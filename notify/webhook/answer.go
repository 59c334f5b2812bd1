package webhook

import (
	"cmp"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"watchdog/notify"
	"watchdog/secret"
)

// straight hides from http.Client where a redirect leads: the client would follow it, or fail on
// an address that is none.
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

const maxRead = 4 << 10 // of an answer

// answer is the status and what the receiver says about it, in one line. It reads a few KiB, so
// that the connection can be used again after a short answer.
func (s *Sink) answer(response *http.Response) string {
	read, _ := io.ReadAll(io.LimitReader(response.Body, maxRead)) // cut off or not: the status counts
	text := strings.TrimSpace(strconv.Itoa(response.StatusCode) + " " + http.StatusText(response.StatusCode))
	if to := response.Header[redirectTo]; len(to) > 0 && response.StatusCode < 400 {
		text += ": redirects are not followed"
		if address, err := s.url.Parse(to[0]); err == nil {
			text += ": set url to " + notify.Excerpt(s.hide.Replace(place(address)))
		}
		return text
	}
	if said := notify.Excerpt(s.hide.Replace(string(read))); said != "" {
		text += ": " + said
	}
	return text
}

// place is what may be shown of a URL: tokens stand in the user, the password and the query.
func place(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// bare is the cause of an error of net/http, without the URL around it and without our secrets.
func (s *Sink) bare(err error) error {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	if text := notify.Excerpt(s.hide.Replace(err.Error())); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// hider masks all secrets of c, in the forms in which they travel.
func hider(c Config, address *url.URL) *strings.Replacer {
	var secrets []string
	add := func(values ...string) {
		for _, s := range values {
			if len(s) > 2 { // a shorter one would mask every other word
				secrets = append(secrets, s, url.QueryEscape(s), url.PathEscape(s))
			}
		}
	}
	if user := address.User; user != nil {
		password, hasPassword := user.Password()
		add(password, user.String(), base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
		if !hasPassword {
			add(user.Username())
		}
	}
	add(address.RawQuery)
	for name, values := range address.Query() {
		add(values...)
		if slices.Contains(values, "") { // "?TOKEN"
			add(name)
		}
	}
	for _, v := range c.Headers {
		add(v.Reveal())
		add(strings.Fields(v.Reveal())...) // of "Bearer TOKEN", the token
	}
	for _, s := range c.Secret {
		add(s.Reveal(), strings.TrimPrefix(s.Reveal(), secretPrefix))
	}
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // the longest wins
	var pairs []string
	for _, s := range secrets {
		pairs = append(pairs, s, secret.Mask)
	}
	return strings.NewReplacer(pairs...)
}
