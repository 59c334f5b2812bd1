//go:build linux

package chaos

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// network is what a proxy makes of connections.
type network int

const (
	open     network = iota
	refused          // nobody listens
	reset            // taken and thrown away, those that are open too
	hung             // nothing gets through in either direction, and nothing is closed
	sluggish         // everything comes late
	cut              // the answer ends after some bytes, as if it had been whole
)

// late is by how much everything comes late on a sluggish network.
const late = 150 * time.Millisecond

// proxy stands between the daemon and something that it talks to by TCP, and lets connections
// suffer. It listens on one port for as long as it lives, but while it refuses.
type proxy struct {
	addr, target string
	place        *place

	mu       sync.Mutex // guards the rest
	state    network
	changed  chan struct{} // closed and replaced when state changes
	listener net.Listener
	pairs    map[*net.TCPConn]bool // the daemon's ends
	serving  sync.WaitGroup
}

func newProxy(host, target string) (*proxy, error) {
	taken, err := takePlace(host)
	if err != nil {
		return nil, err
	}
	p := &proxy{addr: taken.addr, target: target, place: taken, changed: make(chan struct{}), pairs: map[*net.TCPConn]bool{}}
	if err := p.listen(); err != nil {
		return nil, errors.Join(err, taken.close())
	}
	return p, nil
}

// listen is called with mu held, or before anybody else has p.
func (p *proxy) listen() error {
	l, err := p.place.listen()
	if err != nil {
		return err
	}
	p.listener = l
	p.serving.Go(func() { p.accept(l) })
	return nil
}

func (p *proxy) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		p.serving.Go(func() { p.serve(conn.(*net.TCPConn)) })
	}
}

// set changes what becomes of connections, those that are open included.
func (p *proxy) set(state network) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == state {
		return nil
	}
	was := p.state
	p.state = state
	close(p.changed)
	p.changed = make(chan struct{})
	if state == refused || state == reset {
		for conn := range p.pairs {
			abort(conn)
		}
	}
	switch {
	case state == refused:
		return p.listener.Close()
	case was == refused:
		return p.listen()
	}
	return nil
}

// close ends everything, and returns when nothing runs any more.
func (p *proxy) close() {
	_ = p.set(refused)
	p.serving.Wait()
	_ = p.place.close()
}

func (p *proxy) now() (network, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, p.changed
}

func (p *proxy) serve(from *net.TCPConn) {
	defer shut(from)
	if !p.enter(from) {
		abort(from)
		return
	}
	defer p.leave(from)
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		abort(from)
		return
	}
	to := conn.(*net.TCPConn)
	defer shut(to)
	var copying sync.WaitGroup
	copying.Go(func() { p.copy(to, from, false) })
	copying.Go(func() { p.copy(from, to, true) })
	copying.Wait()
}

// enter notes a connection, but where connections are thrown away.
func (p *proxy) enter(conn *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == refused || p.state == reset {
		return false
	}
	p.pairs[conn] = true
	return true
}

func (p *proxy) leave(conn *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pairs, conn)
}

// copy passes bytes on until either side ends. While connections hang it keeps what it has read.
func (p *proxy) copy(to, from *net.TCPConn, answer bool) {
	defer shut(from)
	defer shut(to)
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		state, changed := p.now()
		for state == hung {
			<-changed
			state, changed = p.now()
		}
		if state == sluggish {
			<-time.After(late)
		}
		if state == cut && answer && n > 1 {
			_, _ = to.Write(buf[:n/2])
			return
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				abort(to)
			}
			return
		}
	}
}

// shut closes what may be closed already.
func shut(conn *net.TCPConn) { _ = conn.Close() }

// abort ends a connection by a reset, so that the other side sees an error and no end.
func abort(conn *net.TCPConn) {
	raw, err := conn.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptLinger(int(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
		})
	}
	_ = conn.Close()
}
