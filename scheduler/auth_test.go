package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

const (
	docsRequest  = "GET /_scheduler/docs/_replicator"
	tasksRequest = "GET /_active_tasks"
	login        = "POST /_session"
	oneDoc       = "GET /_scheduler/docs/_replicator/cont-running"
)

var oneKey = snapshot.Key{Database: "_replicator", DocID: "cont-running"}

// read is one look; the time of it does not matter.
func read(t testing.TB, c *scheduler.Client) *snapshot.Snapshot {
	t.Helper()
	return c.Read(t.Context(), time.Now(), nil)
}

// logins are the moments at which the server was asked to sign in, from the start of a bubble.
type logins struct {
	mu sync.Mutex
	at []time.Duration
}

func (l *logins) then(next http.HandlerFunc) http.HandlerFunc {
	start := time.Now()
	return func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		l.at = append(l.at, time.Since(start))
		l.mu.Unlock()
		next(w, r)
	}
}

func TestManyRequestsSignInOnce(t *testing.T) {
	s := newCouch(map[string]any{oneDoc: needsCookie("doc-running")})
	spec := signedIn()
	spec.MaxConcurrent = 20
	c := serve(t, s, spec)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Ask(t.Context(), oneKey); err != nil {
				t.Errorf("Ask: %v", err)
			}
		})
	}
	wg.Wait()
	asked := s.requests()
	if got := count(asked, login); got != 1 {
		t.Errorf("logins: got %d, want 1", got)
	}
	if got := count(asked, oneDoc); got != 20 {
		t.Errorf("requests for the document: got %d, want 20, none of them refused", got)
	}
}

// needsCookie plays the recording to those who bear the recorded cookie, and what CouchDB says
// to anybody else.
func needsCookie(recording string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie("AuthSession"); err != nil || cookie.Value != "YWRtaW46UkVEQUNURURfRklYVFVSRV9DT09LSUU" {
			play(w, "bad-cookie")
			return
		}
		play(w, recording)
	}
}

func TestLoginSendsTheForm(t *testing.T) {
	var name, word, kind string
	s := newCouch(map[string]any{oneDoc: "doc-running", login: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, word, kind = r.PostFormValue("name"), r.PostFormValue("password"), r.Header.Get("Content-Type")
		play(w, "session-post")
	})})
	if _, err := serve(t, s, signedIn()).Ask(t.Context(), oneKey); err != nil {
		t.Fatalf("Ask: %v", err)
	}
	if name != "admin" || word != password || kind != "application/x-www-form-urlencoded" {
		t.Errorf("login: got %q, %q as %q, want the name and password as a form", name, word, kind)
	}
}

