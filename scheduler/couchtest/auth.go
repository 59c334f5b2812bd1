package couchtest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	lockoutThreshold = 5 // [chttpd_auth_lockout] threshold
	lockoutLifetime  = 5 * time.Minute
)

// identity is who asks.
type identity struct {
	name  string // "" is anonymous
	admin bool
	by    string // the handler that knew: "cookie", "default" or ""
}

func (i identity) roles() string {
	if i.admin {
		return `["_admin"]`
	}
	return `[]`
}

// auth knows sessions, and who was wrong how often.
type auth struct {
	mu     sync.Mutex // guards the rest
	secret []byte
	wrong  map[string]failures // by address and name
}

type failures struct {
	count int
	first time.Time
}

// ExpireSessions makes every session cookie worthless at once, as a change of the server's
// secret does.
func (s *Server) ExpireSessions() {
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	s.auth.secret = nil
}

// authenticate says who asks; where it says no it has answered.
func (q *request) authenticate() (identity, bool) {
	if who, ok := q.cookie(); ok {
		return who, true
	}
	name, password, ok := q.BasicAuth()
	if !ok {
		return identity{admin: q.s.opts.Username == ""}, true
	}
	who, status := q.login(name, password)
	who.by = "default"
	switch status {
	case http.StatusForbidden:
		q.fail(status, "forbidden", lockedOut)
	case http.StatusUnauthorized:
		q.fail(status, "unauthorized", wrongPassword)
	}
	return who, status == http.StatusOK
}

const (
	lockedOut     = "Account is temporarily locked due to multiple authentication failures"
	wrongPassword = "Name or password is incorrect."
)

// login checks a password. Five wrong ones for a user that exists, from one address and within
// five minutes, lock the user out from there: 403, even to the right one.
func (q *request) login(name, password string) (identity, int) {
	o, a := &q.s.opts, &q.s.auth
	if o.Username == "" {
		return identity{admin: true}, http.StatusOK // nobody is to be checked against
	}
	want, known := o.Users[name]
	admin := name == o.Username
	if admin {
		want, known = o.Password, true
	}
	if !known {
		return identity{}, http.StatusUnauthorized
	}
	host, _, _ := net.SplitHostPort(q.RemoteAddr)
	key, now := host+" "+name, q.s.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.wrong[key]
	if now.Sub(f.first) > lockoutLifetime {
		f = failures{first: now}
	}
	if f.count >= lockoutThreshold {
		return identity{}, http.StatusForbidden
	}
	if subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1 {
		return identity{name: name, admin: admin}, http.StatusOK
	}
	f.count++
	if a.wrong == nil {
		a.wrong = map[string]failures{}
	}
	a.wrong[key] = f
	return identity{}, http.StatusUnauthorized
}

// cookie reads a session, and renews it when a tenth of its time is over.
func (q *request) cookie() (identity, bool) {
	c, err := q.Cookie("AuthSession")
	if err != nil || c.Value == "" {
		return identity{}, false
	}
	raw, _ := base64.RawURLEncoding.DecodeString(c.Value)
	name, rest, _ := strings.Cut(string(raw), ":")
	stamp, sum, found := strings.Cut(rest, ":")
	at, err := strconv.ParseInt(stamp, 16, 64)
	if !found || err != nil || !hmac.Equal([]byte(sum), q.s.auth.sign(name, stamp)) {
		return identity{}, false
	}
	ttl, age := q.s.opts.SessionTTL, q.s.Now().Sub(time.Unix(at, 0))
	_, known := q.s.opts.Users[name]
	admin := name == q.s.opts.Username
	if age >= ttl || !known && !admin {
		return identity{}, false
	}
	if age > ttl/10 {
		q.setCookie(name)
	}
	return identity{name: name, admin: admin, by: "cookie"}, true
}

func (a *auth) sign(name, stamp string) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.secret == nil {
		a.secret = []byte(rand.Text())
	}
	m := hmac.New(sha256.New, a.secret)
	fmt.Fprintf(m, "%s:%s", name, stamp)
	return m.Sum(nil)
}

// setCookie sends a session cookie; the name "" ends the session.
func (q *request) setCookie(name string) {
	now, value := q.s.Now(), ""
	if name != "" {
		stamp := strings.ToUpper(strconv.FormatInt(now.Unix(), 16))
		value = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s:%s:%s", name, stamp, q.s.auth.sign(name, stamp)))
	}
	ttl := q.s.opts.SessionTTL
	q.w.Header().Set("Set-Cookie", fmt.Sprintf("AuthSession=%s; Version=1; Expires=%s; Max-Age=%d; Path=/; HttpOnly",
		value, now.Add(ttl).UTC().Format("Mon, 02-Jan-2006 15:04:05 GMT"), int(ttl.Seconds())))
}

// session answers /_session: who am I, let me in, let me go.
func (q *request) session() {
	q.plain()
	q.allow(func() {
		switch q.Method {
		case http.MethodPost:
			q.sessionPost()
		case http.MethodDelete:
			q.setCookie("")
			q.json(http.StatusOK, `{"ok":true}`)
		default:
			q.sessionGet()
		}
	}, "GET", "HEAD", "POST", "DELETE")
}

func (q *request) sessionGet() {
	who, ok := q.authenticate()
	if !ok {
		return
	}
	authenticated := ""
	if who.by != "" {
		authenticated = `,"authenticated":"` + who.by + `"`
	}
	q.json(http.StatusOK, fmt.Sprintf(`{"ok":true,"userCtx":{"name":%s,"roles":%s},"info":{"authentication_handlers":["cookie","default"]%s}}`,
		appendOptional(nil, who.name), who.roles(), authenticated))
}

func (q *request) sessionPost() {
	name, password, ok := q.credentials()
	if !ok {
		q.fail(http.StatusBadRequest, "bad_request", "request body must contain a username")
		return
	}
	who, status := q.login(name, password)
	switch status {
	case http.StatusForbidden:
		q.fail(status, "forbidden", lockedOut)
	case http.StatusUnauthorized:
		q.setCookie("")
		q.fail(status, "unauthorized", wrongPassword)
	default:
		q.setCookie(name)
		q.json(status, fmt.Sprintf(`{"ok":true,"name":%s,"roles":%s}`, appendString(nil, name), who.roles()))
	}
}

// credentials reads a form or JSON.
func (q *request) credentials() (name, password string, ok bool) {
	body := http.MaxBytesReader(q.w, q.Body, 1<<16)
	if kind, _, _ := mime.ParseMediaType(q.Header.Get("Content-Type")); kind == "application/json" {
		var in struct{ Name, Username, Password string }
		if json.NewDecoder(body).Decode(&in) != nil {
			return "", "", false
		}
		if in.Name == "" {
			in.Name = in.Username
		}
		return in.Name, in.Password, in.Name != ""
	}
	q.Body = body
	if q.ParseForm() != nil {
		return "", "", false
	}
	name = q.PostForm.Get("name")
	if name == "" {
		name = q.PostForm.Get("username")
	}
	return name, q.PostForm.Get("password"), name != ""
}
