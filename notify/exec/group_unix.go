//go:build unix

package exec

import (
	"os"
	"os/exec"
	"syscall"
)

// inGroup runs a command in a process group of its own, which is killed as a whole.
func inGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
			return os.ErrProcessDone // it has ended meanwhile
		}
		return nil
	}
}