func TestBasicSendsCredentialsWithEachRequest(t *testing.T) {
	s := newCouch(map[string]any{oneDoc: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, word, _ := r.BasicAuth(); name != "admin" || word != password {
			play(w, "wrong-password")
			return
		}
		play(w, "doc-running")
	})})
	spec := signedIn()
	spec.Auth.Basic = true
	c := serve(t, s, spec)
	for range 2 {
		if _, err := c.Ask(t.Context(), oneKey); err != nil {
			t.Fatalf("Ask: %v", err)
		}
	}
	if diff := cmp.Diff([]string{oneDoc, oneDoc}, s.requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestSessionIsRenewedAtFourFifthsOfItsLife(t *testing.T) {
	cookie := func(attributes, date string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", date)
			w.Header().Set("Set-Cookie", "AuthSession=abc; Version=1; "+attributes+"Path=/; HttpOnly")
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintln(w, `{"ok":true}`)
		}
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   []time.Duration
	}{
		{"the recorded cookie lives ten minutes", playing("session-post"), []time.Duration{0, 8 * time.Minute, 16 * time.Minute}},
		{
			"Max-Age counts more than Expires", cookie("Expires=Tue, 24-Nov-2026 07:22:24 GMT; Max-Age=300; ", ""),
			[]time.Duration{0, 4 * time.Minute, 8 * time.Minute, 12 * time.Minute, 16 * time.Minute},
		},
		{
			"Expires counts by the server's clock", cookie("Expires=Tue, 24-Nov-2026 07:22:20 GMT; ", "Tue, 24 Nov 2026 07:12:20 GMT"),
			[]time.Duration{0, 8 * time.Minute, 16 * time.Minute},
		},
		{"a cookie that says nothing lives ten minutes", cookie("", ""), []time.Duration{0, 8 * time.Minute, 16 * time.Minute}},
		{"a life of years is no reason to sign in each time", cookie("Max-Age=99999999; ", ""), []time.Duration{0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l logins
				s := newCouch(map[string]any{login: l.then(test.answer), oneDoc: "doc-running"})
				c := bubble(t, s, signedIn())
				for range 20 * 60 / 5 {
					if _, err := c.Ask(t.Context(), oneKey); err != nil {
						t.Fatalf("Ask: %v", err)
					}
					time.Sleep(5 * time.Second)
				}
				if diff := cmp.Diff(test.want, l.at); diff != "" {
					t.Errorf("logins (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestSessionThatTheServerForgotIsRenewedOnce(t *testing.T) {
	for _, test := range []struct {
		name    string
		refusal http.HandlerFunc
	}{
		{"a 401", playing("bad-cookie")},
		{"a 403 that says so", text(403, "application/json", `{"error":"credentials_expired","reason":"Session has expired"}`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCouch(map[string]any{oneDoc: inOrder(playing("doc-running"), test.refusal, playing("doc-running"))})
				c := bubble(t, s, signedIn())
				for range 2 {
					if _, err := c.Ask(t.Context(), oneKey); err != nil {
						t.Errorf("Ask: %v", err)
					}
				}
				if diff := cmp.Diff([]string{login, oneDoc, oneDoc, login, oneDoc}, s.requests()); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestManyRequestsRenewOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l logins
		s := newCouch(map[string]any{login: l.then(later("session-post")), oneDoc: "doc-running"})
		spec := signedIn()
		spec.MaxConcurrent = 20
		c := bubble(t, s, spec)
		ask := func() {
			if _, err := c.Ask(t.Context(), oneKey); err != nil {
				t.Errorf("Ask: %v", err)
			}
		}
		ask()
		time.Sleep(9 * time.Minute)
		for range 20 {
			go ask()
		}
		synctest.Wait()
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]time.Duration{0, 9*time.Minute + time.Second}, l.at); diff != "" {
			t.Errorf("logins (-want +got):\n%s", diff)
		}
	})
}

func TestSessionThatTheServerForgotIsRenewedOnceForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		valid := make(chan string, 1) // the one cookie that the server takes
		valid <- ""
		n := 0
		s := newCouch(map[string]any{
			login: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-valid
				n++
				cookie := fmt.Sprintf("cookie-%d", n)
				valid <- cookie
				http.SetCookie(w, &http.Cookie{Name: "AuthSession", Value: cookie})
			}),
			oneDoc: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				cookie, _ := r.Cookie("AuthSession")
				now := <-valid
				valid <- now
				time.Sleep(time.Duration(1+len(cookie.Value)) * time.Millisecond)
				if cookie.Value != now {
					time.Sleep(rand.N(time.Second)) // refusals come before and after the new login
					play(w, "bad-cookie")
					return
				}
				play(w, "doc-running")
			}),
		})
		spec := signedIn()
		spec.MaxConcurrent = 20
		c := bubble(t, s, spec)
		ask := func() {
			if _, err := c.Ask(t.Context(), oneKey); err != nil {
				t.Errorf("Ask: %v", err)
			}
		}
		ask()
		<-valid
		valid <- "another server's"
		for range 20 {
			go ask()
		}
		time.Sleep(time.Minute)
		if got := count(s.requests(), login); got != 2 {
			t.Errorf("logins: got %d, want 2", got)
		}
	})
}

