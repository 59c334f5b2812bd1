package scheduler_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The names before the colons are those of python-cloudant's auth_renewal_tests.
func TestRenewalAsPythonCloudant(t *testing.T) {
	t.Run("test_client_db_doc_stack_success: whatever is asked next, a session that the server forgot is renewed, for all that is asked later", func(t *testing.T) {
		for _, next := range []string{docsRequest, allJobs, tasksRequest, oneDoc} {
			synctest.Test(t, func(t *testing.T) {
				n, valid := 0, ""
				s := newCouch(nil)
				s.answer(login, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					n++
					valid = fmt.Sprintf("cookie-%d", n)
					http.SetCookie(w, &http.Cookie{Name: "AuthSession", Value: valid})
				}))
				for request, recording := range map[string]string{docsRequest: "docs-all", allJobs: "jobs-all", tasksRequest: "active-tasks", oneDoc: "doc-running"} {
					s.answer(request, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if request == next && n == 1 {
							valid = "" // from here on
						}
						if cookie, err := r.Cookie("AuthSession"); err != nil || cookie.Value != valid {
							play(w, "bad-cookie")
							return
						}
						play(w, recording)
					}))
				}
				c := bubble(t, s, signedIn())
				for range 2 {
					if snap := read(t, c); len(snap.Gaps) > 0 {
						t.Errorf("Read, when %s finds the session gone: got gaps %v, want none", next, snap.Gaps)
					}
					if err := ask(t, c); err != nil {
						t.Errorf("Ask, when %s finds the session gone: %v", next, err)
					}
				}
				if n != 2 {
					t.Errorf("logins, when %s finds the session gone: got %d, want 2", next, n)
				}
			})
		}
	})
	t.Run("test_client_db_doc_stack_failure: what cannot be renewed is told, and not sent again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for _, k := range kinds(t) {
				if k.another != "" {
					continue
				}
				s := newCouch(map[string]any{oneDoc: "wrong-password"})
				err := ask(t, k.client(t, http.NotFoundHandler(), s))
				if err == nil || !strings.Contains(err.Error(), "401 unauthorized: Name or password is incorrect.") {
					t.Errorf("Ask by %s: got %v, want the 401", k.name, err)
				}
				if diff := cmp.Diff([]string{oneDoc}, s.requests()); diff != "" {
					t.Errorf("requests by %s (-want +got):\n%s", k.name, diff)
				}
			}
		})
	})
}

func TestNoKindIsRefusedMoreThanOnceAMinute(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l logins
				refuse := l.then(text(401, "application/json", `{"error":"unauthorized","reason":"no"}`))
				c := k.client(t, refuse, refuse)
				for range 10 * 60 / 5 {
					var wg sync.WaitGroup
					for range 20 {
						wg.Go(func() {
							if err := ask(t, c); err == nil {
								t.Error("Ask: got no error, want the 401")
							}
						})
					}
					wg.Wait()
					time.Sleep(5 * time.Second)
				}
				want := []time.Duration{0, 1 * time.Minute, 3 * time.Minute, 5 * time.Minute, 7 * time.Minute, 9 * time.Minute}
				if diff := cmp.Diff(want, l.at); diff != "" {
					t.Errorf("times at which anybody was asked (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A locked user is told by a 403, as is one who may not read a thing; only one of the two may go
// on sending the password.
func TestLockoutStopsAcceptedCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(nil)
		spec := signedIn()
		spec.Auth.Basic = true
		c := bubble(t, s, spec)
		read(t, c)
		s.requests()
		for request := range s.answers {
			s.answer(request, "lockout-403")
		}
		read(t, c)
		if got := s.requests(); len(got) != 1 {
			t.Errorf("requests of one who is locked out: got %v, want one", got)
		}
	})
}

func TestOutageOfTheLoginIsBridged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(map[string]any{oneDoc: "doc-running"})
		c := bubble(t, s, signedIn())
		if err := ask(t, c); err != nil {
			t.Fatalf("Ask: %v", err)
		}
		s.answer(login, text(502, "text/html", "<html>bad gateway"))
		time.Sleep(8 * time.Minute)
		for range 110 {
			if err := ask(t, c); err != nil {
				t.Fatalf("Ask while the old cookie is good: %v", err)
			}
			time.Sleep(time.Second)
		}
		if got := count(s.requests(), login); got != 3 {
			t.Errorf("logins: got %d, want the first, and one a minute", got)
		}
		time.Sleep(10 * time.Second)
		if err := ask(t, c); err == nil {
			t.Error("Ask when the old cookie has expired: got no error")
		}
	})
}

func TestWaitingForATokenEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iam := newIssuer(time.Hour)
		spec := byKey()
		spec.MaxConcurrent = 3
		c := iamBubble(t, iam, newCouch(map[string]any{oneDoc: "doc-running"}), spec)
		if err := ask(t, c); err != nil {
			t.Fatalf("Ask: %v", err)
		}
		time.Sleep(2 * time.Hour)
		iam.answers(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(20 * time.Second)
			text(200, "application/json", `{"access_token":"late","expires_in":3600}`)(w, r)
		})
		first := make(chan error)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			_, err := c.Ask(impatient, oneKey)
			first <- err
		}()
		synctest.Wait()
		second := make(chan error)
		go func() { second <- ask(t, c) }()
		if err := <-first; err == nil {
			t.Error("the first Ask: got no error, want the end of its context")
		}
		if err := <-second; err != nil {
			t.Errorf("Ask that waited for one who gave up: %v", err)
		}
	})
}
