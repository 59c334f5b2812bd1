//go:build linux

package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// diskSize is some three times what a run writes.
const diskSize = "48m"

// disk is where the store is: a small file system of its own for root, who alone can make one; a
// folder for others, whose disk never fails.
type disk struct {
	dir   string
	small bool

	mu     sync.Mutex // guards filler
	filler *os.File
}

func newDisk(dir string) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+diskSize)
	if err != nil && !errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("mount a small disk: %w", err)
	}
	return &disk{dir: dir, small: err == nil}, nil
}

// fill takes all the space that is left.
func (d *disk) fill() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.filler != nil {
		return nil
	}
	file, err := os.Create(filepath.Join(d.dir, "filler"))
	if err != nil {
		return err
	}
	d.filler = file
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	return nil
}

// free gives the space back.
func (d *disk) free() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.filler == nil {
		return nil
	}
	err := errors.Join(d.filler.Close(), os.Remove(d.filler.Name()))
	d.filler = nil
	return err
}

// seal makes the disk read-only, or writable again. Nobody may have a file of it open for writing.
func (d *disk) seal(sealed bool) error {
	flags := uintptr(syscall.MS_REMOUNT)
	if sealed {
		flags |= syscall.MS_RDONLY
	}
	return syscall.Mount("", d.dir, "", flags, "size="+diskSize)
}

func (d *disk) close() error {
	err := d.free()
	if !d.small {
		return err
	}
	return errors.Join(err, syscall.Unmount(d.dir, 0))
}
