package post

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"watchdog/secret"
)

// Address is a URL of a config, parsed. Its errors hold nothing of it.
func Address(text string) (*url.URL, error) {
	if text == "" {
		return nil, errors.New("url is missing")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("this is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the URL does not begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("the URL has no host")
	}
	return u, nil
}

// Place is what may be shown of a URL: tokens stand in the user, the password, the query, and in
// long parts of the path, as of most chat services.
func Place(u *url.URL) string {
	parts := strings.Split(u.EscapedPath(), "/")
	for i, part := range parts {
		if isToken(part) {
			parts[i] = secret.Mask
		}
	}
	return u.Scheme + "://" + u.Host + strings.Join(parts, "/")
}

// isToken reports whether a part of a path looks like one: long, with a digit in it.
func isToken(part string) bool { return len(part) >= 16 && strings.ContainsAny(part, "0123456789") }

// URLSecrets are the parts of a URL that may be secret: what Place leaves out.
func URLSecrets(u *url.URL) []string {
	var secrets []string
	if user := u.User; user != nil {
		password, hasPassword := user.Password()
		secrets = append(secrets, password, user.String(),
			base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
		if !hasPassword {
			secrets = append(secrets, user.Username())
		}
	}
	secrets = append(secrets, u.RawQuery)
	for part := range strings.SplitSeq(u.Path, "/") {
		if isToken(part) {
			secrets = append(secrets, part)
		}
	}
	for name, values := range u.Query() {
		secrets = append(secrets, values...)
		if slices.Contains(values, "") { // "?TOKEN"
			secrets = append(secrets, name)
		}
	}
	return secrets
}

// HeaderSecrets are the values of headers and, of "Bearer TOKEN", the token too.
func HeaderSecrets(headers map[string]secret.String) []string {
	var secrets []string
	for _, v := range headers {
		secrets = append(secrets, v.Reveal())
		secrets = append(secrets, strings.Fields(v.Reveal())...)
	}
	return secrets
}

// ownHeaders are those that a config cannot set, and why.
var ownHeaders = map[string]string{
	"content-length": "it follows from the body", "transfer-encoding": "it follows from the body",
	"host": "it follows from the url", "connection": "it belongs to the connection",
}

// CheckHeader says what is wrong with a header of a config, without its value.
func CheckHeader(name, value string) error {
	if reason, own := ownHeaders[strings.ToLower(name)]; own {
		return fmt.Errorf("the header %s cannot be set: %s", name, reason)
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isTokenRune(r) }) {
		return fmt.Errorf("%q is not the name of a header", name)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return fmt.Errorf("the value of the header %s holds a line break or a control character", name)
	}
	return nil
}

// isTokenRune reports whether r may be in the name of a header (RFC 9110, 5.6.2).
func isTokenRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
