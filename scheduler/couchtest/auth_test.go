package couchtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler/couchtest"
)

var users = couchtest.Options{
	Username: "admin", Password: "secret", Users: map[string]string{"ann": "pw"},
}

// as asks with a cookie, with a name and a password, or with nothing, and returns the status and
// the new cookie, if any.
func (w *world) as(who, path string) (status int, cookie string) {
	w.t.Helper()
	req, err := http.NewRequest("GET", "http://couchdb"+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if name, password, found := strings.Cut(who, ":"); found {
		req.SetBasicAuth(name, password)
	} else if who != "" {
		req.AddCookie(&http.Cookie{Name: "AuthSession", Value: who})
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	res.Body.Close()
	for _, c := range res.Cookies() {
		cookie = c.Value
	}
	return res.StatusCode, cookie
}

// login makes a session.
func (w *world) login(name, password string) (status int, cookie string) {
	w.t.Helper()
	res, err := w.client.PostForm("http://couchdb/_session", map[string][]string{"name": {name}, "password": {password}})
	if err != nil {
		w.t.Fatal(err)
	}
	res.Body.Close()
	for _, c := range res.Cookies() {
		cookie = c.Value
	}
	return res.StatusCode, cookie
}

func TestWhoMayAskWhat(t *testing.T) {
	w := newWorld(t, users)
	w.srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
	_, admin := w.login("admin", "secret")
	_, ann := w.login("ann", "pw")
	tests := []struct {
		path string
		want string // status for nobody, a wrong password, a user, the admin, and by cookie the user and the admin
	}{
		{"/", "200 401 200 200 200 200"},
		{"/_up", "200 401 200 200 200 200"},
		{"/_scheduler/docs", "401 401 401 200 401 200"},
		{"/_scheduler/jobs", "401 401 401 200 401 200"},
		{"/_active_tasks", "401 401 401 200 401 200"},
		{"/_membership", "401 401 401 200 401 200"},
		{"/_all_dbs", "401 401 401 200 401 200"},
		{"/_replicator/_changes", "401 401 403 200 403 200"},
		{"/_replicator/orders", "401 401 403 200 403 200"},
		{"/orders/_changes?limit=0", "401 401 403 200 403 200"},
	}
	for _, tt := range tests {
		var got []string
		for _, who := range []string{"", "nobody:wrong", "ann:pw", "admin:secret", ann, admin} {
			status, _ := w.as(who, tt.path)
			got = append(got, fmt.Sprint(status))
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.path, got, tt.want)
		}
	}
}

func TestWithoutUsersEverybodyIsAdmin(t *testing.T) {
	w := newWorld(t, couchtest.Options{})
	for _, who := range []string{"", "any:body"} {
		if got, _ := w.as(who, "/_scheduler/docs"); got != 200 {
			t.Errorf("as %q: got %d, want 200", who, got)
		}
	}
}

func TestACookieExpiresAndIsRenewedInUse(t *testing.T) {
	w := newWorld(t, users)
	_, first := w.login("admin", "secret")
	type step struct {
		wait   time.Duration
		cookie string
		status int
		renews bool
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"young, it is good and stays", []step{{59 * time.Second, first, 200, false}}},
		{"after a tenth of its time it is renewed", []step{{2 * time.Second, first, 200, true}}},
		{"in its last second it is good", []step{{538 * time.Second, first, 200, true}}},
		{"after ten minutes it is not", []step{{time.Second, first, 401, false}}},
	}
	var renewed string
	for _, tt := range tests {
		for _, s := range tt.steps {
			w.srv.Advance(s.wait)
			status, cookie := w.as(s.cookie, "/_scheduler/docs")
			if status != s.status || (cookie != "") != s.renews {
				t.Errorf("%s: got status %d, renewed %t, want %d, %t", tt.name, status, cookie != "", s.status, s.renews)
			}
			if cookie != "" {
				renewed = cookie
			}
		}
	}
	if got, _ := w.as(renewed, "/_scheduler/docs"); got != 200 {
		t.Errorf("the renewed cookie: got %d, want 200", got)
	}
	w.srv.ExpireSessions()
	if got, _ := w.as(renewed, "/_scheduler/docs"); got != 401 {
		t.Errorf("the renewed cookie after all sessions ended: got %d, want 401", got)
	}
}

func TestWrongPasswordsLockOut(t *testing.T) {
	w := newWorld(t, users)
	type try struct {
		wait     time.Duration
		password string
		want     int
	}
	tries := []try{
		{0, "no", 401},
		{time.Minute, "no", 401},
		{time.Minute, "no", 401},
		{time.Minute, "no", 401},
		{0, "secret", 200}, // four are not enough, and being right forgives nothing
		{0, "no", 401},
		{0, "no", 403},
		{0, "secret", 403},
		{2*time.Minute + time.Second, "secret", 200}, // five minutes after the first
	}
	for i, try := range tries {
		w.srv.Advance(try.wait)
		if got, _ := w.as("admin:"+try.password, "/_scheduler/docs"); got != try.want {
			t.Errorf("try %d with %q: got %d, want %d", i+1, try.password, got, try.want)
		}
	}
	var got []int
	for _, password := range []string{"no", "no", "no", "no", "no", "no", "pw"} {
		status, _ := w.login("ann", password)
		got = append(got, status)
	}
	if diff := cmp.Diff([]int{401, 401, 401, 401, 401, 403, 403}, got); diff != "" {
		t.Errorf("logins of ann (-want +got):\n%s", diff)
	}
	if got, _ := w.as("admin:secret", "/_scheduler/docs"); got != 200 {
		t.Errorf("another user while ann is locked out: got %d, want 200", got)
	}
}
