package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fill takes all the space that is left on the file system of a folder, and gives it back.
func fill(dir string) (giveBack func()) {
	path := filepath.Join(dir, "filler")
	file, err := os.Create(path)
	if err != nil {
		return func() {}
	}
	for size := 64 << 10; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	return func() { _ = file.Close(); _ = os.Remove(path) }
}

// The store is on a disk of 32 MB that is full half of the time, also while a process starts.
func TestKillsOnAFullDiskLoseNothingAndTellNothingTwice(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m"); err != nil {
		if errors.Is(err, os.ErrPermission) && os.Getenv("CI") == "" {
			t.Skip("only root can mount a small disk")
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	path, e := filepath.Join(dir, "watchdog.db"), newEars(t)
	e.killAgain(t, path, 1, func(error) bool { return false }) // a disk that is full from the start has no store

	stop := make(chan struct{})
	var filling sync.WaitGroup
	filling.Go(func() {
		for {
			giveBack := fill(dir)
			full := time.After(150 * time.Millisecond)
			select {
			case <-full:
			case <-stop:
			}
			giveBack()
			select {
			case <-time.After(150 * time.Millisecond):
			case <-stop:
				return
			}
		}
	})
	e.killAgain(t, path, killsFullDisk, func(error) bool { return true }) // it may not open on a full disk
	close(stop)
	filling.Wait()
	e.drain(t, path)
	e.check(t, path)
}
