// Package gate decides who may come in: where the page listens, who is let through, and which
// requests of other sites are refused.
//
// # Promises
//
// Where credentials are configured nothing but the health of the process is told without them,
// and they are compared in constant time. A write that another site makes a browser send is
// refused, with credentials or without. Where there are none, a name that is not this machine's
// is refused, so that no other site can pass itself off as this one (DNS rebinding). A certificate
// that is replaced in its files is used from the next connection on; while only one of the two files
// is new, the pair of before is.
//
// # Not promised
//
// Certificates of clients: those are a reverse proxy's. Different rights for different people: who is let in may
// do everything.
package gate

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"watchdog/diag"
	"watchdog/secret"
)

// Spec is `http` of the config, not checked yet.
type Spec struct {
	// Listen is a host and a port; port 0 takes one that is free, and an empty text means that
	// nothing listens. Default 127.0.0.1:8484.
	Listen string `yaml:"listen"`
	// Auth says who is let in. An address that others can reach needs it.
	Auth Auth `yaml:"auth"`
	// TLS is spoken where it is set; else a reverse proxy may do so.
	TLS *TLS `yaml:"tls"`
	// Insecure allows an address that others can reach, without auth.
	Insecure bool `yaml:"insecure"`
	// Optional goes on without the page where another program has the address.
	Optional bool `yaml:"optional"`
}

// DefaultListen is where the page is where `http` does not say.
const DefaultListen = "127.0.0.1:8484"

// Auth says who is let in: whoever has the token, or the user. The zero value lets everybody in.
type Auth struct {
	// Bearer is a token, plain or as a bcrypt hash. A browser gives it as the password of any
	// user.
	Bearer secret.String `yaml:"bearer"`
	// Basic is a user with a password.
	Basic *Basic `yaml:"basic"`
}

// Basic is one user.
type Basic struct {
	Username string        `yaml:"username"` // without a colon
	Password secret.String `yaml:"password"` // plain or as a bcrypt hash
}

// none reports whether everybody is let in.
func (a Auth) none() bool { return a.Bearer == "" && a.Basic == nil }

// Sign adds the credentials to a request to where the gate stands; false when the config has but
// hashes of them, from which nobody comes in.
func (a Auth) Sign(r *http.Request) bool {
	switch {
	case a.Basic != nil && !hashed(a.Basic.Password):
		r.SetBasicAuth(a.Basic.Username, a.Basic.Password.Reveal())
	case a.Bearer != "" && !hashed(a.Bearer):
		r.Header.Set("Authorization", "Bearer "+a.Bearer.Reveal())
	default:
		return a.none()
	}
	return true
}

// Problems is every mistake in the spec; no text of them holds a secret.
func (s Spec) Problems() []diag.Problem {
	ps := s.Auth.problems()
	if s.TLS != nil && s.TLS.Cert == "" {
		ps = append(ps, diag.Problemf("tls", "add cert: with the path of a PEM file", "there is no certificate"))
	}
	if s.TLS != nil && s.TLS.Key == "" {
		ps = append(ps, diag.Problemf("tls", "add key: with the path of a PEM file", "there is no key"))
	}
	if s.Listen == "" {
		return ps
	}
	host, err := listenHost(s.Listen)
	switch {
	case err != nil:
		ps = append(ps, diag.Problemf("listen", "write a host and a port, as "+DefaultListen, "not an address to listen on: %v", err))
	case !loopback(host) && s.Auth.none() && !s.Insecure:
		ps = append(ps, diag.Problemf("listen",
			"add auth: {bearer: …} or auth: {basic: {username: …, password: …}}; or listen on 127.0.0.1; insecure: true allows it as it is",
			"others can reach this address, and there is no auth"))
	}
	return ps
}

func (a Auth) problems() []diag.Problem {
	ps := hashProblems("auth.bearer", a.Bearer)
	if a.Basic == nil {
		return ps
	}
	if a.Basic.Username == "" || strings.Contains(a.Basic.Username, ":") {
		ps = append(ps, diag.Problemf("auth.basic.username", "give the user a name without a colon", "%q is not a username", a.Basic.Username))
	}
	if a.Basic.Password == "" {
		ps = append(ps, diag.Problemf("auth.basic.password", "add one, best as ${file:/run/secrets/watchdog}", "the user has no password"))
	}
	return append(ps, hashProblems("auth.basic.password", a.Basic.Password)...)
}

// hashProblems finds what was meant for a hash and is none: it would never match.
func hashProblems(field string, s secret.String) []diag.Problem {
	if !hashed(s) {
		return nil
	}
	if _, err := bcrypt.Cost([]byte(s.Reveal())); err != nil {
		return []diag.Problem{diag.Problemf(field, "copy it whole, in quotes, as htpasswd -nB prints it", "this begins like a bcrypt hash and is none")}
	}
	return nil
}

func hashed(s secret.String) bool { return strings.HasPrefix(s.Reveal(), "$2") }

// listenHost is the host of a listen address, which may be empty: every address.
func listenHost(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if e, ok := errors.AsType[*net.AddrError](err); ok {
		return "", errors.New(e.Err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("%q is not the number of a port", port)
	}
	return host, nil
}

// loopback reports whether only this machine can reach a host.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
