package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// errEnded is of a program that ended as if all were well.
var errEnded = errors.New("it ended without an error")

// process is a program that is measured while it runs.
type process struct {
	cmd   *exec.Cmd
	url   string // of what it serves
	log   string // the file of what it says
	ended chan struct{}
	err   error // how it ended
}

// launch starts a program.
func (b *bench) launch(ctx context.Context, url, name string, args ...string) (*process, error) {
	log, err := os.CreateTemp(b.scratch, filepath.Base(name)+"-*.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the program has its own
	p := &process{cmd: exec.CommandContext(ctx, name, args...), url: url, log: log.Name(), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = log, log, b.scratch
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop ends it as a service manager does, and returns when it has ended.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	<-p.ended
}

// await asks every so often until it holds, for minutes at most.
func (p *process) await(ctx context.Context, what string, often time.Duration, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	every := time.NewTicker(often)
	defer every.Stop()
	for !holds() {
		select {
		case <-p.ended:
			said, _ := os.ReadFile(p.log)
			return fmt.Errorf("%s ended before %s: %w\n%s", p.cmd.Path, what, cmp.Or(p.err, errEnded), said[max(0, len(said)-2000):])
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, ctx.Err())
		case <-every.C:
		}
	}
	return nil
}

// get asks the program's own server for JSON.
func (p *process) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, http.NoBody)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// usage is what Linux counts of a process.
type usage struct {
	cpu  time.Duration // of all its threads, in user and kernel mode, to 10 ms
	peak int64         // bytes of memory it had at most since forgetPeak
}

// usage reads it. Linux only.
func (p *process) usage() (usage, error) {
	line, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return usage{}, err
	}
	s, err1 := parseStat(line)
	status, err2 := os.ReadFile(p.proc("status"))
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	size, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" kB"))
	peak, err3 := strconv.ParseInt(string(size), 10, 64)
	return usage{cpu: time.Duration(s.own) * tick, peak: peak << 10}, errors.Join(err1, err2, err3)
}

// forgetPeak lets the peak of memory begin anew (clear_refs of proc_pid_clear_refs(5)).
func (p *process) forgetPeak() error { return os.WriteFile(p.proc("clear_refs"), []byte("5"), 0) }

func (p *process) proc(file string) string {
	return fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file)
}

// freeAddress is an address of this machine at which nobody listens.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
