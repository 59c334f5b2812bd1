package scheduler_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
)

// issuer is IBM Cloud IAM: it gives token-1, token-2 and so on, and keeps what it was asked.
type issuer struct {
	mu      sync.Mutex // guards the rest
	asked   []asked
	start   time.Time
	lasts   time.Duration
	instead http.HandlerFunc // answers in its place while set
}

type asked struct {
	At     time.Duration // from the start
	Method string
	Path   string
	Form   string
	Client string // name and secret of Basic
}

func newIssuer(lasts time.Duration) *issuer { return &issuer{start: time.Now(), lasts: lasts} }

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	name, word, _ := r.BasicAuth()
	i.mu.Lock()
	i.asked = append(i.asked, asked{time.Since(i.start), r.Method, r.URL.Path, r.PostForm.Encode(), strings.Trim(name+" "+word, " ")})
	n, instead := len(i.asked), i.instead
	i.mu.Unlock()
	if instead != nil {
		instead(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":"token-%d","refresh_token":"not_supported","token_type":"Bearer","expires_in":%d,"expiration":%d}`,
		n, int(i.lasts.Seconds()), time.Now().Add(i.lasts).Unix())
}

// answers sets what answers instead of a token; nil is a token again.
func (i *issuer) answers(instead http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.instead = instead
}

func (i *issuer) requests() []asked {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func (i *issuer) times() []time.Duration {
	var at []time.Duration
	for _, a := range i.requests() {
		at = append(at, a.At)
	}
	return at
}

// hosts are the servers of a bubble.
type hosts map[string]http.Handler

func (h hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h[r.URL.Host].ServeHTTP(w, r)
}

func byKey() scheduler.Spec {
	return scheduler.Spec{Auth: scheduler.Auth{IAMAPIKey: "k3y", IAMURL: "http://iam.example"}}
}

func iamBubble(t *testing.T, iam http.Handler, s http.Handler, spec scheduler.Spec) *scheduler.Client {
	t.Helper()
	return bubble(t, hosts{"iam.example": iam, "couch.example:5984": s}, spec)
}

// taking plays doc-running to who bears one of the tokens, or any if there are none, and keeps
// the tokens that it saw.
func taking(seen *[]string, tokens ...string) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		mu.Lock()
		*seen = append(*seen, token)
		mu.Unlock()
		for _, good := range tokens {
			if token == good {
				play(w, "doc-running")
				return
			}
		}
		if len(tokens) == 0 {
			play(w, "doc-running")
			return
		}
		text(401, "application/json", `{"error":"unauthorized","reason":"exp not in future"}`)(w, r)
	}
}

