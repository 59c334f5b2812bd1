package store

import (
	"errors"
	"fmt"
	"os"

	"github.com/gofrs/flock"
)

// ErrInUse says that another process has the store open for writing.
var ErrInUse = errors.New("in use")

// acquire takes the lock that the owner of a store holds, or fails at once with ErrInUse. The
// operating system releases it however the process ends. The file stays, since a lock on a file
// that somebody deletes protects nothing; what stands in it is only for the message.
func acquire(path string) (*flock.Flock, error) {
	lock := flock.New(path, flock.SetPermissions(0o644))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !taken {
		return nil, fmt.Errorf("%w by %s; stop it, or give this one another store", ErrInUse, holder(path))
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	note := fmt.Sprintf("%d %s\n", os.Getpid(), host)
	if err := os.WriteFile(path, []byte(note), 0o644); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return lock, nil
}

// holder names the process that holds the lock, as far as it can be known.
func holder(path string) string {
	note, err := os.ReadFile(path)
	if err != nil {
		return "another process"
	}
	var pid int
	var host string
	if n, _ := fmt.Sscanf(string(note), "%d %s", &pid, &host); n != 2 {
		return "another process"
	}
	return fmt.Sprintf("process %d on host %s", pid, host)
}
