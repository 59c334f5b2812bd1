package cli_test

import (
	"bufio"
	"bytes"
	"context"
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
	"watchdog/config"
)

// Within seconds the demo says what happens and what is told of it, in that order, and where its
// page is; the end of its context ends it well.
func TestDemoTellsItsStoryWhereItsPortIsTaken(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	out, in := io.Pipe()
	var log bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		code := cli.Main(ctx, []string{"demo", "--listen", taken.Addr().String()}, cli.IO{Stdout: in, Stderr: &log, Env: noEnv})
		in.Close()
		ended <- code
	}()
	story := []string{
		"The page: ", "○ nightly-archive", "○ orders-dr is written", "FIRING  critical  failed", "○ the source of orders is deleted",
		"FIRING  warning  crashing",
	}
	page := ""
	for lines := bufio.NewScanner(out); len(story) > 0 && lines.Scan(); {
		if !strings.Contains(lines.Text(), story[0]) {
			continue
		}
		if page == "" {
			page = regexp.MustCompile(`http://\S+`).FindString(lines.Text())
		}
		story = story[1:]
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // the story goes on
	if got := status(t, page); got != http.StatusOK {
		t.Errorf("demo: the page at %q: got %d, want %d", page, got, http.StatusOK)
	}
	if len(story) > 0 {
		t.Errorf("demo: never said %q\n%s", story[0], &log)
	}
	stop()
	if code := <-ended; code != 0 || log.Len() > 0 {
		t.Errorf("demo, stopped: got exit code %d and %q, want 0 and no word", code, &log)
	}
}

// status is what an address answers, 0 for nothing.
func status(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

func TestDemoPrintsAConfigToBeginWith(t *testing.T) {
	var out, log bytes.Buffer
	if code := cli.Main(t.Context(), []string{"demo", "--print"}, cli.IO{Stdout: &out, Stderr: &log, Env: noEnv}); code != 0 {
		t.Fatalf("demo --print: got exit code %d, %s", code, &log)
	}
	path := filepath.Join(t.TempDir(), "demo.yaml")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, found := config.Load(config.Options{Path: path, Env: noEnv}); c == nil || len(found) > 0 {
		t.Errorf("the demo's config has mistakes or lints: %v", found)
	}
}
