package cli_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchdog/cli"
	"watchdog/scheduler/couchtest"
)

// The daemon tells systemd that it is ready, that it is alive, of a reload and of its end; and calls
// a dead man's switch.
func TestRunTellsThatItIsAlive(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	calls := make(chan struct{}, 100)
	deadMan := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls <- struct{}{} }))
	defer deadMan.Close()
	couch := serve(t, couchtest.New(couchtest.Options{}))
	path := filepath.Join(dir, "watchdog.yaml")
	write := func(rule string) {
		text := fmt.Sprintf(`
store: ":memory:"
heartbeat: {url: %q, interval: 1s}
servers: [{name: prod, url: %q}]
checks: [{name: all, schedule: "@every 1s"}]
rules: [{name: %s, when: state == "failed"}]
sinks: [{name: here, terminal: {}}]
routes: [{to: [here]}]
`, deadMan.URL, couch, rule)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("failed")
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "300000"}[name]
		return v, ok
	}
	ctx, stop := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- cli.Main(ctx, []string{"run", "--config", path}, cli.IO{Stdout: t.Output(), Stderr: t.Output(), Env: env})
	}()
	told := func(want string) {
		t.Helper()
		if err := l.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		for buf := make([]byte, 1000); ; {
			n, err := l.Read(buf)
			if err != nil {
				t.Fatalf("systemd is not told %q: %v", want, err)
			}
			if strings.HasPrefix(string(buf[:n]), want) {
				return
			}
		}
	}
	told("READY=1\nSTATUS=watching 1 server, telling 1 sink")
	told("WATCHDOG=1")
	write("broken")
	told("RELOADING=1\nMONOTONIC_USEC=")
	told("READY=1")
	select {
	case <-calls:
	case <-time.After(10 * time.Second):
		t.Error("the dead man's switch was not called within 10 s")
	}
	stop()
	told("STOPPING=1")
	if got := <-code; got != 0 {
		t.Errorf("run: got exit code %d, want 0", got)
	}
}
