package pgtest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Wire forwards connections to a server, until it is cut: then nothing arrives any more, and nobody
// is told.
type Wire struct {
	listener net.Listener
	to       string

	mu    sync.Mutex    // guards what follows
	whole chan struct{} // closed while the wire is not cut
	era   int           // how often it was renewed
}

// NewWire makes a wire to an address that lasts as long as the test.
func NewWire(t *testing.T, to string) *Wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it waits for nothing
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{listener: l, to: to, whole: make(chan struct{})}
	close(w.whole)
	t.Cleanup(func() { l.Close() }) //nolint:errcheck // nobody comes any more
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go w.forward(near)
		}
	}()
	return w
}

// Address is where it listens.
func (w *Wire) Address() string { return w.listener.Addr().String() }

// Cut cuts the wire, or mends it: then what was held back arrives.
func (w *Wire) Cut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cut {
		w.whole = make(chan struct{})
	} else {
		close(w.whole)
	}
}

// Renew mends a wire that is cut for connections that come; on those that were there nothing
// arrives any more.
func (w *Wire) Renew() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.era++
	close(w.whole)
}

// state is what keeps connections from getting anything, and of which era those are that come.
func (w *Wire) state() (whole <-chan struct{}, era int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.whole, w.era
}

func (w *Wire) forward(near net.Conn) {
	defer near.Close()                //nolint:errcheck // it is of no more use
	far, err := net.Dial("tcp", w.to) //nolint:noctx // it is on this machine
	if err != nil {
		return
	}
	defer far.Close() //nolint:errcheck // it is of no more use
	_, era := w.state()
	go func() {
		w.copy(far, near, era)
		far.Close() //nolint:errcheck // it is of no more use
	}()
	w.copy(near, far, era)
}

// copy holds back what arrives while the wire is cut.
func (w *Wire) copy(to io.Writer, from io.Reader, era int) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		whole, _ := w.state()
		<-whole
		if _, now := w.state(); n > 0 && now == era {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
