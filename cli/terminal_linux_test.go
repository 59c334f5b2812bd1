package cli_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"watchdog/scheduler/couchtest"
)

// terminal is a terminal of so many columns; shown closes it and gives all that was printed.
func terminal(t *testing.T, width uint16) (tty *os.File, shown func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	ioctl := func(request uintptr, arg unsafe.Pointer) {
		t.Helper()
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(arg)); errno != 0 {
			t.Fatal(errno)
		}
	}
	var number, locked int32
	ioctl(syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	ioctl(syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{24, width}
	ioctl(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan string)
	go func() {
		text, _ := io.ReadAll(master) // it ends in an error: the other side is closed
		all <- string(text)
	}()
	return tty, func() string {
		tty.Close()
		defer master.Close()
		return strings.ReplaceAll(<-all, "\r\n", "\n")
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	srv := couchtest.New(couchtest.Options{})
	srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Crashing, Error: strings.Repeat("a long story ", 20)})
	srv.Put("_replicator", strings.Repeat("søren-", 30), couchtest.Spec{State: couchtest.Running})
	tty, shown := terminal(t, 100)
	if code, stderr := command(t, serving(t, srv), tty, "docs"); code != 0 {
		t.Fatalf("docs: exit %d, %s", code, stderr)
	}
	text := shown()
	if !strings.Contains(text, "\x1b[33mcrashing\x1b[0m") || !strings.Contains(text, "…") {
		t.Errorf("docs on a terminal: got %q, want colours, and what is too long cut", text)
	}
	plain := strings.NewReplacer("\x1b[33m", "", "\x1b[32m", "", "\x1b[0m", "").Replace(text)
	for line := range strings.Lines(plain) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 100 {
			t.Errorf("docs on a terminal of 100 columns: got a line of %d: %q", n, line)
		}
	}
}

func TestFollowDrawsABarOnATerminal(t *testing.T) {
	srv := couchtest.New(couchtest.Options{})
	orders := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running, OneShot: true, Docs: 1000, Waiting: 1000, Speed: 200})
	srv.After(1200*time.Millisecond, orders.Complete)
	tty, shown := terminal(t, 100)
	if code, stderr := command(t, serving(t, srv), tty, "follow", "orders", "--every", "100ms"); code != 0 {
		t.Fatalf("follow: exit %d, %s", code, stderr)
	}
	text := shown()
	for _, want := range []string{"\r\x1b[K[====================                    ]  50% running", "/s  ", "s left", "\r\x1b[K20", "completed\x1b[0m 100.0%"} {
		if !strings.Contains(text, want) {
			t.Errorf("follow on a terminal: got %q, want %q in it", text, want)
		}
	}
}
