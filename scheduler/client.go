// Package scheduler reads one CouchDB or Cloudant server: the documents of its replicator
// databases, all jobs, the active tasks, and single documents and jobs.
//
// The one rule: what could not be read is a Gap with its reason. Nothing that goes wrong makes
// a listing shorter or a document deleted: not a body that is cut off, not a proxy's 404, not a
// server that falls silent.
//
// It spares the server: each listing is one streamed request, never a page; a few requests at a
// time; credentials that are refused are tried once a minute at most, since CouchDB locks a
// user out after five wrong passwords.
package scheduler

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"watchdog/snapshot"
)

// Options are what a Client is made of.
type Options struct {
	Spec Spec
	// Auth signs the requests; nil means as the Spec says.
	Auth Authenticator
	// Transport carries the requests, those for tokens included; nil means connections of the
	// client's own, by the proxy that the environment names and with the TLS of the Spec.
	Transport http.RoundTripper
}

// Client reads one server. Read and Record are for one goroutine, Ask is for any number.
type Client struct {
	spec      Spec // defaults filled in
	base      string
	auth      Authenticator
	transport http.RoundTripper
	guard     *guard
	places    chan struct{} // holds one token for each request under way
	mask      *mask

	tokenTransport http.RoundTripper // to where tokens are asked for

	// Of Read and Record alone.
	databases cached[[]string]
	version   cached[string]
	cluster   cluster
	waiting   map[snapshot.Key]*waiting
	last      *snapshot.Snapshot  // of Read
	watched   map[string]*watched // by database, up to last
	jobs      followed

	cheapRows, jobsPerAsk int

	doorbell doorbell

	sources  atomic.Pointer[sources] // nobody else's until Introduce
	troubles atomic.Pointer[map[snapshot.Key]error]
}

// cached is what the server said once, for a while.
type cached[T any] struct {
	value T
	at    time.Time // zero: never
}

// New makes a client; it contacts nobody. The spec must have no problems, and a URL that is not
// the built-in server's.
func New(o Options) (*Client, error) {
	if problems := o.Spec.Problems(); len(problems) > 0 {
		p := problems[0]
		return nil, fmt.Errorf("server %s: %s: %s", o.Spec.Name, p.Field, p.Message)
	}
	spec := o.Spec.WithDefaults()
	if spec.Env != "" || spec.URL == "" || spec.demo() {
		return nil, fmt.Errorf("server %s: no URL to read from", spec.Name)
	}
	c := &Client{
		spec:      spec,
		base:      strings.TrimRight(spec.URL, "/"),
		auth:      o.Auth,
		transport: o.Transport,
		guard:     newGuard(spec.Name),
		places:    make(chan struct{}, spec.MaxConcurrent),
		cheapRows: cheapRows, jobsPerAsk: jobsPerAsk,
		doorbell: doorbell{looked: make(chan struct{}, 1)},
		mask:     &mask{own: spec.Auth.secrets()},

		tokenTransport: o.Transport,
	}
	Introduce([]*Client{c}, nil)
	if o.Transport == nil {
		c.transport, c.tokenTransport = spec.transport(), spec.tokenTransport()
	}
	if c.auth == nil {
		c.auth = c.authenticator()
	}
	return c, nil
}

func newTransport(s Spec, c *tls.Config) *http.Transport {
	connect := min(s.Timeout, 10*time.Second)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connect}).DialContext,
		TLSClientConfig:        c,
		TLSHandshakeTimeout:    connect,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    s.MaxConcurrent,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// Name is the server's, as the user gave it.
func (c *Client) Name() string { return c.spec.Name }

// Labels are the server's own. They must not be changed.
func (c *Client) Labels() map[string]string { return c.spec.Labels }

// Close gives up the connections that wait for the next request. The client can still be used.
func (c *Client) Close() {
	for _, transport := range []http.RoundTripper{c.transport, c.tokenTransport} {
		if t, ok := transport.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
	c.sources.Load().close()
}

// refreshVersion asks for the server's version, once an hour. Where that fails the last one
// stands.
func (c *Client) refreshVersion(ctx context.Context) {
	if !c.version.at.IsZero() && time.Since(c.version.at) < time.Hour {
		return
	}
	var welcome struct{ Version string }
	if err := c.getJSON(ctx, "/", &welcome); err == nil {
		c.version = cached[string]{welcome.Version, time.Now()}
	}
}