// The names before the colons are those of python-cloudant's iam_auth_tests.
func TestIAMAsPythonCloudant(t *testing.T) {
	const form = "apikey=k3y&grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&response_type=cloud_iam"
	ask := func(t *testing.T, c *scheduler.Client) error {
		_, err := c.Ask(t.Context(), oneKey)
		return err
	}
	must := func(t *testing.T, c *scheduler.Client) {
		t.Helper()
		if err := ask(t, c); err != nil {
			t.Errorf("Ask: %v", err)
		}
	}
	for _, test := range []struct {
		name  string
		spec  func(*scheduler.Spec)
		takes []string // tokens; nil means all
		do    func(*testing.T, *scheduler.Client)
		asked []asked
		seen  []string // tokens at the server
	}{
		{
			name: "iam_set_credentials: a new client with another key asks with that key",
			spec: func(s *scheduler.Spec) { s.Auth.IAMAPIKey = "some_new_api_key" },
			do:   must, seen: []string{"token-1"},
			asked: []asked{{0, "POST", "/identity/token", strings.Replace(form, "k3y", "some_new_api_key", 1), ""}},
		},
		{
			name: "iam_get_access_token: the key buys a token with a form",
			do:   must, seen: []string{"token-1"},
			asked: []asked{{0, "POST", "/identity/token", form, ""}},
		},
		{
			name: "iam_get_access_token_with_iam_client_id_and_secret: they are sent as Basic",
			spec: func(s *scheduler.Spec) { s.Auth.IAMClientID, s.Auth.IAMClientSecret = "foo", "bar" },
			do:   must, seen: []string{"token-1"},
			asked: []asked{{0, "POST", "/identity/token", form, "foo bar"}},
		},
		{
			name: "iam_login: the URL may name the path, or a prefix of it",
			spec: func(s *scheduler.Spec) { s.Auth.IAMURL = "http://iam.example/private/identity/token/" },
			do:   must, seen: []string{"token-1"},
			asked: []asked{{0, "POST", "/private/identity/token", form, ""}},
		},
		{
			name: "iam_first_request: the first request is enough, and the second needs no token",
			do: func(t *testing.T, c *scheduler.Client) {
				must(t, c)
				must(t, c)
			},
			asked: []asked{{0, "POST", "/identity/token", form, ""}},
			seen:  []string{"token-1", "token-1"},
		},
		{
			name: "iam_renew_cookie_on_expiry: an expired token is not sent",
			do: func(t *testing.T, c *scheduler.Client) {
				must(t, c)
				time.Sleep(2 * time.Hour)
				must(t, c)
			},
			asked: []asked{{0, "POST", "/identity/token", form, ""}, {2 * time.Hour, "POST", "/identity/token", form, ""}},
			seen:  []string{"token-1", "token-2"},
		},
		{
			name:  "iam_renew_cookie_on_401_success: the request is sent again with a new token, once",
			takes: []string{"token-2"},
			do: func(t *testing.T, c *scheduler.Client) {
				must(t, c)
				must(t, c)
			},
			asked: []asked{{0, "POST", "/identity/token", form, ""}, {0, "POST", "/identity/token", form, ""}},
			seen:  []string{"token-1", "token-2", "token-2"},
		},
		{
			name:  "iam_renew_cookie_on_401_failure: the second refusal is told, and nothing more is sent for a minute",
			takes: []string{"none"},
			do: func(t *testing.T, c *scheduler.Client) {
				for range 12 {
					if err := ask(t, c); err == nil {
						t.Error("Ask: got no error, want the 401")
					}
					time.Sleep(5 * time.Second)
				}
			},
			asked: []asked{{0, "POST", "/identity/token", form, ""}, {0, "POST", "/identity/token", form, ""}},
			seen:  []string{"token-1", "token-2"},
		},
		{
			name: "iam_client_create: a client reads with a key and nothing else",
			do: func(t *testing.T, c *scheduler.Client) {
				if snap := read(t, c); snap.Err() != nil {
					t.Errorf("Read: %v", snap.Err())
				}
			},
			asked: []asked{{0, "POST", "/identity/token", form, ""}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen []string
				iam, s := newIssuer(time.Hour), newCouch(nil)
				s.answer(oneDoc, taking(&seen, test.takes...))
				spec := byKey()
				if test.spec != nil {
					test.spec(&spec)
				}
				test.do(t, iamBubble(t, iam, s, spec))
				if diff := cmp.Diff(test.asked, iam.requests()); diff != "" {
					t.Errorf("token requests (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.seen, seen); diff != "" {
					t.Errorf("tokens at the server (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTokenIsRenewedAtFourFifthsOfItsLife(t *testing.T) {
	answer := func(body, date string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", date)
			text(200, "application/json", body)(w, r)
		}
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   []time.Duration // of the token requests within an hour
	}{
		{
			"expires_in counts from when it was asked for", answer(`{"access_token":"a","expires_in":1500,"expiration":1}`, ""),
			[]time.Duration{0, 20 * time.Minute, 40 * time.Minute},
		},
		{
			"expiration counts by the issuer's clock", answer(`{"access_token":"a","expiration":1764000000}`, "Mon, 24 Nov 2025 15:35:00 GMT"),
			[]time.Duration{0, 20 * time.Minute, 40 * time.Minute},
		},
		{
			"a token that says nothing lives ten minutes", answer(`{"access_token":"a"}`, ""),
			[]time.Duration{0, 8 * time.Minute, 16 * time.Minute, 24 * time.Minute, 32 * time.Minute, 40 * time.Minute, 48 * time.Minute, 56 * time.Minute},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				iam := newIssuer(0)
				iam.answers(test.answer)
				c := iamBubble(t, iam, newCouch(map[string]any{oneDoc: "doc-running"}), byKey())
				for range 60 * 60 / 5 {
					if _, err := c.Ask(t.Context(), oneKey); err != nil {
						t.Fatalf("Ask: %v", err)
					}
					time.Sleep(5 * time.Second)
				}
				if diff := cmp.Diff(test.want, iam.times()); diff != "" {
					t.Errorf("token requests (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestManyRequestsBuyOneToken(t *testing.T) {
	iam, s := newIssuer(time.Hour), newCouch(map[string]any{oneDoc: "doc-running"})
	spec := byKey()
	spec.Auth.IAMURL, spec.MaxConcurrent = serveURL(t, iam), 20
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
	if got := len(iam.requests()); got != 1 {
		t.Errorf("token requests: got %d, want 1", got)
	}
	if got := count(s.requests(), oneDoc); got != 20 {
		t.Errorf("requests for the document: got %d, want 20", got)
	}
}

func TestNobodyWaitsForTheNextTokenWhileTheLastIsGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		iam, s := newIssuer(time.Hour), newCouch(nil)
		s.answer(oneDoc, taking(&seen))
		spec := byKey()
		spec.MaxConcurrent = 20
		c := iamBubble(t, iam, s, spec)
		c.Ask(t.Context(), oneKey)
		time.Sleep(50 * time.Minute)
		iam.answers(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(5 * time.Second)
			text(200, "application/json", `{"access_token":"late","expires_in":3600}`)(w, r)
		})
		began := time.Now()
		took := make(chan time.Duration, 20)
		for range 20 {
			go func() {
				c.Ask(t.Context(), oneKey)
				took <- time.Since(began)
			}()
		}
		waited := 0
		for range 20 {
			if <-took > 0 {
				waited++
			}
		}
		if waited != 1 || len(iam.requests()) != 2 {
			t.Errorf("got %d requests that waited and %d for tokens, want one that asked for the second token", waited, len(iam.requests()))
		}
		if last := seen[len(seen)-1]; last != "late" {
			t.Errorf("last token: got %q, want the new one", last)
		}
	})
}

func TestOutageOfIAMIsBridged(t *testing.T) {
	for _, test := range []struct {
		name   string
		outage http.HandlerFunc
		says   string
	}{
		{
			"it answers that it is down", text(503, "text/plain", "down"),
			"POST http://iam.example/identity/token for prod: 503 Service Unavailable: answered something else than a token: is this IBM Cloud IAM? (check auth.iam_url)",
		},
		{
			"it asks for patience", text(429, "application/json", `{"errorCode":"BXNIM0429E","errorMessage":"Too many requests"}`),
			"POST http://iam.example/identity/token for prod: 429 BXNIM0429E: Too many requests",
		},
		{
			"a proxy shows a page", text(200, "text/html", "<html>welcome"),
			"POST http://iam.example/identity/token for prod: 200 OK: answered something else than a token: is this IBM Cloud IAM? (check auth.iam_url)",
		},
		{
			"it answers something else", text(200, "application/json", `{"token":"t0ken"}`),
			"POST http://iam.example/identity/token for prod: the answer holds no access_token: is this IBM Cloud IAM?",
		},
		{
			"it says nothing", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			"POST http://iam.example/identity/token for prod: nothing came for 30s",
		},
		{
			"it hangs up", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
			"POST http://iam.example/identity/token for prod: ",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				iam := newIssuer(time.Hour)
				c := iamBubble(t, iam, newCouch(map[string]any{oneDoc: "doc-running"}), byKey())
				ask := func() error {
					_, err := c.Ask(t.Context(), oneKey)
					return err
				}
				if err := ask(); err != nil {
					t.Fatalf("Ask: %v", err)
				}
				time.Sleep(48 * time.Minute)
				iam.answers(test.outage)
				bridged := len(iam.requests())
				for began := time.Now(); time.Since(began) < 11*time.Minute; time.Sleep(5 * time.Second) {
					asked := time.Now()
					if err := ask(); err != nil || time.Since(asked) > 10*time.Second {
						t.Fatalf("Ask while the old token is good: %v, after %v", err, time.Since(asked))
					}
				}
				if tries := len(iam.requests()) - bridged; tries > 11 {
					t.Errorf("token requests in 11 minutes: got %d, want one a minute", tries)
				}
				time.Sleep(2 * time.Minute)
				if err := ask(); !strings.HasPrefix(fmt.Sprint(err), test.says) {
					t.Errorf("Ask when the old token has expired: got %v, want %v", err, test.says)
				}
				iam.answers(nil)
				if err := ask(); err != nil {
					t.Errorf("Ask after the outage: %v", err)
				}
			})
		})
	}
}

func TestAPIKeyThatIAMRefuses(t *testing.T) {
	const notFound = `{"errorCode":"BXNIM0415E","errorMessage":"Provided API key could not be found.","context":{"requestId":"abc"}}`
	for _, test := range []struct {
		name    string
		refusal http.HandlerFunc
		spec    func(*scheduler.Spec)
		says    string
	}{
		{
			name: "a key that is gone", refusal: text(400, "application/json", notFound),
			says: "POST http://iam.example/identity/token for prod: 400 BXNIM0415E: Provided API key could not be found. (check auth.iam_api_key)",
		},
		{
			name: "a client with a wrong secret", refusal: text(401, "application/json", `{"error":"invalid_client","error_description":"Client authentication failed"}`),
			spec: func(s *scheduler.Spec) { s.Auth.IAMClientID, s.Auth.IAMClientSecret = "foo", "bar" },
			says: `POST http://iam.example/identity/token for prod: 401 invalid_client: Client authentication failed (check auth.iam_api_key, and auth.iam_client_secret of client "foo")`,
		},
		{
			name: "an account that is barred", refusal: text(403, "application/json", `{"errorCode":"BXNIM0513E","errorMessage":"You are not authorized to use this API"}`),
			says: "POST http://iam.example/identity/token for prod: 403 BXNIM0513E: You are not authorized to use this API (check auth.iam_api_key)",
		},
		{
			name: "a URL that leads elsewhere", refusal: text(404, "text/html", "<html>no such page"),
			says: "POST http://iam.example/identity/token for prod: 404 Not Found: answered something else than a token: is this IBM Cloud IAM? (check auth.iam_url)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				iam, s := newIssuer(time.Hour), newCouch(nil)
				iam.answers(test.refusal)
				spec := byKey()
				if test.spec != nil {
					test.spec(&spec)
				}
				c := iamBubble(t, iam, s, spec)
				for range 6 * 60 / 5 {
					if got := fmt.Sprint(read(t, c).Err()); !strings.HasSuffix(got, test.says) {
						t.Fatalf("Read: got gap %q, want it to end %q", got, test.says)
					}
					time.Sleep(5 * time.Second)
				}
				if diff := cmp.Diff([]time.Duration{0, time.Minute, 3 * time.Minute, 5 * time.Minute}, iam.times()); diff != "" {
					t.Errorf("token requests (-want +got):\n%s", diff)
				}
				if got := s.requests(); len(got) > 0 {
					t.Errorf("requests to the server: got %v, want none without a token", got)
				}
				iam.answers(nil)
				time.Sleep(2 * time.Minute)
				if err := read(t, c).Err(); err != nil {
					t.Errorf("Read with a key that is good again: %v", err)
				}
			})
		})
	}
}

func TestRefusalOfARenewalIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iam := newIssuer(time.Hour)
		c := iamBubble(t, iam, newCouch(map[string]any{oneDoc: "doc-running"}), byKey())
		c.Ask(t.Context(), oneKey)
		time.Sleep(50 * time.Minute)
		iam.answers(text(400, "application/json", `{"errorCode":"BXNIM0415E","errorMessage":"gone"}`))
		_, err := c.Ask(t.Context(), oneKey)
		const want = "POST http://iam.example/identity/token for prod: 400 BXNIM0415E: gone (check auth.iam_api_key)"
		if fmt.Sprint(err) != want {
			t.Errorf("Ask: got %v, want %v", err, want)
		}
	})
}

func TestRoleThatDoesNotSuffice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCouch(map[string]any{docsRequest: text(403, "application/json", `{"error":"forbidden","reason":"insufficient access"}`)})
		c := iamBubble(t, newIssuer(time.Hour), s, byKey())
		want := []string{"docs _replicator: GET /_scheduler/docs/_replicator of prod: 403 forbidden: insufficient access " +
			"(the API key's role does not allow it: Monitor may read the scheduler and the active tasks, all else that is watched needs Manager)"}
		if diff := cmp.Diff(want, gaps(read(t, c))); diff != "" {
			t.Errorf("gaps of the first look, which all but one part could be read in (-want +got):\n%s", diff)
		}
	})
}

func TestTokenRequestGoesToIAMAlone(t *testing.T) {
	iam, s := newIssuer(time.Hour), newCouch(map[string]any{oneDoc: "doc-running"})
	spec := byKey()
	elsewhere := newCouch(nil)
	to := serveURL(t, elsewhere)
	iam.answers(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) })
	spec.Auth.IAMURL = serveURL(t, iam)
	_, err := serve(t, s, spec).Ask(t.Context(), oneKey)
	if err == nil || !strings.Contains(err.Error(), "307 Temporary Redirect") {
		t.Errorf("Ask: got %v, want the redirect", err)
	}
	if got := append(elsewhere.requests(), s.requests()...); len(got) > 0 {
		t.Errorf("requests elsewhere: got %v, want none", got)
	}
}
