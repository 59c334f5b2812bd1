//go:build linux

package chaos

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A daemon whose machine fails is the product's own code, to the last line, on a Go whose clock and
// whose disk do as a file says: `go build -overlay` puts other files in the place of three of Go's
// own. The wall clock is put off as `date -s` or a step of NTP puts it off, while what Go measures
// durations by goes on; what makes things safe on a disk takes longer.

// machineEnv names the file that says how the machine does, for a daemon that BuildOnBadMachine built.
const machineEnv = "WATCHDOG_CHAOS_MACHINE"

// edit is a change of one of Go's source files: what stands there once is replaced.
type edit struct{ file, old, new string }

// edits are made to Go's sources: of a Go that has other ones no daemon is built.
var edits = []edit{
	{
		"time/time.go",
		"\tsec, nsec, mono := runtimeNow()\n\tif mono == 0 {",
		"\tsec, nsec, mono := runtimeNow()\n\tsec += syscall.ChaosAhead()\n\tif mono == 0 {",
	},
	{"time/time.go", "\t_ \"unsafe\" // for go:linkname\n)", "\t\"syscall\"\n\t_ \"unsafe\" // for go:linkname\n)"},
	{"syscall/syscall_linux.go", "\tr1, r2, err = RawSyscall6(trap, a1, a2, a3, 0, 0, 0)\n\truntime_exitsyscall()", "\tchaosDelay(trap)\n\tr1, r2, err = RawSyscall6(trap, a1, a2, a3, 0, 0, 0)\n\truntime_exitsyscall()"},
	{"syscall/syscall_linux.go", "\tr1, r2, err = RawSyscall6(trap, a1, a2, a3, a4, a5, a6)\n\truntime_exitsyscall()", "\tchaosDelay(trap)\n\tr1, r2, err = RawSyscall6(trap, a1, a2, a3, a4, a5, a6)\n\truntime_exitsyscall()"},
	{"syscall/syscall_linux.go", "func rawSyscallNoError(", badMachine + "\nfunc rawSyscallNoError("},
}

// badMachine is what Go's package syscall has besides: it runs while a system call is made, where
// a stack may not grow.
const badMachine = `
// chaosMachine is how far the clock is ahead in seconds, and how long the disk takes for one thing
// in nanoseconds.
var chaosMachine *[2]int64

func init() {
	path, ok := Getenv("` + machineEnv + `")
	if !ok {
		panic("` + machineEnv + ` is not set")
	}
	fd, err := Open(path, O_RDONLY|O_CLOEXEC, 0)
	if err != nil {
		panic(path + ": " + err.Error())
	}
	at, err := mmap(0, 16, PROT_READ, MAP_SHARED, fd, 0)
	if err != nil {
		panic(path + ": " + err.Error())
	}
	chaosMachine = *(**[2]int64)(unsafe.Pointer(&at))
}

func ChaosAhead() int64 { return chaosMachine[0] }

//go:nosplit
//go:norace
func chaosDelay(trap uintptr) {
	if trap != SYS_FSYNC && trap != SYS_FDATASYNC && trap != SYS_PWRITE64 || chaosMachine == nil || chaosMachine[1] == 0 {
		return
	}
	rest := [2]int64{0, chaosMachine[1]}
	for {
		_, _, err := RawSyscall6(SYS_NANOSLEEP, uintptr(unsafe.Pointer(&rest)), uintptr(unsafe.Pointer(&rest)), 0, 0, 0, 0)
		if err != EINTR {
			return
		}
	}
}
`

// BuildOnBadMachine builds a program, named as for `go build`, for a machine that fails. It is an
// error where Go's sources are not those that are known. The first time takes minutes: everything
// is compiled anew.
func BuildOnBadMachine(ctx context.Context, program, into, dir string) error {
	overlay, err := writeOverlay(dir)
	if err != nil {
		return fmt.Errorf("make Go's clock and disk fail: %w", err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", into, program)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s for a machine that fails: %w: %s", program, err, out)
	}
	return nil
}

// writeOverlay writes the edited sources into a directory, and the file that tells of them.
func writeOverlay(dir string) (path string, err error) {
	root, err := exec.Command("go", "env", "GOROOT").Output() //nolint:noctx // it reads a file
	if err != nil {
		return "", err
	}
	src := filepath.Join(strings.TrimSpace(string(root)), "src")
	texts := map[string]string{}
	for _, e := range edits {
		if _, read := texts[e.file]; !read {
			text, err := os.ReadFile(filepath.Join(src, e.file))
			if err != nil {
				return "", err
			}
			texts[e.file] = string(text)
		}
		if n := strings.Count(texts[e.file], e.old); n != 1 {
			return "", fmt.Errorf("%s of %s has %d of what is to be replaced once:\n%s", e.file, runtime.Version(), n, e.old)
		}
		texts[e.file] = strings.Replace(texts[e.file], e.old, e.new, 1)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, text := range texts {
		edited := filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(edited, []byte(text), 0o600); err != nil {
			return "", err
		}
		overlay.Replace[filepath.Join(src, file)] = edited
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}

// Machine is the file that a daemon on a machine that fails looks at all the time.
type Machine struct{ file *os.File }

// NewMachine makes the file of a machine on which all is well.
func NewMachine(path string) (*Machine, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	m := &Machine{file}
	return m, errors.Join(m.SetClock(0), m.SetDisk(0))
}

// Env is what a program that BuildOnBadMachine built has to have in its environment.
func (m *Machine) Env() string { return machineEnv + "=" + m.file.Name() }

// SetClock sets how far the program's wall clock is ahead of ours, in whole seconds.
func (m *Machine) SetClock(ahead time.Duration) error { return m.write(0, int64(ahead/time.Second)) }

// SetDisk sets how long each write and each sync of the program takes besides, below a second.
func (m *Machine) SetDisk(delay time.Duration) error { return m.write(8, int64(delay)) }

func (m *Machine) write(at, value int64) error {
	_, err := m.file.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(value)), at)
	return err
}

// Close closes the file; programs go on with what it says.
func (m *Machine) Close() error { return m.file.Close() }
