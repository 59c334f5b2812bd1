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
	"unicode"

	"watchdog/secret"
)

const (
	maxRead  = 4 << 10 // of an answer
	maxShown = 300     // of it, in an error
)

// answer is the status and what the receiver says about it, in one line. It reads a few KiB, so
// that the connection can be used again after a short answer.
func (s *Sink) answer(response *http.Response) string {
	read, _ := io.ReadAll(io.LimitReader(response.Body, maxRead)) // cut off or not: the status counts
	text := strings.TrimSpace(strconv.Itoa(response.StatusCode) + " " + http.StatusText(response.StatusCode))
	if location, err := response.Location(); err == nil && response.StatusCode < 400 {
		return text + ": redirects are not followed: set url to " + s.hide.Replace(place(location))
	}
	said := strings.TrimSpace(string(read))
	if strings.HasPrefix(said, "<") {
		said = "a web page"
	}
	if said = oneLine(s.hide.Replace(said)); said != "" {
		text += ": " + said
	}
	return text
}

// oneLine is text without line breaks and control characters, cut to what an error can hold.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return string(runes)
}

// place is what may be shown of a URL: tokens stand in the user, the password and the query.
func place(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// bare is the cause of an error of net/http, without the URL around it.
func bare(err error) error {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		return outer.Err
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
	for _, values := range address.Query() {
		add(values...)
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
