package scheduler

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"watchdog/diag"
	"watchdog/secret"
)

// Spec is one server as it is written in YAML, not checked yet.
type Spec struct {
	Name string `yaml:"name"` // unique; state is kept by it
	// URL is where the server is: http, https, or demo:// for the built-in simulated server,
	// which the caller must put in its place before New. Credentials in it count where Auth has
	// none; WithDefaults moves them there.
	URL string `yaml:"url"`
	// Account is one of Cloudant, in place of URL: https://ACCOUNT.cloudant.com.
	Account string `yaml:"account"`
	// Env is the prefix of the environment variables that say URL and Auth by the names of IBM's
	// SDKs: CLOUDANT for CLOUDANT_URL, CLOUDANT_APIKEY and so on. FromEnv puts them in its place.
	Env  string `yaml:"env"`
	Auth Auth   `yaml:"auth"` // default: no credentials
	TLS  TLS    `yaml:"tls"`  // default: the system's roots, and no certificate of our own
	// ReplicatorDBs are names or globs of replicator databases; default [_replicator].
	ReplicatorDBs []string `yaml:"replicator_dbs"`
	// Timeout is how long the server may say nothing, before an answer or in the midst of one;
	// a long answer may take longer. Default 30s.
	Timeout       time.Duration     `yaml:"timeout"`
	Labels        map[string]string `yaml:"labels"`         // of all its alerts, for routing
	MaxConcurrent int               `yaml:"max_concurrent"` // requests at a time; default 2

	// Doorbell keeps a long poll open on each replicator database, so that a look follows at once
	// when a replication fails or completes. Default true.
	Doorbell      *bool         `yaml:"doorbell"`
	FullEvery     time.Duration `yaml:"full_every"`     // between whole listings of a long database; default 10m
	DiscoverEvery time.Duration `yaml:"discover_every"` // between looks for databases that match a glob; default 1h
	// AskSources lets a look ask a source how much waits where the server does not know, once a
	// minute and replication at most. Default true.
	AskSources *bool `yaml:"ask_sources"`
	// UseReplicationCredentials lets a source be asked with the credentials in the replication
	// document, where nothing else says how to sign in there.
	UseReplicationCredentials bool `yaml:"use_replication_credentials"`

	Optional bool `yaml:"optional"` // left out while URL is empty
	Fallback bool `yaml:"fallback"` // watched only where no other server is
}

const (
	defaultDatabase      = "_replicator"
	defaultTimeout       = 30 * time.Second
	defaultMaxConcurrent = 2
	defaultFullEvery     = 10 * time.Minute
	defaultDiscoverEvery = time.Hour
)

// WithDefaults is the spec with every default filled in, the account made a URL, and the
// credentials of the URL moved to Auth, so that it can be shown.
func (s Spec) WithDefaults() Spec {
	if len(s.ReplicatorDBs) == 0 {
		s.ReplicatorDBs = []string{defaultDatabase}
	}
	s.Timeout = cmp.Or(s.Timeout, defaultTimeout)
	s.MaxConcurrent = cmp.Or(s.MaxConcurrent, defaultMaxConcurrent)
	s.FullEvery = cmp.Or(s.FullEvery, defaultFullEvery)
	s.DiscoverEvery = cmp.Or(s.DiscoverEvery, defaultDiscoverEvery)
	s.AskSources = cmp.Or(s.AskSources, new(true))
	s.Doorbell = cmp.Or(s.Doorbell, new(true))
	if s.URL == "" && accountSyntax.MatchString(s.Account) {
		s.URL, s.Account = "https://"+s.Account+".cloudant.com", ""
	}
	s.Auth = s.Auth.withDefaults()
	u, err := url.Parse(s.URL)
	if err != nil || u.User == nil {
		return s
	}
	if len(s.Auth.kinds()) == 0 {
		password, _ := u.User.Password()
		s.Auth.Username, s.Auth.Password = u.User.Username(), secret.String(password)
	}
	u.User = nil
	s.URL = u.String()
	return s
}

// demo reports whether the URL names the built-in simulated server.
func (s Spec) demo() bool { return strings.HasPrefix(s.URL, "demo://") }

