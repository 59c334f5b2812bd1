package scheduler_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchdog/scheduler"
)

// forms are the ways in which a server or a library could repeat the password.
var forms = []string{
	password,
	url.QueryEscape(password),
	url.PathEscape(password),
	url.UserPassword("admin", password).String(),
	base64.StdEncoding.EncodeToString([]byte("admin:" + password)),
	"t0ken",
}

// echo answers with everything that it was sent.
func echo(status int, contentType, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said := strings.ReplaceAll(fmt.Sprint(r.Header, " ", string(body), " ", password, " http://x:t0ken@h "), `"`, "'")
		text(status, contentType, fmt.Sprintf(format, said))(w, r)
	}
}

func TestNoErrorShowsASecret(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a refusal that repeats the request":    echo(401, "application/json", `{"error":"unauthorized","reason":"%s"}`),
		"an error name that does":               echo(500, "application/json", `{"error":"%s","reason":"x"}`),
		"a page that does":                      echo(403, "text/html", `<html>%s`),
		"a text that does":                      echo(502, "text/plain", `%s`),
		"a whole answer that does":              echo(200, "application/json", `"%s"`),
		"a content type that does":              echo(400, "text/x; "+password, `%s`),
		"a listing that is none":                echo(200, "application/json", `{"error":"%s"}`),
		"a redirect that does":                  redirect("http://admin:t0ken@other.example/" + url.PathEscape(password) + "?t0ken"),
		"a redirect to nowhere":                 redirect("http://h:t0ken/" + password),
		"a redirect within the server for ever": redirect("/_session?t0ken"),
		"a connection that breaks":              func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
	} {
		for _, basic := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, basic %v", name, basic), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					spec := signedIn()
					spec.Auth.Basic = basic
					s := newCouch(nil)
					for request := range s.answers {
						if request != login || !basic {
							s.answer(request, answer)
						}
					}
					c := bubble(t, s, spec)
					texts := gaps(read(t, c))
					time.Sleep(time.Hour)
					_, err := c.Ask(t.Context(), oneKey)
					texts = append(texts, fmt.Sprint(err), fmt.Sprintf("%+v", err), c.Record(t.Context(), time.Now()).Error)
					expectNoSecret(t, texts)
				})
			})
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
	expectNoSecret(t, gaps(read(t, c)))
}

func expectNoSecret(t *testing.T, texts []string) {
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
