package systemd_test

import (
	"net"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"watchdog/systemd"
)

func TestNotifier(t *testing.T) {
	for _, tt := range []struct {
		name string
		tell func(systemd.Notifier) error
		want string
	}{
		{"ready", func(n systemd.Notifier) error { return n.Ready("2 servers,\n3 sinks") }, `^READY=1\nSTATUS=2 servers, 3 sinks$`},
		{"reloading", systemd.Notifier.Reloading, `^RELOADING=1\nMONOTONIC_USEC=[1-9]\d+$`},
		{"stopping", systemd.Notifier.Stopping, `^STOPPING=1$`},
		{"alive", systemd.Notifier.Alive, `^WATCHDOG=1$`},
		{"how it does", func(n systemd.Notifier) error { return n.Status("all is well") }, `^STATUS=all is well$`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "notify")
			l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			n := systemd.New(func(name string) (string, bool) {
				v, ok := map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000"}[name]
				return v, ok
			})
			if n.PetEvery() != 10*time.Second {
				t.Errorf("PetEvery: got %v, want a third of 30s", n.PetEvery())
			}
			if err := tt.tell(n); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 1000)
			size, err := l.Read(got)
			if err != nil || !regexp.MustCompile(tt.want).Match(got[:size]) {
				t.Errorf("told: got %q, %v, want %s", got[:size], err, tt.want)
			}
		})
	}
}

func TestNobodyIsToldWithoutSystemd(t *testing.T) {
	n := systemd.New(func(string) (string, bool) { return "", false })
	if err := n.Ready("ok"); err != nil || n.PetEvery() != 0 {
		t.Errorf("without systemd: got %v and %v, want nothing", err, n.PetEvery())
	}
}