var nameSyntax = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// Problems is every mistake in the spec; no text of them holds a secret.
func (s Spec) Problems() []diag.Problem {
	var ps []diag.Problem
	switch {
	case s.Name == "":
		ps = append(ps, diag.Problemf("name", "give the server a name, such as prod", "missing name"))
	case !nameSyntax.MatchString(s.Name):
		ps = append(ps, diag.Problemf("name", "use letters, digits, and . _ -", "%q is not a name", s.Name))
	}
	if s.Env == "" { // FromEnv has told what is wrong with it
		ps = append(ps, s.urlProblems()...)
		ps = append(ps, s.WithDefaults().Auth.problems()...)
	}
	ps = append(ps, s.TLS.problems(s.URL)...)
	ps = append(ps, s.databaseProblems()...)
	if s.Timeout < 0 {
		ps = append(ps, diag.Problemf("timeout", "write a duration above 0, such as 30s", "%v is no time-out", s.Timeout))
	}
	if s.FullEvery < 0 {
		ps = append(ps, diag.Problemf("full_every", "write a duration above 0, such as 10m", "%v is no interval", s.FullEvery))
	}
	if s.DiscoverEvery < 0 {
		ps = append(ps, diag.Problemf("discover_every", "write a duration above 0, such as 1h", "%v is no interval", s.DiscoverEvery))
	}
	if s.MaxConcurrent < 0 {
		ps = append(ps, diag.Problemf("max_concurrent", "write 1 or more", "%d requests at a time is none", s.MaxConcurrent))
	}
	return ps
}

const urlHint = "write it like http://couchdb.example.com:5984"

// accountSyntax is a name that can be the first part of a host.
var accountSyntax = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

func (s Spec) urlProblems() []diag.Problem {
	one := func(field, hint, message string) []diag.Problem {
		return []diag.Problem{{Field: field, Message: message, Hint: hint}}
	}
	switch {
	case s.URL != "" && s.Account != "":
		return one("account", "keep one of them", "url and account are two places")
	case s.Account != "" && !accountSyntax.MatchString(s.Account):
		return one("account", "write what stands before .cloudant.com, or the whole as url", "not the name of an account")
	case s.URL == "" && s.Account == "" && !s.Optional:
		return one("url", urlHint+", or set optional: true to leave the server out while it has none", "missing url")
	case s.URL == "" || s.demo():
		return nil
	}
	switch wrong := wrongURL(s.URL); wrong {
	case "":
		return nil
	case noURL:
		return one("url", urlHint+"; put a password with special characters under auth", wrong)
	case noPlainURL:
		return one("url", "end the URL before the ? or #", wrong)
	default:
		return one("url", urlHint, wrong)
	}
}

// What can be wrong with the URL of a server.
const (
	noURL      = "not a valid URL"
	noPlainURL = "the URL of a server has no query and no fragment"
)

// wrongURL is what is wrong with the URL of a server, if anything is; it does not quote it.
func wrongURL(text string) string {
	u, err := url.Parse(text)
	switch { // err itself may quote a password
	case err != nil:
		return noURL
	case u.Scheme != "http" && u.Scheme != "https":
		return "not an http or https URL"
	case u.Hostname() == "":
		return "the URL names no host"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return noPlainURL
	}
	return ""
}

// databaseSyntax is a whole name of a replicator database: CouchDB's name syntax, ending so
// that CouchDB takes it for one.
var databaseSyntax = regexp.MustCompile(`^(?:[a-z][a-z0-9_$()+/-]*/)?_replicator$`)

func (s Spec) databaseProblems() []diag.Problem {
	const hint = "write _replicator, the name of a database that ends in /_replicator, or a glob such as */_replicator"
	var ps []diag.Problem
	for i, db := range s.ReplicatorDBs {
		field := fmt.Sprintf("replicator_dbs[%d]", i)
		_, err := path.Match(db, "")
		switch {
		case err != nil:
			ps = append(ps, diag.Problemf(field, "close every [ and end no glob in a backslash", "%q is not a valid glob", db))
		case !strings.HasSuffix(db, defaultDatabase), !isGlob(db) && !databaseSyntax.MatchString(db):
			ps = append(ps, diag.Problemf(field, hint, "%q is not a replicator database", db))
		case slices.Index(s.ReplicatorDBs, db) < i:
			ps = append(ps, diag.Problemf(field, "remove one of the two", "%q stands here twice", db))
		}
	}
	return ps
}
