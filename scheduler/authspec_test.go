package scheduler_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
)

func TestAuthProblems(t *testing.T) {
	type auth = scheduler.Auth
	type proxy = scheduler.Proxy
	for _, test := range []struct {
		name string
		auth auth
		want []string // field: message
	}{
		{"nobody", auth{}, nil},
		{"a user", auth{Username: "admin", Password: "hunter2"}, nil},
		{"an API key", auth{IAMAPIKey: "hunter2"}, nil},
		{"an API key with all that belongs to it", auth{IAMAPIKey: "hunter2", IAMURL: "http://iam.example/identity/token", IAMClientID: "a", IAMClientSecret: "hunter2", IAMInsecureSkipVerify: true}, nil},
		{"a token", auth{Bearer: "hunter2.b.c"}, nil},
		{"a file with a token", auth{BearerFile: "token"}, nil},
		{"a proxy", auth{Proxy: proxy{Username: "watchdog", Roles: []string{"_admin", "a b"}, Secret: "hunter2", Hash: "sha1"}}, nil},
		{"a proxy without a secret", auth{Proxy: proxy{Username: "watchdog"}}, nil},

		{
			"a user and an API key",
			auth{Username: "admin", Password: "hunter2", IAMAPIKey: "hunter2"},
			[]string{"auth.iam_api_key: auth.username and auth.iam_api_key are two ways to sign in"},
		},
		{"a password that was left behind", auth{Password: "hunter2", IAMAPIKey: "hunter2"}, []string{
			"auth.iam_api_key: auth.password and auth.iam_api_key are two ways to sign in",
			"auth.username: a password without a username",
		}},
		{"an API key and a token", auth{IAMAPIKey: "hunter2", Bearer: "hunter2"}, []string{"auth.bearer: auth.iam_api_key and auth.bearer are two ways to sign in"}},
		{"a token and a file with one", auth{Bearer: "hunter2", BearerFile: "token"}, []string{"auth.bearer_file: auth.bearer and auth.bearer_file are two ways to sign in"}},
		{"a user and a proxy", auth{Username: "admin", Password: "hunter2", Proxy: proxy{Username: "a"}}, []string{"auth.proxy: auth.username and auth.proxy are two ways to sign in"}},
		{"three", auth{Username: "admin", Password: "hunter2", Bearer: "hunter2", Proxy: proxy{Username: "a"}}, []string{
			"auth.bearer: auth.username and auth.bearer are two ways to sign in",
			"auth.proxy: auth.username and auth.proxy are two ways to sign in",
		}},

		{"what belongs to an API key without one", auth{IAMURL: "x", IAMClientID: "a", IAMClientSecret: "hunter2", IAMInsecureSkipVerify: true}, []string{
			"auth.iam_url: auth.iam_url is of no use without auth.iam_api_key",
			"auth.iam_client_id: auth.iam_client_id is of no use without auth.iam_api_key",
			"auth.iam_client_secret: auth.iam_client_secret is of no use without auth.iam_api_key",
			"auth.iam_insecure_skip_verify: auth.iam_insecure_skip_verify is of no use without auth.iam_api_key",
		}},
		{"a client id without its secret", auth{IAMAPIKey: "hunter2", IAMClientID: "a"}, []string{"auth.iam_client_id: a client id and its secret belong together"}},
		{"a secret without its client id", auth{IAMAPIKey: "hunter2", IAMClientSecret: "hunter2"}, []string{"auth.iam_client_id: a client id and its secret belong together"}},
		{"an IAM URL that is none", auth{IAMAPIKey: "hunter2", IAMURL: "iam.cloud.ibm.com"}, []string{"auth.iam_url: not an http or https URL"}},
		{"an IAM URL with credentials", auth{IAMAPIKey: "hunter2", IAMURL: "https://a:hunter2@iam.example"}, []string{"auth.iam_url: the URL holds credentials"}},
		{"an API key with more around it", auth{IAMAPIKey: "apikey: hunter2"}, []string{"auth.iam_api_key: an API key has no blanks and no line breaks"}},
		{"a token with the word before it", auth{Bearer: "Bearer hunter2"}, []string{"auth.bearer: a token has no blanks and no line breaks"}},
		{"a proxy without a username", auth{Proxy: proxy{Secret: "hunter2"}}, []string{"auth.proxy.username: proxy authentication without a username"}},
		{"a proxy whose username is two lines", auth{Proxy: proxy{Username: "a\r\nX: b"}}, []string{"auth.proxy.username: a username has no line breaks"}},
		{"roles in one string", auth{Proxy: proxy{Username: "a", Roles: []string{"_admin", "b,c"}}}, []string{`auth.proxy.roles[1]: "b,c" is not a role`}},
		{"a hash that CouchDB does not take", auth{Proxy: proxy{Username: "a", Secret: "hunter2", Hash: "md5"}}, []string{`auth.proxy.hash: "md5" is not a hash that CouchDB takes`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectProblems(t, scheduler.Spec{Name: "prod", URL: "https://couch.example", Auth: test.auth}, test.want)
		})
	}
}

