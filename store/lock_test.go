package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"watchdog/store"
)

// refused opens a store that is in use and gives the error.
func refused(t *testing.T, path string) error {
	t.Helper()
	s, err := store.Open(t.Context(), path, store.Options{})
	if err == nil {
		s.Close()
		t.Fatal("Open of a store in use: got no error")
	}
	if !errors.Is(err, store.ErrInUse) {
		t.Errorf("Open: got error %v, want ErrInUse", err)
	}
	return err
}

func TestStoreIsOpenInOneProcess(t *testing.T) {
	path := newFile(t)
	write(t, path+".lock", []byte("99999 elsewhere, before the power went\n"))
	other := start(t, "hold", path)
	other.line(t)

	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("open store %s: in use by process %d on host %s; stop it, or give this one another store",
		path, other.cmd.Process.Pid, host)
	if got := refused(t, path).Error(); got != want {
		t.Errorf("Open: got error %s, want %s", got, want)
	}
	other.kill()
	open(t, path) // fails the test when the kill left the lock
}

func TestStoreIsOpenOnceByWhateverName(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "watchdog.db"), filepath.Join(dir, "link.db")
	if err := os.Symlink("watchdog.db", link); err != nil { // its target is not there yet
		t.Fatal(err)
	}
	s := open(t, link)
	refused(t, path)
	refused(t, link)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestStoreInUseByNobodyKnown(t *testing.T) {
	path := newFile(t)
	open(t, path)
	write(t, path+".lock", []byte("4711"))
	want := "open store " + path + ": in use by another process; stop it, or give this one another store"
	if got := refused(t, path).Error(); got != want {
		t.Errorf("Open: got error %s, want %s", got, want)
	}
}
