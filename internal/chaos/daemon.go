//go:build linux

package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// watching is what the daemon logs when it has started.
	watching     = `"msg":"watching"`
	restartAfter = 20 * time.Millisecond
	// stopWithin is how long SIGTERM may take: its own bound is 5 s, and the machine may be busy.
	stopWithin = 10 * time.Second
)

// excuse is why the daemon may refuse to start while something is wrong.
type excuse string

const (
	excuseGarbage  excuse = "the config is garbage"
	excuseGone     excuse = "there is no config"
	excuseFull     excuse = "the disk is full"
	excuseReadOnly excuse = "the disk is read-only"
	excuseAway     excuse = "the database is away"
	excuseNewer    excuse = "the store is of a newer version"
)

// excuses are what the daemon must say, one of these words, when it makes use of one.
var excuses = map[excuse][]string{
	excuseGarbage:  {"watchdog.yaml"},
	excuseGone:     {"watchdog.yaml"},
	excuseFull:     {"disk is full", "no space left", "is its disk full"},
	excuseReadOnly: {"read-only", "readonly"},
	excuseAway:     {"open store postgres", "commit", "note the result", "queue"},
	excuseNewer:    {"its schema has version"},
}

// journal is what a process says, which may be read while it speaks.
type journal struct {
	mu   sync.Mutex // guards said
	said bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.said.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.said.String()
}

// daemon is the binary, kept running as systemd would: again and again on one store.
type daemon struct {
	command []string // and its arguments, but for those of watchdog
	env     []string
	config  string
	note    func(format string, args ...any) // to the film strip
	wrong   func(format string, args ...any)

	mu      sync.Mutex // guards the rest
	process *os.Process
	asked   bool // it is being ended
	held    bool // it is not to be started
	excused map[excuse]int
	recent  map[excuse]bool // excused at some moment since the process was started
	starts  int
	log     *journal // of the process that runs
}

// run keeps it running until ctx ends, and returns when it has.
func (d *daemon) run(ctx context.Context) {
	for ctx.Err() == nil {
		if d.isHeld() {
			pause(ctx, restartAfter)
			continue
		}
		d.live(ctx)
		pause(ctx, restartAfter)
	}
}

func (d *daemon) isHeld() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held
}

func (d *daemon) live(ctx context.Context) {
	d.mu.Lock()
	cmd := exec.CommandContext(ctx, d.command[0], d.args()...)
	cmd.Env = append(os.Environ(), d.env...)
	d.log = &journal{}
	cmd.Stderr = d.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	d.remember()
	if err := cmd.Start(); err != nil {
		d.mu.Unlock()
		d.wrong("start the daemon: %v", err)
		pause(ctx, time.Second)
		return
	}
	d.starts++
	d.process, d.asked = cmd.Process, false
	d.mu.Unlock()

	err := cmd.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.process = nil
	if ctx.Err() == nil {
		d.checkEnd(err)
	}
}

// checkEnd judges how a process ended. By itself it may end only while it starts, and after SIGTERM
// with an error, for a reason that it says. It is called with mu held.
func (d *daemon) checkEnd(err error) {
	said := d.log.String()
	fits := func(word string) bool { return strings.Contains(said, word) }
	ended := fmt.Sprint(err)
	switch {
	case d.asked && (err == nil || ended == "signal: killed"):
		return
	case d.asked && ended == "signal: terminated" && !fits(watching):
		return // it did not listen yet
	}
	for e, excused := range d.recent {
		if excused && (d.asked || !fits(watching)) && slices.ContainsFunc(excuses[e], fits) {
			d.note("the daemon ends with an error: %s", e)
			return
		}
	}
	d.wrong("the daemon ended (%v), asked: %t, excused: %v; it said:\n%s", err, d.asked, d.recent, last(said, 2000))
}

func (d *daemon) args() []string {
	return slices.Concat(d.command[1:], []string{"run", "--log-format", "json", "--config", d.config})
}

// remember makes the excuses that there are now those since a process was started. It is called with
// mu held.
func (d *daemon) remember() {
	d.recent = map[excuse]bool{}
	for e, n := range d.excused {
		d.recent[e] = n > 0
	}
}

func last(text string, n int) string { return text[max(0, len(text)-n):] }

// excuse lets the daemon end by itself for a reason, until the returned function is called.
func (d *daemon) excuse(e excuse) (end func()) {
	count := func(n int) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.excused[e] += n
		d.recent[e] = d.recent[e] || n > 0
	}
	count(1)
	return func() { count(-1) }
}

// hold ends the process, if there is one, by a signal, and keeps it from being started until
// release.
func (d *daemon) hold(ctx context.Context, by syscall.Signal) (ended bool) {
	d.mu.Lock()
	d.held = true
	d.mu.Unlock()
	ended = d.signal(by, true)
	if d.awaitGone(ctx) || ctx.Err() != nil {
		return ended
	}
	d.wrong("the daemon did not end within %s of %v", stopWithin, by)
	d.kill()
	d.awaitGone(ctx)
	return ended
}

func (d *daemon) kill() bool { return d.signal(syscall.SIGKILL, true) }

// signal reports whether there was somebody to hear it.
func (d *daemon) signal(s syscall.Signal, ends bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.process == nil {
		return false
	}
	if err := d.process.Signal(s); err != nil {
		return false
	}
	d.asked = d.asked || ends
	return true
}

func (d *daemon) awaitGone(ctx context.Context) bool {
	patience, end := context.WithTimeout(ctx, stopWithin)
	defer end()
	for d.pid() != 0 {
		if patience.Err() != nil {
			return false
		}
		pause(patience, 5*time.Millisecond)
	}
	return true
}

// pid is that of the process that runs, 0 if there is none.
func (d *daemon) pid() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.process == nil {
		return 0
	}
	return d.process.Pid
}

func (d *daemon) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = false
}

// hangup asks it to read its config again, if it listens by now: before that SIGHUP would end it.
func (d *daemon) hangup() {
	d.mu.Lock()
	listens := d.process != nil && strings.Contains(d.log.String(), watching)
	d.mu.Unlock()
	if listens {
		d.signal(syscall.SIGHUP, false)
	}
}

// mustRefuse starts it once while it is held down: it must not run, for this reason or another that
// it has just now.
func (d *daemon) mustRefuse(ctx context.Context, e excuse) {
	d.mu.Lock()
	d.remember()
	d.mu.Unlock()
	defer d.excuse(e)()
	ctx, end := context.WithTimeout(ctx, 30*time.Second)
	defer end()
	cmd := exec.CommandContext(ctx, d.command[0], d.args()...)
	cmd.Env = append(os.Environ(), d.env...)
	said, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); !exited || ctx.Err() != nil || !d.isExcused(string(said)) {
		d.wrong("the daemon must refuse to start, since %s: got %v; it said:\n%s", e, err, last(string(said), 2000))
		return
	}
	d.note("the daemon refuses to start: %s", e)
}

// isExcused reports whether what was said is an excuse that there was since it was started.
func (d *daemon) isExcused(said string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for e, excused := range d.recent {
		if excused && slices.ContainsFunc(excuses[e], func(word string) bool { return strings.Contains(said, word) }) {
			return true
		}
	}
	return false
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
