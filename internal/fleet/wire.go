//go:build linux

package fleet

import (
	"net"
	"sync"
	"testing"
)

// state is how a wire is.
type state int

const (
	whole  state = iota
	hung         // nothing arrives any more, and nobody is told; what is sent arrives later
	broken       // every connection ends, and none is made
)

// wire forwards connections to an address.
type wire struct {
	net.Listener

	mu      sync.Mutex // guards the rest
	to      string
	state   state
	changed chan struct{} // closed and replaced when state changes
	conns   map[net.Conn]bool
}

func newWire(t testing.TB, to string) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it waits for nothing
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, to: to, changed: make(chan struct{}), conns: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { w.forward(near) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.set(broken)
		serving.Wait()
	})
	return w
}

func (w *wire) Addr() string { return w.Listener.Addr().String() }

// aim lets connections that are made from now on lead elsewhere.
func (w *wire) aim(to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
}

func (w *wire) set(s state) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = s
	close(w.changed)
	w.changed = make(chan struct{})
	if s == broken {
		for c := range w.conns {
			_ = c.Close()
		}
	}
}

func (w *wire) forward(near net.Conn) {
	defer near.Close() //nolint:errcheck // it may be closed already
	to, ok := w.enter(near)
	if !ok {
		return
	}
	defer w.leave(near)
	far, err := net.Dial("tcp", to) //nolint:noctx // on the same machine
	if err != nil {
		return
	}
	var copying sync.WaitGroup
	copying.Go(func() { w.copy(far, near) })
	copying.Go(func() { w.copy(near, far) })
	copying.Wait()
}

func (w *wire) enter(near net.Conn) (to string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == broken {
		return "", false
	}
	w.conns[near] = true
	return w.to, true
}

func (w *wire) leave(near net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, near)
}

// copy passes on what arrives until either side ends, and holds it back while the wire is hung.
func (w *wire) copy(to, from net.Conn) {
	defer to.Close()   //nolint:errcheck // the other direction may have closed it
	defer from.Close() //nolint:errcheck // likewise
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		w.passable()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// passable waits until the wire does not hang.
func (w *wire) passable() {
	for {
		w.mu.Lock()
		state, changed := w.state, w.changed
		w.mu.Unlock()
		if state != hung {
			return
		}
		<-changed
	}
}
