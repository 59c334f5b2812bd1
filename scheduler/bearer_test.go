package scheduler_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
)

func TestBearerSendsTheToken(t *testing.T) {
	var seen []string
	s := newCouch(nil)
	s.answer(oneDoc, taking(&seen))
	c := serve(t, s, scheduler.Spec{Auth: scheduler.Auth{Bearer: "a.b.c"}})
	if _, err := c.Ask(t.Context(), oneKey); err != nil {
		t.Fatalf("Ask: %v", err)
	}
	if diff := cmp.Diff([]string{"a.b.c"}, seen); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
}

// put replaces a file as those do who rotate secrets: whole, by its name.
func put(t *testing.T, path, content string) {
	t.Helper()
	fresh := path + ".new"
	if err := os.WriteFile(fresh, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, path); err != nil {
		t.Fatal(err)
	}
}

func TestBearerFileIsReadAgain(t *testing.T) {
	const refused = "GET /_scheduler/docs/_replicator/cont-running of prod: 401 unauthorized: exp not in future (check the token of auth.bearer_file)"
	for _, test := range []struct {
		name  string
		takes []string
		then  func(t *testing.T, path string) // after the first request
		seen  []string
		says  string // the second request's error; "" when it succeeds
	}{
		{"a file that stays is not sent anew", nil, func(*testing.T, string) {}, []string{"one", "one"}, ""},
		{"another token in its place", nil, func(t *testing.T, path string) { put(t, path, "two\n") }, []string{"one", "two"}, ""},
		{
			"another token of the same length and time, when the server refuses the old",
			[]string{"one", "two"},
			func(t *testing.T, path string) {
				info, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				os.WriteFile(path, []byte("two\n"), 0o600)
				os.Chtimes(path, info.ModTime(), info.ModTime())
			}, nil, "",
		},
		{"a file that is away for a moment", nil, func(t *testing.T, path string) { os.Remove(path) }, []string{"one", "one"}, ""},
		{"a file that is empty for a moment", nil, func(t *testing.T, path string) { put(t, path, "") }, []string{"one", "one"}, ""},
		{"a new token that is no good is sent once", []string{"one"}, func(t *testing.T, path string) { put(t, path, "two") }, []string{"one", "two"}, refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "token")
			put(t, path, "one\n")
			var seen []string
			s := newCouch(nil)
			s.answer(oneDoc, taking(&seen, test.takes...))
			c := serve(t, s, scheduler.Spec{Auth: scheduler.Auth{BearerFile: path}})
			if _, err := c.Ask(t.Context(), oneKey); err != nil {
				t.Fatalf("first Ask: %v", err)
			}
			test.then(t, path)
			if test.seen == nil { // the server takes the old token no more
				s.answer(oneDoc, taking(&seen, "two"))
				test.seen = []string{"one", "one", "two"}
			}
			_, err := c.Ask(t.Context(), oneKey)
			if got := strings.TrimPrefix(fmt.Sprint(err), "<nil>"); got != test.says {
				t.Errorf("second Ask: got %q, want %q", got, test.says)
			}
			if diff := cmp.Diff(test.seen, seen); diff != "" {
				t.Errorf("tokens (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBearerFileIsReadAgainWhenTheSignatureIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	put(t, path, "one")
	var seen []string
	s := newCouch(map[string]any{oneDoc: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen = append(seen, r.Header.Get("Authorization")); len(seen) > 1 {
			play(w, "doc-running")
			return
		}
		put(t, path, "two")
		text(400, "application/json", `{"error":"bad_request","reason":"Bad signature"}`)(w, r)
	})})
	if err := ask(t, serve(t, s, scheduler.Spec{Auth: scheduler.Auth{BearerFile: path}})); err != nil {
		t.Errorf("Ask: %v", err)
	}
	if diff := cmp.Diff([]string{"Bearer one", "Bearer two"}, seen); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
}

func TestBearerFileThatNeverWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	s := newCouch(nil)
	c := serve(t, s, scheduler.Spec{Auth: scheduler.Auth{BearerFile: path}})
	_, err := c.Ask(t.Context(), oneKey)
	if want := "authenticate: read auth.bearer_file: open " + path; !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("Ask: got %v, want it to say %q", err, want)
	}
	if got := s.requests(); len(got) > 0 {
		t.Errorf("requests: got %v, want none without a token", got)
	}
}

// CouchDB has the status 400 for a token whose signature or claims are wrong.
func TestTokenThatTheServerDoesNotTake(t *testing.T) {
	bad := func(status int, name, reason string) http.HandlerFunc {
		return text(status, "application/json", fmt.Sprintf(`{"error":%q,"reason":%q}`, name, reason))
	}
	for _, test := range []struct {
		name    string
		refusal http.HandlerFunc
		tries   int // within six minutes
		hint    string
	}{
		{"an expired token", bad(401, "unauthorized", "exp not in future"), 4, " (check the token of auth.bearer)"},
		{"a bad signature", bad(400, "bad_request", "Bad HMAC"), 4, " (check the token of auth.bearer)"},
		{"a claim that is missing", bad(400, "bad_request", "Missing exp claim"), 4, " (check the token of auth.bearer)"},
		{"a key that the server does not know", bad(400, "bad_request", "Unknown kid"), 4, " (check the token of auth.bearer)"},
		{
			"a token that makes nobody an admin", playing("anonymous-docs"), 4,
			" (the token of auth.bearer makes nobody an admin: it needs the role _admin in its claim _couchdb.roles," +
				" and [chttpd] authentication_handlers must name jwt_authentication_handler)",
		},
		{"a 400 for something else", bad(400, "query_parse_error", "Invalid value for limit"), 72, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCouch(map[string]any{oneDoc: test.refusal})
				c := bubble(t, s, scheduler.Spec{Auth: scheduler.Auth{Bearer: "a.b.c"}})
				for range 6 * 60 / 5 {
					_, err := c.Ask(t.Context(), oneKey)
					if err == nil || !strings.HasSuffix(err.Error(), test.hint) {
						t.Fatalf("Ask: got %v, want it to end %q", err, test.hint)
					}
					time.Sleep(5 * time.Second)
				}
				if got := len(s.requests()); got != test.tries {
					t.Errorf("requests in six minutes: got %d, want %d", got, test.tries)
				}
			})
		})
	}
}
