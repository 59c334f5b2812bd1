package cli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"watchdog/cli"
	"watchdog/scheduler/couchtest"
)

const pageConfig = `
store: ":memory:"
http: {listen: %q%s}
servers: [{name: prod, url: %q}]
checks: [{name: all, schedule: "@every 1s"}]
rules: [{name: failed, severity: critical, when: state == "failed"}]
sinks: [{name: here, terminal: {}}]
routes: [{to: [here]}]
`

// openPage runs a daemon and gives the address of its page, and what ends the daemon and gives
// its exit code.
func openPage(t *testing.T, couch, listen, more string) (url string, log *strings.Builder, end func() int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "watchdog.yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil, pageConfig, listen, more, couch), 0o600); err != nil {
		t.Fatal(err)
	}
	return openPageOf(t, path)
}

// openPageOf is openPage of a config that is written already.
func openPageOf(t *testing.T, path string) (url string, log *strings.Builder, end func() int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	read, write := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cli.Main(ctx, []string{"run", "--config", path}, cli.IO{Stdout: io.Discard, Stderr: write, Env: os.LookupEnv})
		write.Close()
	}()
	log = &strings.Builder{}
	lines := bufio.NewScanner(read)
	found := regexp.MustCompile(`url=(\S+)|without the page|^watchdog: `)
	for url == "" && lines.Scan() {
		fmt.Fprintln(log, lines.Text())
		if m := found.FindStringSubmatch(lines.Text()); m != nil {
			url = m[1]
			if url == "" {
				break
			}
		}
	}
	go io.Copy(io.Discard, read)
	return url, log, func() int {
		stop()
		select {
		case c := <-code:
			return c
		case <-time.After(5 * time.Second):
			t.Fatal("run did not end within 5 s of being told to")
			return -1
		}
	}
}

// fetch is the answer to one request; 0 while there is none.
func fetch(t *testing.T, url string, into any) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if into != nil {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			t.Errorf("GET %s: %v", url, err)
		}
	}
	return resp.StatusCode
}

// The daemon serves what it watches, gets ready, and ends in order while somebody listens.
func TestRunServesThePage(t *testing.T) {
	couch := couchtest.New(couchtest.Options{})
	couch.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Failed, Error: "db_not_found"})
	url, log, end := openPage(t, serve(t, couch), "127.0.0.1:0", "")
	if url == "" {
		t.Fatalf("run: the page is not open\n%s", log)
	}
	for patience := time.After(10 * time.Second); fetch(t, url+"readyz", nil) != http.StatusOK; {
		select {
		case <-patience:
			t.Fatal("not ready within 10 s")
		case <-time.After(20 * time.Millisecond):
		}
	}
	var answer struct {
		Alerts []struct {
			DocID  string `json:"doc_id"`
			Status string `json:"status"`
		} `json:"alerts"`
	}
	fetch(t, url+"api/v1/alerts", &answer)
	if got := fmt.Sprint(answer.Alerts); got != "[{orders firing}]" {
		t.Errorf("alerts: got %s, want [{orders firing}]", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if code := end(); code != 0 {
		t.Errorf("run: got exit code %d, want 0", code)
	}
}

// An address that is taken ends the daemon before anything is watched, or only the page where it
// is optional.
func TestRunWhereTheAddressIsTaken(t *testing.T) {
	couch := serve(t, couchtest.New(couchtest.Options{}))
	var how net.ListenConfig
	taken, err := how.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, log, end := openPage(t, couch, taken.Addr().String(), "")
	if code := end(); code != 1 || !strings.Contains(log.String(), "another program has this address") || strings.Contains(log.String(), "watching") {
		t.Errorf("run: got exit code %d and\n%swant 1 and a word of the address that is taken", code, log)
	}
	_, log, end = openPage(t, couch, taken.Addr().String(), ", optional: true")
	if code := end(); code != 0 || !strings.Contains(log.String(), "going on without the page") {
		t.Errorf("run with optional: true: got exit code %d and\n%swant 0", code, log)
	}
}