func TestRefusedCredentialsAreNotTriedAgainAndAgain(t *testing.T) {
	basic := signedIn()
	basic.Auth.Basic = true
	for _, test := range []struct {
		name    string
		spec    scheduler.Spec
		request string // what the server refuses
		refusal any
		want    []time.Duration // of the requests for it within ten minutes
		says    string
	}{
		{
			"a wrong password for a session", signedIn(), login, "session-post-wrong",
			[]time.Duration{0, 1 * time.Minute, 3 * time.Minute, 5 * time.Minute, 7 * time.Minute, 9 * time.Minute},
			`POST /_session of prod: 401 unauthorized: Name or password is incorrect. (check auth.password of user "admin")`,
		},
		{
			"a wrong password sent as basic", basic, docsRequest, "wrong-password",
			[]time.Duration{0, 1 * time.Minute, 3 * time.Minute, 5 * time.Minute, 7 * time.Minute, 9 * time.Minute},
			`GET /_scheduler/docs/_replicator of prod: 401 unauthorized: Name or password is incorrect. (check auth.password of user "admin")`,
		},
		{
			"a user who is locked out", signedIn(), login, "lockout-403",
			[]time.Duration{0, 1 * time.Minute, 3 * time.Minute, 5 * time.Minute, 7 * time.Minute, 9 * time.Minute},
			"POST /_session of prod: 403 forbidden: Account is temporarily locked due to multiple authentication failures " +
				"(wrong passwords, maybe another program's, lock the user out for some minutes: check auth.password)",
		},
		{
			"a server that wants credentials and gets none",
			scheduler.Spec{},
			docsRequest, "anonymous-docs",
			[]time.Duration{0, 1 * time.Minute, 3 * time.Minute, 5 * time.Minute, 7 * time.Minute, 9 * time.Minute},
			"GET /_scheduler/docs/_replicator of prod: 401 unauthorized: You are not a server admin. " +
				"(set auth.username and auth.password to a server admin's)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l logins
				refuse, ok := test.refusal.(http.HandlerFunc)
				if !ok {
					refuse = playing(test.refusal.(string))
				}
				s := newCouch(map[string]any{test.request: l.then(refuse)})
				c := bubble(t, s, test.spec)
				for range 10 * 60 / 5 {
					snap := read(t, c)
					if snap.Err() == nil || len(snap.Gaps) != 3 {
						t.Fatalf("Read: got gaps %v, want one for each part", snap.Gaps)
					}
					if got := snap.Err().Error(); !strings.HasSuffix(got, test.says) {
						t.Fatalf("Read: got gap %q, want it to end %q", got, test.says)
					}
					time.Sleep(5 * time.Second)
				}
				if diff := cmp.Diff(test.want, l.at); diff != "" {
					t.Errorf("tries (-want +got):\n%s", diff)
				}
				if asked := s.requests(); len(asked) != len(test.want) {
					t.Errorf("requests: got %v, want none but those", asked)
				}
			})
		})
	}
}

func TestBackOffSaysThatNothingWasTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := bubble(t, newCouch(map[string]any{login: "session-post-wrong"}), signedIn())
		began := time.Now()
		_, first := c.Ask(t.Context(), oneKey)
		var backOff *scheduler.BackOffError
		if errors.As(first, &backOff) {
			t.Errorf("first Ask: got %v, want the refusal itself", first)
		}
		time.Sleep(59 * time.Second)
		_, second := c.Ask(t.Context(), oneKey)
		if !errors.As(second, &backOff) || !backOff.Until.Equal(began.Add(time.Minute)) {
			t.Fatalf("second Ask: got %v, want a back-off of a minute", second)
		}
		const want = "GET /_scheduler/docs/_replicator/cont-running of prod: not tried until 2000-01-01T00:01:00Z after a refusal: "
		if got := second.Error(); !strings.HasPrefix(got, want) {
			t.Errorf("second Ask: got %q, want it to begin %q", got, want)
		}
		var refusal *scheduler.Error
		if !errors.As(second, &refusal) || refusal.HTTPStatus() != 401 {
			t.Errorf("second Ask: got refusal %v, want the 401", refusal)
		}
	})
}

func TestUnprovenBasicCredentialsAreTriedByOneRequestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(map[string]any{oneDoc: later("wrong-password")})
		spec := signedIn()
		spec.Auth.Basic, spec.MaxConcurrent = true, 20
		c := bubble(t, s, spec)
		for range 20 {
			go c.Ask(t.Context(), oneKey)
		}
		time.Sleep(30 * time.Second)
		if got := s.requests(); len(got) != 1 {
			t.Errorf("wrong passwords sent: got %d, want 1", len(got))
		}
	})
}

// later plays the recording after a second, so that others can come between.
func later(recording string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Second)
		play(w, recording)
	}
}

