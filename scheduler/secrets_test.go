package scheduler_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchdog/scheduler"
)

// kind is a way to sign in, and what it must not show.
type kind struct {
	name    string
	auth    scheduler.Auth
	by      scheduler.Authenticator // in place of auth
	secret  string                  // that is configured
	another string                  // that a login gives
}

const (
	apiKey   = "k3y/+?&:@="
	token    = "h3ad.p4yload.s1gn/+="
	cookie   = "YWRtaW46UkVEQUNURURfRklYVFVSRV9DT09LSUU" // of the recorded login
	issued   = "iss4ed.p4yload.s1gn"
	ibmToken = "token-of-an-authenticator"
)

// ibm is an authenticator as IBM's SDKs have them.
type ibm struct{}

func (ibm) Authenticate(req *http.Request) error {
	req.Header.Set("Authorization", "Bearer "+ibmToken)
	return nil
}

func kinds(t *testing.T) []kind {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	put(t, file, token+"\n")
	const iam = "http://iam.example"
	return []kind{
		{name: "session", auth: scheduler.Auth{Username: "admin", Password: password}, secret: password, another: cookie},
		{name: "basic", auth: scheduler.Auth{Username: "admin", Password: password, Basic: true}, secret: password},
		{name: "iam_api_key", auth: scheduler.Auth{IAMAPIKey: apiKey, IAMURL: iam}, secret: apiKey, another: issued},
		{name: "iam_client_secret", auth: scheduler.Auth{IAMAPIKey: apiKey, IAMURL: iam, IAMClientID: "admin", IAMClientSecret: password}, secret: password, another: issued},
		{name: "bearer", auth: scheduler.Auth{Bearer: token}, secret: token},
		{name: "bearer_file", auth: scheduler.Auth{BearerFile: file}, secret: token},
		{name: "proxy", auth: scheduler.Auth{Proxy: scheduler.Proxy{Username: "admin", Secret: password}}, secret: password},
		{name: "proxy with sha1", auth: scheduler.Auth{Proxy: scheduler.Proxy{Username: "admin", Secret: password, Hash: "sha1"}}, secret: password},
		{name: "an authenticator of IBM's", by: ibm{}, secret: ibmToken},
	}
}

// forms are the ways in which a server or a library could repeat a secret.
func (k kind) forms() []string {
	forms := []string{"t0ken"}
	for _, s := range []string{k.secret, k.another} {
		if s == "" {
			continue
		}
		mac256, mac1 := hmac.New(sha256.New, []byte(s)), hmac.New(sha1.New, []byte(s))
		mac256.Write([]byte("admin"))
		mac1.Write([]byte("admin"))
		forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s), url.UserPassword("admin", s).String(),
			base64.StdEncoding.EncodeToString([]byte("admin:"+s)), hex.EncodeToString(mac256.Sum(nil)), hex.EncodeToString(mac1.Sum(nil)))
	}
	return forms
}

// client reads a server through servers that answer so.
func (k kind) client(t *testing.T, iam, s http.Handler) *scheduler.Client {
	t.Helper()
	spec := scheduler.Spec{Name: "prod", URL: "http://couch.example:5984", Auth: k.auth}
	c, err := scheduler.New(scheduler.Options{Spec: spec, Auth: k.by, Transport: call{hosts{"iam.example": iam, "couch.example:5984": s}}})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return c
}

// echo answers with everything that it was sent, and with what it should not know.
func (k kind) echo(status int, contentType, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said := strings.ReplaceAll(fmt.Sprint(r.Header, " ", string(body), " http://x:t0ken@h "), `"`, "'")
		if k.auth.BearerFile == "" {
			said += k.secret
		}
		text(status, contentType, fmt.Sprintf(format, said))(w, r)
	}
}

