//go:build linux

package chaos_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"watchdog/internal/chaos"
)

func TestAPlaceIsKeptWhileNobodyListensThere(t *testing.T) {
	place, err := chaos.TakePlace("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	connect := func() error {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", place.Addr())
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	for range 2 {
		if err := connect(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("connect while nobody listens: got error %v, want %v", err, syscall.ECONNREFUSED)
		}
		if _, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", place.Addr()); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("another listens there: got error %v, want %v", err, syscall.EADDRINUSE)
		}
		l, err := place.Listen()
		if err != nil {
			t.Fatal(err)
		}
		if err := connect(); err != nil {
			t.Errorf("connect while somebody listens: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