func TestRenewalThatIsRefusedIsTriedByOneRequestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(map[string]any{oneDoc: "doc-running", login: inOrder(playing("session-post"), later("session-post-wrong"))})
		spec := signedIn()
		spec.MaxConcurrent = 20
		c := bubble(t, s, spec)
		if _, err := c.Ask(t.Context(), oneKey); err != nil {
			t.Fatalf("Ask: %v", err)
		}
		time.Sleep(9 * time.Minute)
		for range 20 {
			go c.Ask(t.Context(), oneKey)
		}
		time.Sleep(30 * time.Second)
		if got := count(s.requests(), login); got != 2 {
			t.Errorf("logins: got %d, want the first and one that is refused", got)
		}
	})
}

func TestBasicCredentialsThatWereTakenOnceAreTriedByOneRequestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(map[string]any{oneDoc: inOrder(playing("doc-running"), later("wrong-password"))})
		spec := signedIn()
		spec.Auth.Basic, spec.MaxConcurrent = true, 20
		c := bubble(t, s, spec)
		for range 2 {
			c.Ask(t.Context(), oneKey)
		}
		time.Sleep(time.Minute)
		for range 20 {
			go c.Ask(t.Context(), oneKey)
		}
		time.Sleep(30 * time.Second)
		if got := count(s.requests(), oneDoc); got != 3 {
			t.Errorf("requests: got %d, want one that was taken, one refused, and one a minute later", got)
		}
	})
}

func TestAnswerFromBeforeTheRefusalDoesNotEndTheBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(map[string]any{oneDoc: inOrder(playing("doc-running"), later("doc-running"), playing("wrong-password"))})
		spec := signedIn()
		spec.Auth.Basic = true
		c := bubble(t, s, spec)
		ask := func() { c.Ask(t.Context(), oneKey) }
		ask()
		go ask() // under way while the password changes
		time.Sleep(time.Second / 2)
		ask() // refused
		time.Sleep(time.Second)
		ask() // not sent
		if got := count(s.requests(), oneDoc); got != 3 {
			t.Errorf("requests: got %d, want none after the refusal", got)
		}
	})
}

func TestRightPasswordEndsTheBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(map[string]any{
			login:  inOrder(playing("session-post-wrong"), playing("session-post"), playing("session-post-wrong")),
			oneDoc: inOrder(playing("doc-running"), playing("bad-cookie"), playing("doc-running")),
		})
		c := bubble(t, s, signedIn())
		tries := func() []bool {
			var ok []bool
			for range 2 {
				_, err := c.Ask(t.Context(), oneKey)
				ok = append(ok, err == nil)
			}
			return ok
		}
		got := [][]bool{tries()}
		time.Sleep(time.Minute)
		got = append(got, tries()) // right, and then the password changes
		s.answer(login, "session-post")
		time.Sleep(time.Minute) // not two: what was accepted between begins anew
		got = append(got, tries())
		if diff := cmp.Diff([][]bool{{false, false}, {true, false}, {true, true}}, got); diff != "" {
			t.Errorf("Ask succeeds (-want +got):\n%s", diff)
		}
	})
}

func TestUserWhoIsNoAdminIsNotSignedInAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(map[string]any{docsRequest: "non-admin-docs"})
		c := bubble(t, s, signedIn())
		snap := read(t, c)
		const want = `GET /_scheduler/docs/_replicator of prod: 401 unauthorized: You are not a server admin. ` +
			`(the password of user "admin" was taken, but the user is no server admin: name an admin, or add it to [admins] of the server's config)`
		if got := fmt.Sprint(snap.Err()); got != want {
			t.Errorf("Read: got %q, want %q", got, want)
		}
		for range 10 * 60 / 5 {
			read(t, c)
			time.Sleep(5 * time.Second)
		}
		if got := count(s.requests(), login); got > 7 {
			t.Errorf("logins in ten minutes: got %d, want at most one at each of the 6 tries, and the first", got)
		}
	})
}

func TestForbiddenPartStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(map[string]any{tasksRequest: text(403, "application/json", `{"error":"forbidden","reason":"no access"}`)})
		c := bubble(t, s, signedIn())
		for range 4 {
			if snap := read(t, c); snap.Err() != nil || len(snap.Gaps) != 1 {
				t.Errorf("Read: got gaps %v, want one of the tasks", snap.Gaps)
			}
			time.Sleep(15 * time.Second)
		}
		asked := s.requests()
		got := []int{count(asked, docsRequest), count(asked, allJobs), count(asked, tasksRequest)}
		if diff := cmp.Diff([]int{4, 4, 1}, got); diff != "" {
			t.Errorf("requests for docs, jobs and tasks in a minute (-want +got):\n%s", diff)
		}
	})
}

func TestLoginWithoutCookie(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer any
		want   string
	}{
		{
			"an answer without a cookie", text(200, "application/json", `{"ok":true}`),
			"POST /_session of prod: the answer sets no AuthSession cookie: is this CouchDB?",
		},
		{
			"a page", text(200, "text/html; charset=utf-8", `<html>welcome`),
			"POST /_session of prod: 200 OK: answered HTML, not JSON: is this CouchDB? (text/html; charset=utf-8)",
		},
		{"a redirect is not followed with the password", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/_session?token=abc", http.StatusTemporaryRedirect)
		}), "POST /_session of prod: 307 Temporary Redirect: answered with a redirect, which is not followed (put the URL that answers into the config)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCouch(map[string]any{login: test.answer})
				_, err := bubble(t, s, signedIn()).Ask(t.Context(), oneKey)
				if got := fmt.Sprint(err); got != test.want {
					t.Errorf("Ask: got %q, want %q", got, test.want)
				}
				if got := s.requests(); len(got) != 1 {
					t.Errorf("requests: got %v, want the login alone", got)
				}
			})
		})
	}
}

func TestWaitingForALoginEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		c := bubble(t, newCouch(map[string]any{login: hang}), signedIn())
		go c.Ask(t.Context(), oneKey)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := c.Ask(ctx, oneKey)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("Ask: got %v after %v, want the end of its context after 1s", err, time.Since(began))
		}
		time.Sleep(time.Minute)
	})
}

func TestCredentialsStayWithTheServer(t *testing.T) {
	for _, basic := range []bool{false, true} {
		t.Run(fmt.Sprintf("basic %v", basic), func(t *testing.T) {
			other := newCouch(nil)
			otherURL := serveURL(t, other)
			s := newCouch(map[string]any{
				docsRequest: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, otherURL+"/_scheduler/docs/_replicator?token=abc", http.StatusFound)
				}),
			})
			spec := signedIn()
			spec.Auth.Basic = basic
			want := "docs _replicator: GET /_scheduler/docs/_replicator of prod: 302 Found: answered with a redirect to " + otherURL +
				", which is not followed (put the URL that answers into the config)"
			if diff := cmp.Diff([]string{want}, gaps(read(t, serve(t, s, spec)))); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if got := other.requests(); len(got) > 0 {
				t.Errorf("requests to the other server: got %v, want none", got)
			}
		})
	}
}

// own is an authenticator as IBM's SDKs have them.
type own struct{ err error }

func (o own) Authenticate(req *http.Request) error {
	req.Header.Set("Authorization", "Bearer token")
	return o.err
}

func TestOwnAuthenticator(t *testing.T) {
	s := newCouch(map[string]any{oneDoc: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			play(w, "anonymous-docs")
			return
		}
		play(w, "doc-running")
	})})
	ask := func(o own) error {
		c, err := scheduler.New(scheduler.Options{Spec: scheduler.Spec{Name: "prod", URL: "http://couch.example"}, Auth: o, Transport: call{s}})
		if err != nil {
			t.Fatalf("New: %v", err)
		}
		_, err = c.Ask(t.Context(), oneKey)
		return err
	}
	if err := ask(own{}); err != nil {
		t.Errorf("Ask: %v", err)
	}
	err := ask(own{errors.New("no token from http://user:hunter2@iam.example")})
	if want := "GET /_scheduler/docs/_replicator/cont-running of prod: authenticate: no token from http://user:*****@iam.example"; fmt.Sprint(err) != want {
		t.Errorf("Ask: got %v, want %v", err, want)
	}
	if got := s.requests(); !slices.Equal(got, []string{oneDoc}) {
		t.Errorf("requests: got %v, want only the one with a token", got)
	}
}
