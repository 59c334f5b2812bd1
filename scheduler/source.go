package scheduler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"watchdog/diag"
	"watchdog/snapshot"
)

const (
	// askSourceEvery is how long what a source said is good, and how often it is asked at most
	// about one replication.
	askSourceEvery = time.Minute
	// Bounds of one look: how many replications it asks about, at a time, and for how long in
	// all. What is left is asked about by the looks that follow, the longest unasked first. An
	// answer takes a source some 2 ms.
	maxSourceAsks = 1000
	sourceWorkers = 4
	maxSourceTime = 5 * time.Second
)

// waiting is what was found out about the work that waits for one replication.
type waiting struct {
	source, through string // of which it was asked
	at              time.Time
	pending         int64
	err             error // why it is not known
}

// holds reports whether what was found out still counts.
func (w *waiting) holds(r *snapshot.Replication, at time.Time) bool {
	return w.source == r.Source && w.through == r.ThroughSeq && w.recent(at)
}

// recent reports whether it is too early to ask again. A clock that went back makes nothing
// recent.
func (w *waiting) recent(at time.Time) bool {
	age := at.Sub(w.at)
	return 0 <= age && age < askSourceEvery
}

// askSources finds out how much waits for replications of which their server does not say it,
// and tells what it finds. An answer counts until the replication moves, or a minute is over.
func (c *Client) askSources(ctx context.Context, at time.Time, blind []*snapshot.Replication, tell func(snapshot.Key, int64)) {
	if !*c.spec.AskSources {
		return
	}
	found := make(map[snapshot.Key]*waiting, len(blind))
	var due []*snapshot.Replication
	for _, r := range blind {
		w := c.waiting[r.Key]
		if w != nil {
			found[r.Key] = w
		}
		switch {
		case w == nil || !w.recent(at):
			due = append(due, r)
		case w.err == nil && w.holds(r, at):
			tell(r.Key, w.pending)
		}
	}
	for key, w := range c.waiting { // one that is not blind now may be so again in a moment
		if found[key] == nil && w.recent(at) {
			found[key] = w
		}
	}
	slices.SortStableFunc(due, func(a, b *snapshot.Replication) int {
		return asked(c.waiting[a.Key]).Compare(asked(c.waiting[b.Key]))
	})
	for key, w := range c.askAll(ctx, at, due[:min(len(due), maxSourceAsks)]) {
		found[key] = w
		if w.err == nil {
			tell(key, w.pending)
		}
	}
	c.waiting = found
	c.troubles.Store(troubles(found))
}

func asked(w *waiting) time.Time {
	if w == nil {
		return time.Time{}
	}
	return w.at
}

func troubles(all map[snapshot.Key]*waiting) *map[snapshot.Key]error {
	errs := map[snapshot.Key]error{}
	for key, w := range all {
		if w.err != nil {
			errs[key] = w.err
		}
	}
	return &errs
}

// SourceTrouble is why the last look could not find out from its source how much waits for a
// replication; nil where it could, or had no need to. Any goroutine may call it.
func (c *Client) SourceTrouble(key snapshot.Key) error {
	if errs := c.troubles.Load(); errs != nil {
		return (*errs)[key]
	}
	return nil
}

// askAll asks about some replications, a few at a time. A source that does not answer is left
// alone for the rest of the look; what was not asked about is not among the answers.
func (c *Client) askAll(ctx context.Context, at time.Time, due []*snapshot.Replication) map[snapshot.Key]*waiting {
	ctx, cancel := context.WithTimeout(ctx, maxSourceTime)
	defer cancel()
	answers := map[snapshot.Key]*waiting{}
	silent := map[string]bool{} // by scheme and host
	var mu sync.Mutex           // guards answers and silent
	var workers sync.WaitGroup
	next := make(chan *snapshot.Replication)
	for range min(sourceWorkers, len(due)) {
		workers.Go(func() {
			for r := range next {
				host := hostOf(r.Source)
				mu.Lock()
				skip := silent[host]
				mu.Unlock()
				if skip || ctx.Err() != nil {
					continue
				}
				w := &waiting{source: r.Source, through: r.ThroughSeq, at: at}
				w.pending, w.err = c.askSource(ctx, r)
				mu.Lock()
				answers[r.Key] = w
				if errors.Is(w.err, errNotAccepted) {
					delete(answers, r.Key) // its own look signs in first
				}
				var e *Error
				if errors.As(w.err, &e) && e.Status == 0 {
					silent[host] = true
				}
				mu.Unlock()
			}
		})
	}
	for _, r := range due {
		next <- r
	}
	close(next)
	workers.Wait()
	return answers
}

