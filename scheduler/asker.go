package scheduler

import (
	"cmp"
	"errors"
	"maps"
	"net"
	"net/url"
	"strings"
	"sync"

	"watchdog/diag"
)

// errNoCredentials says that nothing says how to sign in at a source.
var errNoCredentials = errors.New("the source is on no server that is watched, and sources names no credentials for its host")

// sources knows whom to ask about a source. Clients that were introduced share it.
type sources struct {
	watched []*Client
	named   []SourceSpec

	mu     sync.Mutex         // guards the rest
	asking map[string]*Client // made for named, by base URL
	guards map[string]*guard  // of credentials that replications brought, by base URL and user
}

// SourceSpec is credentials for the sources on a host, as it is written in YAML.
type SourceSpec struct {
	Host string `yaml:"host"` // with a port where only that one is meant
	Auth Auth   `yaml:"auth"` // how to sign in there
}

// Problems is every mistake in the spec; no text of them holds a secret.
func (s SourceSpec) Problems() []diag.Problem {
	var ps []diag.Problem
	switch u, err := url.Parse("http://" + s.Host); {
	case s.Host == "":
		ps = append(ps, diag.Problemf("host", "name the host as it stands in the source's URL, such as db.example.com", "missing host"))
	case err != nil || u.Host != s.Host || u.Hostname() == "":
		ps = append(ps, diag.Problemf("host", "write the host alone, with a port where only that one is meant: db.example.com:6984", "not the name of a host"))
	}
	return append(ps, s.Auth.problems()...)
}

// Introduce lets clients ask each other's servers about the sources on them, and the hosts that
// specs name. Each spec must have no problems. When it is called again, looks under way finish
// with those that their client knows already.
func Introduce(clients []*Client, specs []SourceSpec) {
	shared := &sources{
		watched: clients, named: specs,
		asking: map[string]*Client{}, guards: map[string]*guard{},
	}
	for _, c := range clients {
		c.sources.Store(shared)
	}
}

// asker is the client to ask about a source, and the path of the database there.
func (c *Client) asker(source *url.URL) (*Client, string, error) {
	if loopback(source) && !loopback(c.address()) {
		return nil, "", errors.New("the source's address is the server's own loopback, which is another one here")
	}
	text, known := normal(source), c.sources.Load()
	var best *Client
	for _, other := range known.watched {
		base := normal(other.address())
		if strings.HasPrefix(text, base+"/") && (best == nil || len(base) > len(normal(best.address()))) {
			best = other
		}
	}
	if best != nil {
		return best, text[len(normal(best.address())):], nil
	}
	for _, named := range known.named {
		if strings.EqualFold(named.Host, source.Host) || strings.EqualFold(named.Host, source.Hostname()) {
			asker, err := known.dial(source, named.Auth)
			return asker, source.EscapedPath(), err
		}
	}
	return nil, "", errNoCredentials
}

// dial is the client for the host of a source, made at the first call.
func (s *sources) dial(source *url.URL, auth Auth) (*Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	base := source.Scheme + "://" + source.Host
	if c := s.asking[base]; c != nil {
		return c, nil
	}
	c, err := New(Options{Spec: sourceServer(source, auth)})
	if err == nil {
		s.asking[base] = c
	}
	return c, err
}

// sourceServer is the host of a source as a server.
func sourceServer(source *url.URL, auth Auth) Spec {
	return Spec{Name: sourceName(source), URL: source.Scheme + "://" + source.Host, Auth: auth, MaxConcurrent: sourceWorkers}
}

// sourceName is a name for errors, of the characters that names have.
func sourceName(source *url.URL) string {
	return strings.Map(func(r rune) rune {
		if nameSyntax.MatchString(string(r)) {
			return r
		}
		return '_'
	}, source.Host)
}

// close gives up the connections to hosts of sources.
func (s *sources) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range maps.Values(s.asking) {
		c.Close()
	}
}

// address is the URL of the server.
func (c *Client) address() *url.URL {
	u, err := url.Parse(c.base)
	if err != nil {
		return &url.URL{} // New has parsed it
	}
	return u
}

// parseSource is the URL of a source, without credentials and without the slash that CouchDB
// puts at its end.
func parseSource(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the source is no http or https URL")
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	u.RawPath = strings.TrimRight(u.EscapedPath(), "/")
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil || u.Path == "" {
		return nil, errors.New("the source names no database")
	}
	return u, nil
}

// normal is a URL in the one form that can be compared.
func normal(u *url.URL) string {
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)])
	return strings.ToLower(u.Scheme+"://"+u.Hostname()) + ":" + port + strings.TrimRight(u.EscapedPath(), "/")
}

func hostOf(source string) string {
	u, err := url.Parse(source)
	if err != nil {
		return source
	}
	return u.Scheme + "://" + u.Host
}

// loopback reports whether a URL means the machine itself, which is another one for a server
// than for Watchdog.
func loopback(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
