package scheduler_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
)

func TestProxyAuthentication(t *testing.T) {
	for _, test := range []struct {
		name              string
		proxy             scheduler.Proxy
		user, roles, sign string
	}{
		{ // the token is the example of CouchDB's manual
			"sha1, as before CouchDB 3.3",
			scheduler.Proxy{Username: "foo", Roles: []string{"users", "blogger"}, Secret: "the_secret", Hash: "sha1"},
			"foo", "users,blogger", "22047ebd7c4ec67dfbcbad7213a693249dbfbf86",
		},
		{
			"sha256 by default, and a server admin",
			scheduler.Proxy{Username: "foo", Secret: "the_secret"},
			"foo", "_admin", "3f0786e96b20b0102b77f1a49c041be6977cfb3bf78c41a12adc121cd9b4e68a",
		},
		{
			"no token for a server that asks for none",
			scheduler.Proxy{Username: "søren"},
			"søren", "_admin", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got http.Header
			s := newCouch(map[string]any{oneDoc: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.Header
				play(w, "doc-running")
			})})
			if _, err := serve(t, s, scheduler.Spec{Auth: scheduler.Auth{Proxy: test.proxy}}).Ask(t.Context(), oneKey); err != nil {
				t.Fatalf("Ask: %v", err)
			}
			want := []string{test.user, test.roles, test.sign, ""}
			if diff := cmp.Diff(want, []string{
				got.Get("X-Auth-CouchDB-UserName"), got.Get("X-Auth-CouchDB-Roles"),
				got.Get("X-Auth-CouchDB-Token"), got.Get("Authorization"),
			}); diff != "" {
				t.Errorf("user, roles, token and Authorization (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProxyThatTheServerDoesNotBelieve(t *testing.T) {
	s := newCouch(map[string]any{oneDoc: "anonymous-docs"})
	_, err := serve(t, s, scheduler.Spec{Auth: scheduler.Auth{Proxy: scheduler.Proxy{Username: "foo", Secret: "the_secret"}}}).Ask(t.Context(), oneKey)
	if want := "(check auth.proxy: secret must be [chttpd_auth] secret of the server, roles must hold _admin, and hash be sha1 before CouchDB 3.3;"; !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("Ask: got %v, want it to say %q", err, want)
	}
}
