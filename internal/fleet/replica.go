//go:build linux

package fleet

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"watchdog/store/pgtest"
)

const (
	// watching is what the daemon logs when it has started.
	watching = `"msg":"watching"`
	// openStore is what it says when it ends because it cannot.
	openStore = "watchdog: open store "
	// noNote is what it says when it could not note what it had sent.
	noNote       = "note the result of delivery "
	restartAfter = 500 * time.Millisecond
	startWithin  = time.Minute
	stopWithin   = 5 * time.Second // and what a busy machine takes
)

// replica is one of several. It reaches the database by wires that can be cut.
type replica struct {
	world  *world
	name   string
	wires  [2]*pgtest.Wire
	faulty sync.Mutex // held while something is wrong with it
	lives  []*process // the last one is that of now
}

// process is one life of a replica.
type process struct {
	name  string // b2 is the second of replica b
	log   string // path
	cmd   *exec.Cmd
	began time.Time
	ended chan struct{} // closed when it has
	asked atomic.Bool   // to end
}

func replicaName(i int) string { return string(rune('a' + i)) }

func (r *replica) now() *process { return r.lives[len(r.lives)-1] }

// start begins its next life, and returns when it watches. One that cannot open the store while the
// database is away ends, and is started again, as a service manager does.
func (r *replica) start() {
	for deadline := time.Now().Add(startWithin); ; time.Sleep(restartAfter) {
		p := &process{name: fmt.Sprintf("%s%d", r.name, len(r.lives)+1), began: time.Now(), ended: make(chan struct{})}
		p.log = filepath.Join(r.world.Dir, p.name+".log")
		if err := r.begin(p); err != nil {
			r.world.t.Errorf("start %s: %v", p.name, err)
			return
		}
		r.lives = append(r.lives, p)
		r.world.note("%s has begun", p.name)
		go r.attend(p)
		if r.watches(p, deadline) {
			return
		}
		if time.Now().After(deadline) {
			r.world.wrong("%s did not watch within %s", r.name, startWithin)
			return
		}
	}
}

// attend waits until a process has ended, and judges that.
func (r *replica) attend(p *process) {
	err := p.cmd.Wait()
	if !p.asked.Load() && !(p.has(openStore) && !p.has(watching) && r.world.awaySince(p.began)) {
		r.world.wrong("%s ended by itself (%v)", p.name, err)
	}
	close(p.ended)
}

// watches waits until a process watches; false when it has ended, or the deadline is over.
func (r *replica) watches(p *process, deadline time.Time) bool {
	for !p.has(watching) {
		select {
		case <-p.ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func (r *replica) begin(p *process) error {
	config := filepath.Join(r.world.Dir, p.name+".yaml")
	if err := os.WriteFile(config, []byte(r.world.config(r, p.name)), 0o600); err != nil {
		return err
	}
	log, err := os.Create(p.log)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the process has its own
	args := slices.Concat(r.world.Command[1:], []string{"run", "--log-format", "json", "--config", config})
	p.cmd = exec.Command(r.world.Command[0], args...) //nolint:noctx // it ends with us
	p.cmd.Env = append(os.Environ(), r.world.Env...)
	p.cmd.Stderr = log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return p.cmd.Start()
}

// has reports whether it has logged a word.
func (p *process) has(word string) bool {
	said, err := os.ReadFile(p.log)
	return err == nil && bytes.Contains(said, []byte(word))
}

// end ends it by a signal, and returns when it has.
func (r *replica) end(by syscall.Signal) {
	p := r.now()
	p.asked.Store(true)
	r.signal(by)
	select {
	case <-p.ended:
	case <-time.After(stopWithin + r.world.Lenient):
		r.world.wrong("%s did not end within %s of %v", p.name, stopWithin+r.world.Lenient, by)
		_ = p.cmd.Process.Kill() // it may have ended now
		<-p.ended
	}
	// What was sent and could not be noted is sent again, which is said by the exit status.
	if code := p.cmd.ProcessState.ExitCode(); by == syscall.SIGTERM && code != 0 && !p.has(noNote) {
		r.world.wrong("%s ended with exit status %d after %v, want 0", p.name, code, by)
	}
}

func (r *replica) signal(s syscall.Signal) {
	if err := r.now().cmd.Process.Signal(s); err != nil {
		r.world.wrong("%v to %s: %v", s, r.now().name, err)
	}
}

// wired does something to both wires.
func (r *replica) wired(do func(*pgtest.Wire)) {
	for _, w := range r.wires {
		do(w)
	}
}
