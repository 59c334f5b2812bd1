//go:build unix

package pgtest

import (
	"context"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// process is a server program that ends when we do, however that comes: the shell that it runs
// under reads from a pipe, which then breaks.
type process struct {
	hold  io.Closer
	ended chan struct{}
}

const shell = `"$@" & server=$!; read -r _; kill -QUIT $server; wait $server`

func begin(owner *syscall.Credential, log string, command []string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() //nolint:errcheck // the program has its own
	cmd := exec.CommandContext(context.Background(), "/bin/sh", append([]string{"-c", shell, "sh"}, command...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Setpgid: true}
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{hold: hold, ended: make(chan struct{})}
	go func() {
		cmd.Wait() //nolint:errcheck // it is told to end
		close(p.ended)
	}()
	return p, nil
}

// end ends it and waits for that.
func (p *process) end() {
	p.hold.Close()
	<-p.ended
}
