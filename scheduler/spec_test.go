package scheduler_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
)

func TestSpecProblems(t *testing.T) {
	good := func(change func(*scheduler.Spec)) scheduler.Spec {
		s := scheduler.Spec{Name: "prod", URL: "http://couch.example:5984"}
		change(&s)
		return s
	}
	auth := func(a scheduler.Auth) scheduler.Spec { return good(func(s *scheduler.Spec) { s.Auth = a }) }
	withURL := func(u string) scheduler.Spec { return good(func(s *scheduler.Spec) { s.URL = u }) }
	dbs := func(names ...string) scheduler.Spec {
		return good(func(s *scheduler.Spec) { s.ReplicatorDBs = names })
	}
	for _, test := range []struct {
		name string
		spec scheduler.Spec
		want []string // field: message
	}{
		{"a name and a URL are enough", good(func(*scheduler.Spec) {}), nil},
		{"an empty spec lacks both", scheduler.Spec{}, []string{"name: missing name", "url: missing url"}},
		{"an optional server may have no URL", good(func(s *scheduler.Spec) { s.URL, s.Optional = "", true }), nil},
		{"a name with a space", good(func(s *scheduler.Spec) { s.Name = "my prod" }), []string{`name: "my prod" is not a name`}},
		{"the built-in server", withURL("demo://"), nil},
		{"https with a path", withURL("https://couch.example/db/couch/"), nil},
		{"a scheme that CouchDB does not speak", withURL("couch://couch.example"), []string{"url: not an http or https URL"}},
		{"a host without a scheme", withURL("couch.example:5984"), []string{"url: not an http or https URL"}},
		{"a URL without a host", withURL("http:///couch"), []string{"url: the URL names no host"}},
		{"a query", withURL("http://couch.example/?x=1"), []string{"url: the URL of a server has no query and no fragment"}},
		{"a password that breaks the URL is not shown", withURL("http://admin:hun/ter2@couch.example"), []string{"url: not a valid URL"}},
		{"credentials in the URL", withURL("http://admin:hunter2@couch.example"), nil},
		{"a user without a password in the URL", withURL("http://admin@couch.example"), []string{`auth.password: user "admin" has no password`}},
		{"a username without a password", auth(scheduler.Auth{Username: "admin"}), []string{`auth.password: user "admin" has no password`}},
		{"a password without a username", auth(scheduler.Auth{Password: "hunter2"}), []string{"auth.username: a password without a username"}},
		{"basic without credentials", auth(scheduler.Auth{Basic: true}), []string{"auth.basic: nothing to send: there is no username"}},
		{
			"basic with a colon in the name", auth(scheduler.Auth{Username: "a:b", Password: "hunter2", Basic: true}),
			[]string{"auth.username: Basic credentials cannot carry a username with a colon"},
		},
		{"names and globs of replicator databases", dbs("_replicator", "team/_replicator", "*/_replicator", "t[ae]am/_replicator", "*_replicator"), nil},
		{"databases that CouchDB does not replicate from", dbs("orders", "my_replicator", "Team/_replicator", "*"), []string{
			`replicator_dbs[0]: "orders" is not a replicator database`,
			`replicator_dbs[1]: "my_replicator" is not a replicator database`,
			`replicator_dbs[2]: "Team/_replicator" is not a replicator database`,
			`replicator_dbs[3]: "*" is not a replicator database`,
		}},
		{"a glob that is never closed", dbs("[a/_replicator"), []string{`replicator_dbs[0]: "[a/_replicator" is not a valid glob`}},
		{"a database twice", dbs("_replicator", "_replicator"), []string{`replicator_dbs[1]: "_replicator" stands here twice`}},
		{"negative limits", good(func(s *scheduler.Spec) { s.Timeout, s.MaxConcurrent = -time.Second, -1 }), []string{
			"timeout: -1s is no time-out", "max_concurrent: -1 requests at a time is none",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, p := range test.spec.Problems() {
				if p.Hint == "" {
					t.Errorf("problem of %s has no hint", p.Field)
				}
				if all := p.Message + p.Hint; strings.Contains(all, "hunter2") || strings.Contains(all, "ter2") {
					t.Errorf("problem of %s shows the password: %s", p.Field, all)
				}
				got = append(got, p.Field+": "+p.Message)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSpecWithDefaults(t *testing.T) {
	for _, test := range []struct {
		name       string
		spec, want scheduler.Spec
	}{
		{
			"what is not written is filled in",
			scheduler.Spec{URL: "http://couch.example"},
			scheduler.Spec{
				URL: "http://couch.example", ReplicatorDBs: []string{"_replicator"},
				Timeout: 30 * time.Second, MaxConcurrent: 2,
			},
		},
		{
			"what is written stays",
			scheduler.Spec{
				URL: "demo://", ReplicatorDBs: []string{"a/_replicator"}, Timeout: time.Second, MaxConcurrent: 9,
				FullEvery: time.Minute, DiscoverEvery: time.Minute,
			},
			scheduler.Spec{
				URL: "demo://", ReplicatorDBs: []string{"a/_replicator"}, Timeout: time.Second, MaxConcurrent: 9,
				FullEvery: time.Minute, DiscoverEvery: time.Minute,
			},
		},
		{
			"credentials leave the URL for auth",
			scheduler.Spec{URL: "http://admin:p%40ss@couch.example/couch", Timeout: 1, MaxConcurrent: 1, ReplicatorDBs: []string{"_replicator"}},
			scheduler.Spec{
				URL: "http://couch.example/couch", Timeout: 1, MaxConcurrent: 1, ReplicatorDBs: []string{"_replicator"},
				Auth: scheduler.Auth{Username: "admin", Password: "p@ss"},
			},
		},
		{
			"credentials of auth win",
			scheduler.Spec{
				URL: "http://old:older@couch.example", Timeout: 1, MaxConcurrent: 1, ReplicatorDBs: []string{"_replicator"},
				Auth: scheduler.Auth{Username: "admin", Password: "new"},
			},
			scheduler.Spec{
				URL: "http://couch.example", Timeout: 1, MaxConcurrent: 1, ReplicatorDBs: []string{"_replicator"},
				Auth: scheduler.Auth{Username: "admin", Password: "new"},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			want.FullEvery = orDefault(want.FullEvery, 10*time.Minute)
			want.Doorbell = orDefault(want.Doorbell, new(true))
			want.AskSources = orDefault(want.AskSources, new(true))
			want.DiscoverEvery = orDefault(want.DiscoverEvery, time.Hour)
			if diff := cmp.Diff(want, test.spec.WithDefaults()); diff != "" {
				t.Errorf("WithDefaults (-want +got):\n%s", diff)
			}
		})
	}
}

// orDefault is what a case says, or else the default, which it need not repeat.
func orDefault[T comparable](said, usual T) T {
	var none T
	if said == none {
		return usual
	}
	return said
}