// expectProblems compares field and message, and looks for a hint, and for hunter2.
func expectProblems(t *testing.T, spec scheduler.Spec, want []string) {
	t.Helper()
	var got []string
	for _, p := range spec.Problems() {
		if p.Hint == "" {
			t.Errorf("problem of %s has no hint", p.Field)
		}
		if strings.Contains(p.Message+p.Hint, "hunter2") {
			t.Errorf("problem of %s shows the secret: %s; %s", p.Field, p.Message, p.Hint)
		}
		got = append(got, p.Field+": "+p.Message)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Problems (-want +got):\n%s", diff)
	}
}

func TestTLSProblems(t *testing.T) {
	for _, test := range []struct {
		name string
		url  string
		tls  scheduler.TLS
		want []string
	}{
		{"none", "http://couch.example", scheduler.TLS{}, nil},
		{"all", "HTTPS://couch.example", scheduler.TLS{CA: "ca", Cert: "cert", Key: "key", ServerName: "db"}, nil},
		{"tls of an account", "", scheduler.TLS{CA: "ca"}, nil},
		{"tls without TLS", "http://couch.example", scheduler.TLS{CA: "ca"}, []string{"tls: tls needs an https URL"}},
		{"a certificate without its key", "https://couch.example", scheduler.TLS{Cert: "cert"}, []string{"tls.key: tls.cert has no tls.key"}},
		{"a key without its certificate", "https://couch.example", scheduler.TLS{Key: "key"}, []string{"tls.cert: tls.key has no tls.cert"}},
		{
			"an authority that nobody asks", "https://couch.example",
			scheduler.TLS{CA: "ca", InsecureSkipVerify: true},
			[]string{"tls.insecure_skip_verify: tls.ca is of no use with tls.insecure_skip_verify"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := scheduler.Spec{Name: "prod", URL: test.url, TLS: test.tls}
			if test.url == "" {
				spec.Account = "acc"
			}
			expectProblems(t, spec, test.want)
		})
	}
}

func TestAccount(t *testing.T) {
	for _, test := range []struct {
		name string
		spec scheduler.Spec
		url  string
		want []string
	}{
		{"test_constructor_with_account: an account is a host", scheduler.Spec{Account: "acc-bluemix"}, "https://acc-bluemix.cloudant.com", nil},
		{"a URL and an account", scheduler.Spec{URL: "https://a.example", Account: "acc"}, "https://a.example", []string{"account: url and account are two places"}},
		{"the whole host", scheduler.Spec{Account: "acc.cloudant.com"}, "", []string{"account: not the name of an account"}},
		{"a URL in its place", scheduler.Spec{Account: "https://u:hunter2@acc.cloudant.com"}, "", []string{"account: not the name of an account"}},
		{"neither", scheduler.Spec{}, "", []string{"url: missing url"}},
		{"neither, of an optional server", scheduler.Spec{Optional: true}, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := test.spec
			spec.Name = "prod"
			filled := spec.WithDefaults()
			if filled.URL != test.url {
				t.Errorf("URL: got %q, want %q", filled.URL, test.url)
			}
			expectProblems(t, spec, test.want)
			expectProblems(t, filled, test.want)
		})
	}
}

