package gate_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"watchdog/secret"
	"watchdog/web/gate"
)

func hash(t *testing.T, plain string) secret.String {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(plain), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return secret.String(h)
}

func TestProblems(t *testing.T) {
	bearer := gate.Auth{Bearer: "t0ken"}
	for _, tt := range []struct {
		name string
		spec gate.Spec
		want string // field and message
	}{
		{"nothing listens", gate.Spec{}, ""},
		{"loopback needs no auth", gate.Spec{Listen: "127.0.0.1:8484"}, ""},
		{"nor does loopback of IPv6", gate.Spec{Listen: "[::1]:0"}, ""},
		{"nor does localhost", gate.Spec{Listen: "localhost:8484"}, ""},
		{"every address needs auth", gate.Spec{Listen: ":8484"}, "listen: others can reach this address, and there is no auth"},
		{"so does every address of IPv4", gate.Spec{Listen: "0.0.0.0:8484"}, "listen: others can reach this address, and there is no auth"},
		{"so does a name", gate.Spec{Listen: "watchdog.example.com:80"}, "listen: others can reach this address, and there is no auth"},
		{"auth allows it", gate.Spec{Listen: ":8484", Auth: bearer}, ""},
		{"insecure allows it", gate.Spec{Listen: ":8484", Insecure: true}, ""},
		{"an address has a port", gate.Spec{Listen: "127.0.0.1"}, "listen: not an address to listen on: missing port in address"},
		{"a port is a number or a service", gate.Spec{Listen: "127.0.0.1:99999"}, `listen: not an address to listen on: "99999" is not the number of a port`},
		{"a user has a name", gate.Spec{Auth: gate.Auth{Basic: &gate.Basic{Password: "x"}}}, `auth.basic.username: "" is not a username`},
		{"a user has a password", gate.Spec{Auth: gate.Auth{Basic: &gate.Basic{Username: "ops"}}}, "auth.basic.password: the user has no password"},
		{"a hash is whole", gate.Spec{Auth: gate.Auth{Bearer: "$2y$10$short"}}, "auth.bearer: this begins like a bcrypt hash and is none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range tt.spec.Problems() {
				got = append(got, p.Field+": "+p.Message)
			}
			if got := strings.Join(got, "\n"); got != tt.want {
				t.Errorf("Problems: got %q, want %q", got, tt.want)
			}
		})
	}
}

// ask is one request, and the status it gets.
type ask struct {
	name    string
	spec    gate.Spec
	method  string
	path    string
	host    string
	headers []string // name and value in turn
	want    int
}

