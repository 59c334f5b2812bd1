//go:build unix

package exec_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/diag"
	"watchdog/notify"
	"watchdog/notify/exec"
	"watchdog/notify/sinktest"
	"watchdog/secret"
)

var update = flag.Bool("update", false, "write the golden files")

// script runs a shell script with what Watchdog tells it. In the script, $DIR is a folder of the
// test, and writing to $READY tells the test that it has come so far.
type script struct {
	*exec.Sink
	dir string
	got func(id string)
}

const token = "token-of-the-pager"

func newScript(t *testing.T, text string, ready func(), got func(id string)) script {
	t.Helper()
	dir := t.TempDir()
	c := exec.Config{
		Command: []string{"/bin/sh", "-c", text, "tell"},
		Env:     map[string]secret.String{"DIR": secret.String(dir), "READY": secret.String(fifo(t, dir, ready)), "TOKEN": token},
	}
	if problems := c.Problems(); len(problems) > 0 {
		t.Fatalf("Problems(): got %v, want none", problems)
	}
	s, err := exec.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return script{s, dir, got}
}

// fifo calls ready when somebody has written to it.
func fifo(t *testing.T, dir string, ready func()) string {
	t.Helper()
	path := filepath.Join(dir, "ready")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0) // and so opening it waits for nobody
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	go func() {
		if _, err := file.Read(make([]byte, 1)); err == nil {
			ready()
		}
	}()
	return path
}

// Send tells got of each message that the script has kept.
func (s script) Send(ctx context.Context, m *notify.Message) error {
	err := s.Sink.Send(ctx, m)
	kept, _ := filepath.Glob(filepath.Join(s.dir, m.ID+".*"))
	for _, file := range kept {
		if os.Remove(file) == nil {
			s.got(m.ID)
		}
	}
	return err
}

func TestContract(t *testing.T) {
	acts := map[sinktest.Part]string{
		sinktest.Takes:          `cat > "$DIR/$WATCHDOG_ID.$$"`,
		sinktest.RefusesForGood: `echo "no such pager"; exit 67`,
		sinktest.RefusesForNow:  `echo "try later"; exit 75`,
		sinktest.Hangs:          `sleep 600 & echo > $READY; wait`,
		sinktest.HangsMidway:    `echo "I begin"; echo > $READY; sleep 600`,
		sinktest.Breaks:         `kill -9 $$`,
		sinktest.Babbles:        `head -c 300 /dev/urandom; exit 203`,
		sinktest.Floods:         `echo > $READY; exec yes no`,
		sinktest.TellsAll:       `env; cat; exit 1`,
		sinktest.TellsAllNo:     `env >&2; cat >&2; exit 78`,
		sinktest.Drives:         `printf 'bad\033[2J\007 news\r\n2026-01-02 all is well\n'; exit 1`,
	}
	sinktest.RunStage(t, sinktest.Stage{
		New: func(t *testing.T, part sinktest.Part, cancel func(), got func(string)) notify.Sink {
			if part == sinktest.Absent {
				s, err := exec.New(exec.Config{Command: []string{filepath.Join(t.TempDir(), "tell")}})
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			return newScript(t, acts[part], cancel, got)
		},
		Secrets: []string{token},
	})
}

func TestExitStatuses(t *testing.T) {
	refused := []int{64, 65, 67, 77, 78}
	for status := range 256 {
		if status > 2 && (status < 63 || status > 79) && status != 126 && status != 255 {
			continue
		}
		err := newScript(t, fmt.Sprintf("exit %d", status), func() {}, func(string) {}).Send(t.Context(), sinktest.Message(1))
		var no *notify.Refused
		if got, want := err == nil, status == 0; got != want {
			t.Errorf("exit status %d: got %v, want it taken: %v", status, err, want)
		}
		if got, want := errors.As(err, &no), slices.Contains(refused, status); got != want {
			t.Errorf("exit status %d: got %v, want it refused: %v", status, err, want)
		}
	}
}

func TestWhatItStartedIsKilledWithIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newScript(t, `exec 3> $DIR/alive; sleep 600 & echo > $READY; wait`, cancel, func(string) {})
	alive := filepath.Join(s.dir, "alive")
	if err := syscall.Mkfifo(alive, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(alive, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := s.Send(ctx, sinktest.Message(1)); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want %v", err, context.Canceled)
	}
	file.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := file.Read(make([]byte, 1)); err != io.EOF { // the end: nobody holds it open any more
		t.Errorf("what the command started holds its file open: got %v, want %v", err, io.EOF)
	}
}

func TestACommandThatLeavesSomethingRunningHasTheMessage(t *testing.T) {
	s := newScript(t, `sleep 600 & echo $! > $DIR/child`, func() {}, func(string) {})
	if err := s.Send(t.Context(), sinktest.Message(1)); err != nil {
		t.Errorf("got %v, want it to be taken", err)
	}
	text, _ := os.ReadFile(filepath.Join(s.dir, "child"))
	if child, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		syscall.Kill(child, syscall.SIGKILL)
	}
}

