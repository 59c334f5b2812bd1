package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"watchdog/diag"
	"watchdog/notify/post"
	"watchdog/secret"
)

// Config is a webhook as it is written in YAML.
type Config struct {
	// URL may hold credentials: user and password, or a token in the query.
	URL secret.String `yaml:"url"`
	// Secret signs; empty means no signature.
	Secret Secrets `yaml:"secret"`
	Method string  `yaml:"method"` // POST when empty
	// Headers are added to each request, and win over Watchdog's own but for those of the
	// signature.
	Headers map[string]secret.String `yaml:"headers"`
	// Body is a Go template over the standard body, which is sent when it is empty.
	Body string `yaml:"body"`
}

// Secrets is one signing secret, or two while one replaces the other; empty ones do not count.
// One that begins with "whsec_" is base64 after that, as the Standard Webhooks tools make it; any
// other is its own bytes.
type Secrets []secret.String

// UnmarshalYAML reads one string or a list.
func (s *Secrets) UnmarshalYAML(unmarshal func(any) error) error {
	var one secret.String
	if err := unmarshal(&one); err == nil {
		*s = Secrets{one}
		return nil
	}
	var list []secret.String
	if err := unmarshal(&list); err != nil {
		return errors.New("secret must be one string or a list of two")
	}
	*s = list
	return nil
}

// Empty reports whether there is nowhere to send to.
func (c Config) Empty() bool { return c.URL == "" }

var methods = []string{"POST", "PUT", "PATCH"}

// Problems are the mistakes in c.
func (c Config) Problems() []diag.Problem {
	var all []diag.Problem
	if _, err := post.Address(c.URL.Reveal()); err != nil {
		all = append(all, diag.Problemf("url", "write it like https://example.com/hook", "%v", err))
	}
	all = append(all, c.secretProblems()...)
	if !slices.Contains(methods, c.method()) {
		hint := diag.DidYouMean(c.method(), methods)
		if hint == "" {
			hint = "use POST, PUT or PATCH"
		}
		all = append(all, diag.Problemf("method", hint, "%q cannot carry a message", c.Method))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if err := checkHeader(name, c.Headers[name].Reveal()); err != nil {
			all = append(all, diag.Problemf("headers."+name, "", "%v", err))
		}
	}
	return append(all, templateProblems(c.Body)...)
}

func (c Config) method() string {
	if c.Method == "" {
		return "POST"
	}
	return strings.ToUpper(c.Method)
}

func (c Config) secretProblems() []diag.Problem {
	if len(c.Secret) > 2 {
		return []diag.Problem{diag.Problemf("secret", "give the new one and the old one", "%d secrets are too many", len(c.Secret))}
	}
	var all []diag.Problem
	for i, s := range c.Secret {
		if _, err := signingKey(s); err != nil {
			field := "secret"
			if len(c.Secret) > 1 {
				field = fmt.Sprintf("secret[%d]", i)
			}
			all = append(all, diag.Problemf(field, "write whsec_ and base64, or a text without whsec_", "%v", err))
		}
	}
	return all
}

const secretPrefix = "whsec_"

// signingKey is what a secret signs with; nil when it is empty.
func signingKey(s secret.String) ([]byte, error) {
	encoded, isBase64 := strings.CutPrefix(s.Reveal(), secretPrefix)
	if !isBase64 {
		return []byte(s.Reveal()), nil
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(decoded) == 0 {
		return nil, errors.New("the secret is not base64 after whsec_")
	}
	return decoded, nil
}

// ownHeaders are those that Watchdog sets.
var ownHeaders = []string{"webhook-id", "webhook-timestamp", "webhook-signature"}

func checkHeader(name, value string) error {
	if slices.Contains(ownHeaders, strings.ToLower(name)) {
		return fmt.Errorf("the header %s cannot be set: Watchdog sets it", name)
	}
	return post.CheckHeader(name, value)
}
