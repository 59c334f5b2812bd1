package gate

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"

	"watchdog/secret"
)

// Gate stands before a handler. It may be used by many goroutines.
type Gate struct {
	bearer   *credential
	username [sha256.Size]byte
	password *credential
	hosts    []string // that may be asked for by name; nil: all
	cross    *http.CrossOriginProtection
	refuse   Refuse
}

// Refuse answers a request that is not let through, as the caller's other errors are answered.
type Refuse func(w http.ResponseWriter, r *http.Request, status int, why string)

// New makes a gate for a spec without problems. External is the URL that people open, or "".
func New(s Spec, external string, refuse Refuse) *Gate {
	g := &Gate{cross: http.NewCrossOriginProtection(), refuse: refuse}
	if s.Auth.Bearer != "" {
		g.bearer = newCredential(s.Auth.Bearer)
	}
	if b := s.Auth.Basic; b != nil {
		g.username, g.password = sha256.Sum256([]byte(b.Username)), newCredential(b.Password)
	}
	host, _ := listenHost(s.Listen)
	if s.Auth.none() && loopback(host) {
		g.hosts = []string{"localhost"}
		if u, err := url.Parse(external); err == nil && u.Hostname() != "" {
			g.hosts = append(g.hosts, u.Hostname())
		}
	}
	return g
}

// Wrap lets through to next whom the gate lets in. What open says yes to needs no credentials,
// but for writing.
func (g *Gate) Wrap(next http.Handler, open func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case g.cross.Check(r) != nil:
			g.refuse(w, r, http.StatusForbidden, "a request that another site made is refused")
		case !g.knowsHost(r.Host):
			g.refuse(w, r, http.StatusMisdirectedRequest, "this is not the host that is asked for; set external_url in the config to the address that people open")
		case open(r):
			next.ServeHTTP(w, r)
		default:
			user, admitted := g.admits(r)
			if !admitted {
				g.challenge(w)
				g.refuse(w, r, http.StatusUnauthorized, "credentials are needed")
				return
			}
			if user != "" {
				r = r.WithContext(context.WithValue(r.Context(), userKey{}, user))
			}
			next.ServeHTTP(w, r)
		}
	})
}

// userKey is the key of the user in the context of a request.
type userKey struct{}

// User is who has come in with a username and its password, "" where nobody had to: a token has
// no name.
func User(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}

// knowsHost keeps out a name that somebody else has pointed at this machine.
func (g *Gate) knowsHost(host string) bool {
	if g.hosts == nil {
		return true
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	for _, known := range g.hosts {
		if strings.EqualFold(host, known) {
			return true
		}
	}
	return false
}

func (g *Gate) challenge(w http.ResponseWriter) {
	w.Header().Add("WWW-Authenticate", `Basic realm="watchdog", charset="UTF-8"`)
	if g.bearer != nil {
		w.Header().Add("WWW-Authenticate", `Bearer realm="watchdog"`)
	}
}

// admits reports whether a request has the right credentials, and whose they are.
func (g *Gate) admits(r *http.Request) (user string, admitted bool) {
	if g.bearer == nil && g.password == nil {
		return "", true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return "", g.bearer != nil && g.bearer.is(token)
	}
	username, password, ok := r.BasicAuth()
	if !ok {
		return "", false
	}
	if g.password != nil {
		sum := sha256.Sum256([]byte(username))
		right := g.password.is(password) // always asked, so that a wrong name takes as long
		if subtle.ConstantTimeCompare(sum[:], g.username[:]) == 1 && right {
			return username, true
		}
	}
	return "", g.bearer != nil && g.bearer.is(password)
}

// credential is one secret to compare with.
type credential struct {
	sum  [sha256.Size]byte // of a plain secret
	hash []byte            // of a hashed one
	// known is the sum of what last fitted the hash: a hash is slow on purpose, and a page asks
	// often.
	known atomic.Pointer[[sha256.Size]byte]
	slow  chan struct{} // of one: a stranger's guesses take one core at most
}

func newCredential(s secret.String) *credential {
	c := &credential{slow: make(chan struct{}, 1)}
	if hashed(s) {
		c.hash = []byte(s.Reveal())
	} else {
		c.sum = sha256.Sum256([]byte(s.Reveal()))
	}
	return c
}

// is compares in constant time.
func (c *credential) is(given string) bool {
	sum := sha256.Sum256([]byte(given))
	if c.hash == nil {
		return subtle.ConstantTimeCompare(sum[:], c.sum[:]) == 1
	}
	if known := c.known.Load(); known != nil && subtle.ConstantTimeCompare(sum[:], known[:]) == 1 {
		return true
	}
	c.slow <- struct{}{}
	defer func() { <-c.slow }()
	if bcrypt.CompareHashAndPassword(c.hash, []byte(given)) != nil {
		return false
	}
	c.known.Store(&sum)
	return true
}
