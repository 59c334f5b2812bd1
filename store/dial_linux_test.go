package store_test

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"watchdog/store"
)

// A server that is cut off while something is on its way to it is noticed by the system.
func TestAConnectionIsGivenUpWhenNothingIsAcknowledged(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := store.PostgresDialer.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var got int
	var failed error
	if err := raw.Control(func(fd uintptr) { got, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }); err != nil {
		t.Fatal(err)
	}
	if want := 10_000; got != want || failed != nil {
		t.Errorf("TCP_USER_TIMEOUT: got %d ms and error %v, want %d ms", got, failed, want)
	}
}