func TestTheEnvironmentTellsTheMessageInAFewWords(t *testing.T) {
	t.Setenv("COUCHDB_PASSWORD", "hunter2")
	m := sinktest.Message(3)
	m.Group["rule"] = "a\nb\x00c"
	s := newScript(t, `env | grep -v '^PWD=\|^_=\|^SHLVL=\|^OLDPWD=' > $DIR/env`, func() {}, func(string) {})
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "WATCHDOG_") || strings.Contains(line, "hunter2") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	slices.Sort(got)
	want := []string{
		"WATCHDOG_ALERTS=3", "WATCHDOG_HEADLINE=2 firing, 1 resolved: a b c on prod", "WATCHDOG_ID=" + m.ID,
		"WATCHDOG_SEVERITY=critical", "WATCHDOG_SINK=oncall", "WATCHDOG_STATUS=firing", "WATCHDOG_TEST=false",
		"WATCHDOG_URL=https://watchdog.example.com/",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []alert.Status
		want     string
	}{
		{"all resolved", []alert.Status{alert.StatusResolved, alert.StatusResolved}, "resolved"},
		{"one fires", []alert.Status{alert.StatusResolved, alert.StatusFiring}, "firing"},
		{"something happened", []alert.Status{alert.StatusEvent, alert.StatusResolved}, "event"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sinktest.Message(len(c.statuses))
			for i, status := range c.statuses {
				m.Alerts[i].Status = status
			}
			s := newScript(t, `printf %s "$WATCHDOG_STATUS" > $DIR/status`, func() {}, func(string) {})
			if err := s.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(filepath.Join(s.dir, "status")); string(got) != c.want {
				t.Errorf("WATCHDOG_STATUS: got %q, want %q", got, c.want)
			}
		})
	}
}

var sentAt = regexp.MustCompile(`"sent_at": "[^"]*"`)

func TestPreview(t *testing.T) {
	got, err := newScript(t, "", func() {}, func(string) {}).Preview(sinktest.Message(1))
	if err != nil {
		t.Fatal(err)
	}
	sinktest.Golden(t, "testdata/document.json", sentAt.ReplaceAll(got, []byte(`"sent_at": "NOW"`)), *update)
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name string
		c    exec.Config
		want []diag.Problem
	}{
		{"the least that works", exec.Config{Command: []string{"tell"}}, nil},
		{"no command", exec.Config{}, []diag.Problem{{
			Field: "command", Message: "command is missing", Hint: "write the program and its arguments, as [/usr/local/bin/tell, --loud]",
		}}},
		{"an argument that cannot be", exec.Config{Command: []string{"tell", "a\x00b"}}, []diag.Problem{
			{Field: "command[1]", Message: "an argument cannot hold a zero byte"},
		}},
		{"variables that cannot be", exec.Config{Command: []string{"tell"}, Env: map[string]secret.String{
			"A=B": "1", "WATCHDOG_ID": "2", "FINE": "3", "ZERO": "\x00",
		}}, []diag.Problem{
			{Field: "env.A=B", Message: `"A=B" is not the name of a variable`, Hint: "use letters, digits and _"},
			{Field: "env.WATCHDOG_ID", Message: "variables that begin with WATCHDOG_ are Watchdog's own", Hint: "use another name"},
			{Field: "env.ZERO", Message: "the value of ZERO holds a zero byte"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.c.Problems()); diff != "" {
				t.Errorf("Problems() (-want +got):\n%s", diff)
			}
		})
	}
	if !(exec.Config{Command: []string{""}}).Empty() || (exec.Config{Command: []string{"a"}}).Empty() {
		t.Error("Empty(): want true without a command only")
	}
}