func TestGate(t *testing.T) {
	open := gate.Spec{Listen: "127.0.0.1:8484"}
	bearer := gate.Spec{Listen: "127.0.0.1:8484", Auth: gate.Auth{Bearer: "t0ken"}}
	hashedBearer := gate.Spec{Auth: gate.Auth{Bearer: hash(t, "t0ken")}}
	basic := gate.Spec{Auth: gate.Auth{Basic: &gate.Basic{Username: "ops", Password: hash(t, "pass")}}}
	with := func(user, password string) []string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(user, password)
		return []string{"Authorization", r.Header.Get("Authorization")}
	}
	for _, tt := range []ask{
		{"without auth everybody is let in", open, "GET", "/", "", nil, 200},
		{"with it nobody is without credentials", bearer, "GET", "/", "", nil, 401},
		{"but to what is open", bearer, "GET", "/healthz", "", nil, 200},
		{"the token is let in", bearer, "GET", "/", "", []string{"Authorization", "Bearer t0ken"}, 200},
		{"another is not", bearer, "GET", "/", "", []string{"Authorization", "Bearer token"}, 401},
		{"an empty one is not", bearer, "GET", "/", "", []string{"Authorization", "Bearer "}, 401},
		{"a browser gives the token as a password", bearer, "GET", "/", "", with("any", "t0ken"), 200},
		{"a token fits its hash", hashedBearer, "GET", "/", "", []string{"Authorization", "bearer t0ken"}, 200},
		{"the hash itself is no token", hashedBearer, "GET", "/", "", []string{"Authorization", "Bearer " + hashedBearer.Auth.Bearer.Reveal()}, 401},
		{"the user is let in", basic, "GET", "/", "", with("ops", "pass"), 200},
		{"another user is not", basic, "GET", "/", "", with("dev", "pass"), 401},
		{"nor the user with another password", basic, "GET", "/", "", with("ops", "word"), 401},
		{"nor the password as a token", basic, "GET", "/", "", []string{"Authorization", "Bearer pass"}, 401},

		{"a write of this page", open, "POST", "/", "127.0.0.1:8484", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"a write of another site", open, "POST", "/", "127.0.0.1:8484", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a write of a neighbour", open, "POST", "/", "127.0.0.1:8484", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"a write of an old browser from another site", open, "POST", "/", "127.0.0.1:8484", []string{"Origin", "https://evil.example"}, 403},
		{"a write of another site with the token", bearer, "POST", "/", "", []string{"Sec-Fetch-Site", "cross-site", "Authorization", "Bearer t0ken"}, 403},
		{"a write of no browser", open, "POST", "/", "127.0.0.1:8484", nil, 200},
		{"reading by a link of another site", open, "GET", "/", "127.0.0.1:8484", []string{"Sec-Fetch-Site", "cross-site"}, 200},

		{"a name that was pointed here", open, "GET", "/", "evil.example:8484", nil, 421},
		{"localhost", open, "GET", "/", "localhost:8484", nil, 200},
		{"an address of IPv6", open, "GET", "/", "[::1]:8484", nil, 200},
		{"the address that people open", open, "GET", "/", "watchdog.example.com", nil, 200},
		{"any name where there is auth", bearer, "GET", "/", "evil.example", []string{"Authorization", "Bearer t0ken"}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refuse := func(w http.ResponseWriter, _ *http.Request, status int, why string) { http.Error(w, why, status) }
			h := gate.New(tt.spec, "https://watchdog.example.com", refuse).Wrap(
				http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
				func(r *http.Request) bool { return r.URL.Path == "/healthz" })
			for range 2 { // the second time a hash is known
				r := httptest.NewRequest(tt.method, tt.path, nil)
				if tt.host != "" {
					r.Host = tt.host
				} else {
					r.Host = "127.0.0.1:8484"
				}
				for i := 0; i < len(tt.headers); i += 2 {
					r.Header.Set(tt.headers[i], tt.headers[i+1])
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != tt.want {
					t.Errorf("%s %s: got %d %s, want %d", tt.method, tt.path, w.Code, w.Body, tt.want)
				}
				if asks := w.Header().Get("WWW-Authenticate") != ""; asks != (tt.want == 401) {
					t.Errorf("%s %s: asks for credentials: got %t", tt.method, tt.path, asks)
				}
			}
		})
	}
}

// What the config says is what lets in, but for hashes.
func TestSign(t *testing.T) {
	for _, tt := range []struct {
		name string
		auth gate.Auth
		want bool
		user string // that has come in
	}{
		{"nobody is asked", gate.Auth{}, true, ""},
		{"a token", gate.Auth{Bearer: "t0ken"}, true, ""},
		{"a user", gate.Auth{Basic: &gate.Basic{Username: "ops", Password: "pass"}}, true, "ops"},
		{"a user whose password is known, before a token that is not", gate.Auth{Bearer: hash(t, "t0ken"), Basic: &gate.Basic{Username: "ops", Password: "pass"}}, true, "ops"},
		{"a token that is known, before a user whose password is not", gate.Auth{Bearer: "t0ken", Basic: &gate.Basic{Username: "ops", Password: hash(t, "pass")}}, true, ""},
		{"a hash", gate.Auth{Bearer: hash(t, "t0ken")}, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if got := tt.auth.Sign(r); got != tt.want {
				t.Fatalf("Sign: got %t, want %t", got, tt.want)
			}
			in, user := false, ""
			refuse := func(http.ResponseWriter, *http.Request, int, string) {}
			gate.New(gate.Spec{Auth: tt.auth}, "", refuse).Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				in, user = true, gate.User(r.Context())
			}), func(*http.Request) bool { return false }).ServeHTTP(httptest.NewRecorder(), r)
			if in != tt.want || user != tt.user {
				t.Errorf("came in: got %t as %q, want %t as %q", in, user, tt.want, tt.user)
			}
		})
	}
}
