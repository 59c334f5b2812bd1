//go:build linux

package chaos

import "net"

// Taken lets tests take a place.
type Taken struct{ p *place }

// TakePlace takes one.
func TakePlace(host string) (Taken, error) {
	p, err := takePlace(host)
	return Taken{p}, err
}

// Addr is its address.
func (t Taken) Addr() string { return t.p.addr }

// Listen listens there.
func (t Taken) Listen() (net.Listener, error) { return t.p.listen() }

// Close gives it up.
func (t Taken) Close() error { return t.p.close() }