// askSource asks the source of one replication how much comes after what it has done.
func (c *Client) askSource(ctx context.Context, r *snapshot.Replication) (int64, error) {
	if !r.Has(snapshot.FieldSource) || !r.Has(snapshot.FieldThroughSeq) || r.ThroughSeq == "" {
		return 0, errors.New("the server does not say how far the replication has come")
	}
	source, err := parseSource(r.Source)
	if err != nil {
		return 0, err
	}
	asker, path, err := c.asker(source)
	if errors.Is(err, errNoCredentials) && c.spec.UseReplicationCredentials {
		return c.askAsReplication(ctx, r)
	}
	if err != nil {
		return 0, err
	}
	if slices.Contains(c.sources.watched, asker) {
		return pendingAfter(r.ThroughSeq, func(query string, take func(*answer) error) error {
			return asker.optional(ctx, get(path+"/_changes", query), take)
		})
	}
	return asker.pendingAfter(ctx, path, r.ThroughSeq)
}

// pendingAfter is how many changes a database, named by its path, has after a sequence.
func (c *Client) pendingAfter(ctx context.Context, path, seq string) (int64, error) {
	return pendingAfter(seq, func(query string, take func(*answer) error) error {
		return c.attempt(ctx, get(path+"/_changes", query), take)
	})
}

func pendingAfter(seq string, ask func(query string, take func(*answer) error) error) (int64, error) {
	var found changes
	err := ask(since(seq, "limit=0"), func(a *answer) (err error) {
		found, err = a.changes(func(change) {})
		return err
	})
	switch {
	case err != nil:
		return 0, fmt.Errorf("ask the source: %w", err)
	case found.pending == nil:
		return 0, errors.New("the source does not say how many changes are pending: it is older than CouchDB 2")
	}
	return *found.pending, nil
}

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

// SourceSpec is credentials for the sources on a host, as written in YAML (SPEC 2, sources).
type SourceSpec struct {
	Host string `yaml:"host"` // with a port where only that one is meant
	Auth Auth   `yaml:"auth"` // how to sign in there
}

// Introduce lets clients ask each other's servers about the sources on them, and the hosts that
// specs name. It is called once, before the first look. Each spec must have no problems.
func Introduce(clients []*Client, specs []SourceSpec) {
	shared := &sources{
		watched: clients, named: specs,
		asking: map[string]*Client{}, guards: map[string]*guard{},
	}
	for _, c := range clients {
		c.sources = shared
	}
}

// asker is the client to ask about a source, and the path of the database there.
func (c *Client) asker(source *url.URL) (*Client, string, error) {
	if loopback(source) && !loopback(c.address()) {
		return nil, "", errors.New("the source's address is the server's own loopback, which is another one here")
	}
	text := normal(source)
	var best *Client
	for _, other := range c.sources.watched {
		base := normal(other.address())
		if strings.HasPrefix(text, base+"/") && (best == nil || len(base) > len(normal(best.address()))) {
			best = other
		}
	}
	if best != nil {
		return best, text[len(normal(best.address())):], nil
	}
	for _, named := range c.sources.named {
		if strings.EqualFold(named.Host, source.Host) || strings.EqualFold(named.Host, source.Hostname()) {
			asker, err := c.sources.dial(source, named.Auth)
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
