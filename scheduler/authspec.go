package scheduler

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"watchdog/diag"
	"watchdog/secret"
)

// Auth is how Watchdog signs in: with one of username and password, iam_api_key, bearer,
// bearer_file and proxy. The zero value sends no credentials.
type Auth struct {
	Username string        `yaml:"username"` // of a server admin
	Password secret.String `yaml:"password"` // of that user
	Basic    bool          `yaml:"basic"`    // send Basic credentials instead of a session cookie

	// IAMAPIKey is of IBM Cloud: it buys the bearer tokens that are sent.
	IAMAPIKey secret.String `yaml:"iam_api_key"`
	// IAMURL is where tokens are asked for; /identity/token is added to it. Default
	// https://iam.cloud.ibm.com.
	IAMURL                string        `yaml:"iam_url"`
	IAMClientID           string        `yaml:"iam_client_id"`            // sent to iam_url as Basic, where it is set
	IAMClientSecret       secret.String `yaml:"iam_client_secret"`        // of that client
	IAMInsecureSkipVerify bool          `yaml:"iam_insecure_skip_verify"` // take any certificate of iam_url

	// Bearer is a token, such as a JWT, without the word Bearer.
	Bearer secret.String `yaml:"bearer"`
	// BearerFile holds such a token; it is read again when it changes.
	BearerFile string `yaml:"bearer_file"`

	Proxy Proxy `yaml:"proxy"` // CouchDB's proxy authentication
}

// Proxy is CouchDB's proxy authentication: the server believes whoever knows its secret. The zero
// value is none.
type Proxy struct {
	Username string   `yaml:"username"` // whom CouchDB shall see
	Roles    []string `yaml:"roles"`    // of that user; default [_admin]
	// Secret is the server's own, [chttpd_auth] secret; empty where the server asks for none.
	Secret secret.String `yaml:"secret"`
	// Hash makes the token of the username and the secret: sha256 (default), which CouchDB takes
	// since 3.3, or sha1, which all take unless [chttpd_auth] hash_algorithms says otherwise.
	Hash string `yaml:"hash"`
}

func (p Proxy) written() bool {
	return p.Username != "" || p.Secret != "" || p.Hash != "" || len(p.Roles) > 0
}

const defaultIAMURL = "https://iam.cloud.ibm.com"

func (a Auth) withDefaults() Auth {
	if a.IAMAPIKey != "" {
		a.IAMURL = cmp.Or(a.IAMURL, defaultIAMURL)
	}
	if p := &a.Proxy; p.written() {
		if len(p.Roles) == 0 {
			p.Roles = []string{"_admin"}
		}
		p.Hash = cmp.Or(p.Hash, "sha256")
	}
	return a
}

// kinds are the ways to sign in that are written, each as the field that stands for it.
func (a Auth) kinds() []string {
	var all []string
	for _, kind := range []struct {
		field   string
		written bool
	}{
		{"auth.username", a.Username != ""},
		{"auth.password", a.Username == "" && a.Password != ""},
		{"auth.iam_api_key", a.IAMAPIKey != ""},
		{"auth.bearer", a.Bearer != ""},
		{"auth.bearer_file", a.BearerFile != ""},
		{"auth.proxy", a.Proxy.written()},
	} {
		if kind.written {
			all = append(all, kind.field)
		}
	}
	return all
}

func (a Auth) problems() []diag.Problem {
	var ps []diag.Problem
	kinds := a.kinds()
	for _, other := range kinds[min(1, len(kinds)):] {
		ps = append(ps, diag.Problemf(other, "keep one of them", "%s and %s are two ways to sign in", kinds[0], other))
	}
	ps = append(ps, a.passwordProblems()...)
	ps = append(ps, a.iamProblems()...)
	ps = append(ps, a.bearerProblems()...)
	if a.Proxy.written() {
		ps = append(ps, a.Proxy.problems()...)
	}
	return ps
}

