package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"watchdog/cycle"
	"watchdog/outbox"
	"watchdog/store"
)

// TestMain lets the test binary be another process, which does one thing to a store.
func TestMain(m *testing.M) {
	if task := os.Getenv("STORE_TEST_TASK"); task != "" {
		if err := tasks[task](context.Background(), os.Getenv("STORE_TEST_PATH")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	postgres.Close()
	os.Exit(code)
}

var tasks = map[string]func(ctx context.Context, path string) error{
	"hold":    hold,
	"open":    openAsNobody,
	"commit":  commitForever,
	"release": release,
}

// process is another process with a store.
type process struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner // of its standard output
}

func start(t *testing.T, task, path string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "STORE_TEST_TASK="+task, "STORE_TEST_PATH="+path)
	cmd.Stderr = t.Output()
	if _, err := cmd.StdinPipe(); err != nil { // it ends with this process at the latest
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd, bufio.NewScanner(out)}
	t.Cleanup(p.kill)
	return p
}

// line waits for a line of its output.
func (p *process) line(t *testing.T) string {
	t.Helper()
	if !p.lines.Scan() {
		t.Fatalf("the other process ended: %v", p.lines.Err())
	}
	return p.lines.Text()
}

// kill ends it without a warning, and waits for that.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// hold opens a store, says so, and keeps it.
func hold(ctx context.Context, path string) error {
	s, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		return err
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	return s.Close()
}

// openAsNobody opens a store as a user without rights, and says what came of it.
func openAsNobody(ctx context.Context, path string) error {
	if os.Geteuid() == 0 {
		if err := syscall.Setuid(65534); err != nil {
			return err
		}
	}
	_, err := store.Open(ctx, path, store.Options{})
	fmt.Println(err)
	return nil
}

// commitForever sends what the one before it left, then makes one commit after the other. Commit
// n makes n the memory of everything and adds transition and message n. It says n when the
// commit has returned, then notes that message n - 1 was sent.
func commitForever(ctx context.Context, path string) error {
	s, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		return err
	}
	var last counted
	if err := s.Restore(ctx, "prod", &last); err != nil {
		return err
	}
	for n := range last.server + 1 { // most were sent before
		if err := s.Note(ctx, outbox.Sent(messageID(n), epoch, nil)); err != nil {
			return err
		}
	}
	for n := last.server + 1; ; n++ {
		if err := s.Commit(ctx, numbered(n)); err != nil {
			return err
		}
		fmt.Println(n)
		if err := s.Note(ctx, outbox.Sent(messageID(n-1), epoch, nil)); err != nil {
			return err
		}
	}
}

// numbered is commit n of commitForever.
func numbered(n int) *cycle.Outcome {
	value := memory(strconv.Itoa(n))
	o := alarm(1, n)
	o.ServerMemory = value
	o.Messages[0].Group = nil // one group, so that they are sent in order
	for i := range 20 {
		o.Replications = append(o.Replications, cycle.ReplicationChange{
			Database: "_replicator", DocID: fmt.Sprint(i), State: "running", Memory: value,
		})
	}
	return o
}