func TestAuthWithDefaults(t *testing.T) {
	type auth = scheduler.Auth
	for _, test := range []struct {
		name       string
		url        string
		auth, want auth
	}{
		{"IAM is asked in public", "https://a", auth{IAMAPIKey: "k"}, auth{IAMAPIKey: "k", IAMURL: "https://iam.cloud.ibm.com"}},
		{
			"a proxy speaks for a server admin", "https://a",
			auth{Proxy: scheduler.Proxy{Username: "a"}},
			auth{Proxy: scheduler.Proxy{Username: "a", Roles: []string{"_admin"}, Hash: "sha256"}},
		},
		{"credentials of the URL give way to any other kind", "https://u:p@a", auth{Bearer: "t"}, auth{Bearer: "t"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := scheduler.Spec{URL: test.url, Auth: test.auth}.WithDefaults()
			if diff := cmp.Diff(test.want, got.Auth); diff != "" || got.URL != "https://a" {
				t.Errorf("WithDefaults: got URL %q and auth (-want +got):\n%s", got.URL, diff)
			}
			if again := got.WithDefaults(); !cmp.Equal(got, again) {
				t.Errorf("WithDefaults twice (-once +twice):\n%s", cmp.Diff(got, again))
			}
		})
	}
}

func TestPathsFrom(t *testing.T) {
	spec := scheduler.Spec{Auth: scheduler.Auth{BearerFile: "t"}, TLS: scheduler.TLS{CA: "a/ca", Cert: "/b/cert", Key: "../key"}}
	want := scheduler.Spec{Auth: scheduler.Auth{BearerFile: "conf/t"}, TLS: scheduler.TLS{CA: "conf/a/ca", Cert: "/b/cert", Key: "key"}}
	if diff := cmp.Diff(want, spec.PathsFrom("conf")); diff != "" {
		t.Errorf("PathsFrom (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(scheduler.Spec{}, scheduler.Spec{}.PathsFrom("conf")); diff != "" {
		t.Errorf("PathsFrom of no files (-want +got):\n%s", diff)
	}
}

func TestFileProblems(t *testing.T) {
	a := newAuthority(t, "ours")
	cert, key := a.issue(t, "watchdog")
	_, other := a.issue(t, "other")
	files := map[string]string{"ca": a.pem, "cert": cert, "key": key, "other": other, "token": "hunter2\n", "empty": "\n", "two": "hunter2 hunter2"}
	read := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	for _, test := range []struct {
		name string
		spec scheduler.Spec
		want []string
	}{
		{"no files", scheduler.Spec{}, nil},
		{"good files", scheduler.Spec{Auth: scheduler.Auth{BearerFile: "token"}, TLS: scheduler.TLS{CA: "ca", Cert: "cert", Key: "key"}}, nil},
		{"files that are not there", scheduler.Spec{Auth: scheduler.Auth{BearerFile: "x"}, TLS: scheduler.TLS{CA: "x", Cert: "cert", Key: "x"}}, []string{
			"auth.bearer_file: the file cannot be read: file does not exist",
			"tls.ca: the file cannot be read: file does not exist",
			"tls.key: the file cannot be read: file does not exist",
		}},
		{"a certificate that is not there", scheduler.Spec{TLS: scheduler.TLS{Cert: "x", Key: "key"}}, []string{"tls.cert: the file cannot be read: file does not exist"}},
		{"a token file that is empty", scheduler.Spec{Auth: scheduler.Auth{BearerFile: "empty"}}, []string{"auth.bearer_file: the file is empty"}},
		{"a token file with more in it", scheduler.Spec{Auth: scheduler.Auth{BearerFile: "two"}}, []string{"auth.bearer_file: the file holds more than a token"}},
		{"an authority that is none", scheduler.Spec{TLS: scheduler.TLS{CA: "token"}}, []string{"tls.ca: the file holds no PEM certificate"}},
		{
			"the key of another certificate",
			scheduler.Spec{TLS: scheduler.TLS{Cert: "cert", Key: "other"}},
			[]string{"tls.cert: with tls.key: tls: private key does not match public key"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, p := range test.spec.FileProblems(read) {
				got = append(got, p.Field+": "+p.Message)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("FileProblems (-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprint(got), "hunter2") {
				t.Errorf("FileProblems shows the token: %s", got)
			}
		})
	}
}
