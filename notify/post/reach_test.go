package post_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"watchdog/notify/post"
)

func TestReach(t *testing.T) {
	silent := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
	plain, secure, gone := httptest.NewServer(silent), httptest.NewUnstartedServer(silent), httptest.NewServer(silent)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer plain.Close()
	defer secure.Close()
	gone.Close()
	for _, c := range []struct {
		name string
		url  string
		want string // of what was found, or of the error
	}{
		{"who listens is reached", plain.URL, "listens"},
		{"a certificate that is not trusted is no success", secure.URL, "by TLS"},
		{"nobody listens", gone.URL, "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := url.Parse(strings.Replace(c.url, "://", "://me:hunter2@", 1) + "/hook?token=hunter2")
			if err != nil {
				t.Fatal(err)
			}
			found, err := post.Reach(t.Context(), u)
			said := found
			if err != nil {
				said = err.Error()
			}
			if (err == nil) != (c.want == "listens") || !strings.Contains(said, c.want) || strings.Contains(said, "hunter2") {
				t.Errorf("Reach: got %q (%v), want %q and no secret", found, err, c.want)
			}
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	u, _ := url.Parse(plain.URL)
	if found, err := post.Reach(ended, u); err == nil {
		t.Errorf("Reach with a context that has ended: got %q, want an error", found)
	}
}
