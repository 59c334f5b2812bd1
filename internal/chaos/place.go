//go:build linux

package chaos

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// place is an address that is kept while nobody listens there: by a socket that is bound to it and
// does not listen. Whoever connects meanwhile is refused, and no other process can take it.
type place struct {
	addr   string
	socket int
}

// reusePort is SO_REUSEPORT, which package syscall does not have: sockets of one user may share an
// address.
const reusePort = 0xf

// takePlace takes a free port of an IPv4 address.
func takePlace(host string) (*place, error) {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return nil, err
	}
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	p := &place{socket: socket}
	err = syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, reusePort, 1)
	if err == nil {
		err = syscall.Bind(socket, &syscall.SockaddrInet4{Addr: ip.As4()})
	}
	var bound syscall.Sockaddr
	if err == nil {
		bound, err = syscall.Getsockname(socket)
	}
	if err != nil {
		_ = p.close()
		return nil, fmt.Errorf("take a port of %s: %w", host, err)
	}
	p.addr = netip.AddrPortFrom(ip, uint16(bound.(*syscall.SockaddrInet4).Port)).String()
	return p, nil
}

func (p *place) listen() (net.Listener, error) {
	sharing := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		failed := raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, reusePort, 1) })
		if failed != nil {
			return failed
		}
		return err
	}}
	return sharing.Listen(context.Background(), "tcp", p.addr)
}

func (p *place) close() error { return syscall.Close(p.socket) }