func TestNoErrorShowsASecret(t *testing.T) {
	for _, k := range kinds(t) {
		for name, answer := range map[string]http.HandlerFunc{
			"a refusal that repeats the request":    k.echo(401, "application/json", `{"error":"unauthorized","reason":"%s"}`),
			"a token's refusal that does":           k.echo(400, "application/json", `{"error":"bad_request","reason":"Bad HMAC %s"}`),
			"a refusal of IAM that does":            k.echo(400, "application/json", `{"errorCode":"%s","errorMessage":"%[1]s"}`),
			"an error name that does":               k.echo(500, "application/json", `{"error":"%s","reason":"x"}`),
			"a page that does":                      k.echo(403, "text/html", `<html>%s`),
			"a text that does":                      k.echo(502, "text/plain", `%s`),
			"a whole answer that does":              k.echo(200, "application/json", `"%s"`),
			"a listing that is none":                k.echo(200, "application/json", `{"error":"%s"}`),
			"a token that is none":                  k.echo(200, "application/json", `{"access_token":{"a":"%s"}}`),
			"a redirect that does":                  redirect("http://admin:t0ken@other.example/" + url.PathEscape(k.secret) + "?t0ken"),
			"a redirect to nowhere":                 redirect("http://h:t0ken/" + k.secret),
			"a redirect within the server for ever": redirect("/_session?t0ken"),
			"a connection that breaks":              func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
			"a content type that does": func(w http.ResponseWriter, r *http.Request) {
				k.echo(400, "text/x; "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), `%s`)(w, r)
			},
		} {
			for _, loginWorks := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, login works: %v", k.name, name, loginWorks), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s, iam := newCouch(map[string]any{oneDoc: answer}), answer
						for request := range s.answers {
							if request != login || !loginWorks {
								s.answer(request, answer)
							}
						}
						if loginWorks {
							iam = text(200, "application/json", `{"access_token":"`+issued+`","expires_in":3600}`)
						}
						c := k.client(t, iam, s)
						texts := gaps(read(t, c))
						time.Sleep(2 * time.Hour)
						_, err := c.Ask(t.Context(), oneKey)
						texts = append(texts, fmt.Sprint(err), fmt.Sprintf("%+v", err), c.Record(t.Context(), time.Now()).Error)
						for _, rows := range []iter.Seq2[scheduler.Row, error]{
							c.Docs(t.Context(), scheduler.ListOptions{}), c.Jobs(t.Context(), scheduler.ListOptions{}),
						} {
							for _, err := range rows {
								texts = append(texts, fmt.Sprint(err))
							}
						}
						expectNoSecret(t, texts, k.forms())
					})
				})
			}
		}
	}
}

func TestSpecShowsNoSecret(t *testing.T) {
	for _, k := range kinds(t) {
		spec := scheduler.Spec{Name: "prod", URL: "http://admin:t0ken@couch.example", Auth: k.auth}
		inJSON, err := json.Marshal(map[string]any{"spec": spec, "default": spec.WithDefaults()})
		if err != nil {
			t.Fatal(err)
		}
		var asText, asJSON strings.Builder
		slog.New(slog.NewTextHandler(&asText, nil)).Info("server", "spec", spec, "pointer", &spec)
		slog.New(slog.NewJSONHandler(&asJSON, nil)).Info("server", "spec", spec, "pointer", &spec)
		texts := []string{string(inJSON), asText.String(), asJSON.String()}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			for _, value := range []any{spec, &spec, []scheduler.Spec{spec}, spec.Auth, spec.Auth.Proxy, scheduler.Spec{URL: "http://admin:t0ken/2@couch.example"}} {
				texts = append(texts, fmt.Sprintf(verb, value))
			}
		}
		expectNoSecret(t, texts, append(k.forms(), fmt.Sprintf("%x", "t0ken"), fmt.Sprintf("%x", k.secret)))
		if got := fmt.Sprintf("%+v", spec); !strings.Contains(got, "Name:prod URL:http://admin:*****@couch.example") {
			t.Errorf("%%+v of the spec of %s: got %s, want all but the secrets", k.name, got)
		}
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

func TestNoErrorShowsTheSecretOfTheURL(t *testing.T) {
	u := url.URL{Scheme: "http", User: url.UserPassword("admin", password), Host: "couch.example"}
	refuse := roundTrip(func(req *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: u.String(), Err: errors.New("no route to " + u.String())}
	})
	c := dial(t, scheduler.Spec{URL: u.String()}, refuse)
	expectNoSecret(t, gaps(read(t, c)), kind{secret: password}.forms())
}

func expectNoSecret(t *testing.T, texts, forms []string) {
	t.Helper()
	if len(texts) == 0 {
		t.Fatal("no error to look at")
	}
	for _, text := range texts {
		for _, form := range forms {
			if strings.Contains(text, form) {
				t.Errorf("got %q, want it without %q", text, form)
			}
		}
	}
}