func (a Auth) passwordProblems() []diag.Problem {
	var ps []diag.Problem
	switch {
	case a.Username != "" && a.Password == "":
		ps = append(ps, diag.Problemf("auth.password", "add the password, best as ${file:/run/secrets/couchdb}",
			"user %q has no password", a.Username))
	case a.Username == "" && a.Password != "":
		ps = append(ps, diag.Problemf("auth.username", "add the user that the password belongs to",
			"a password without a username"))
	case a.Username == "" && a.Basic:
		ps = append(ps, diag.Problemf("auth.basic", "add username and password, or remove basic",
			"nothing to send: there is no username"))
	}
	if a.Basic && strings.Contains(a.Username, ":") {
		ps = append(ps, diag.Problemf("auth.username", "remove basic: a session can carry this name",
			"Basic credentials cannot carry a username with a colon"))
	}
	return ps
}

func (a Auth) iamProblems() []diag.Problem {
	var ps []diag.Problem
	if a.IAMAPIKey == "" {
		for _, f := range []struct {
			field   string
			written bool
		}{
			{"auth.iam_url", a.IAMURL != ""},
			{"auth.iam_client_id", a.IAMClientID != ""},
			{"auth.iam_client_secret", a.IAMClientSecret != ""},
			{"auth.iam_insecure_skip_verify", a.IAMInsecureSkipVerify},
		} {
			if f.written {
				ps = append(ps, diag.Problemf(f.field, "add auth.iam_api_key, or remove it", "%s is of no use without auth.iam_api_key", f.field))
			}
		}
		return ps
	}
	if a.IAMURL != "" {
		if wrong := wrongURL(a.IAMURL); wrong != "" {
			ps = append(ps, diag.Problemf("auth.iam_url", "write it like "+defaultIAMURL, "%s", wrong))
		} else if u, _ := url.Parse(a.IAMURL); u.User != nil {
			ps = append(ps, diag.Problemf("auth.iam_url", "put them into auth.iam_client_id and auth.iam_client_secret", "the URL holds credentials"))
		}
	}
	if (a.IAMClientID == "") != (a.IAMClientSecret == "") {
		ps = append(ps, diag.Problemf("auth.iam_client_id", "write auth.iam_client_id and auth.iam_client_secret, or neither",
			"a client id and its secret belong together"))
	}
	if !oneWord(a.IAMAPIKey) {
		ps = append(ps, diag.Problemf("auth.iam_api_key", "write the key alone", "an API key has no blanks and no line breaks"))
	}
	return ps
}

func (a Auth) bearerProblems() []diag.Problem {
	if oneWord(a.Bearer) {
		return nil
	}
	return []diag.Problem{diag.Problemf("auth.bearer", `write the token alone, without the word "Bearer"`, "a token has no blanks and no line breaks")}
}

// oneWord reports whether s could be sent in a header as it is, quotes and braces of a template
// that was never filled in left aside.
func oneWord(s secret.String) bool {
	return !strings.ContainsFunc(s.Reveal(), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

// hashes are those that a proxy's token can be made with.
func hashes(name string) func() hash.Hash {
	switch name {
	case "", "sha256":
		return sha256.New
	case "sha1", "sha": // CouchDB's own word is sha
		return sha1.New
	}
	return nil
}

func (p Proxy) problems() []diag.Problem {
	var ps []diag.Problem
	unfit := func(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
	switch {
	case p.Username == "":
		ps = append(ps, diag.Problemf("auth.proxy.username", "add the name that CouchDB shall see, such as watchdog", "proxy authentication without a username"))
	case unfit(p.Username):
		ps = append(ps, diag.Problemf("auth.proxy.username", "write the name alone", "a username has no line breaks"))
	}
	if i := slices.IndexFunc(p.Roles, func(role string) bool { return role == "" || strings.Contains(role, ",") || unfit(role) }); i >= 0 {
		ps = append(ps, diag.Problemf(fmt.Sprintf("auth.proxy.roles[%d]", i), "write a list, such as [_admin]", "%q is not a role", p.Roles[i]))
	}
	if hashes(p.Hash) == nil {
		ps = append(ps, diag.Problemf("auth.proxy.hash", "write sha256, or sha1 for CouchDB before 3.3", "%q is not a hash that CouchDB takes", p.Hash))
	}
	return ps
}
