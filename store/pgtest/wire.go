package pgtest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Wire forwards connections to a server, until it is cut: then nothing arrives any more, and nobody
// is told. Or until it is broken: then connections end, and none can be made.
type Wire struct {
	listener net.Listener

	mu     sync.Mutex    // guards what follows
	to     string        // where connections lead that come
	whole  chan struct{} // closed while the wire is not cut
	era    int           // how often it was renewed
	broken bool
	ends   map[net.Conn]bool // those of who came here
}

// NewWire makes a wire to an address that lasts as long as the test.
func NewWire(t testing.TB, to string) *Wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it waits for nothing
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{listener: l, to: to, whole: make(chan struct{}), ends: map[net.Conn]bool{}}
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

// Aim makes connections that come lead to another address.
func (w *Wire) Aim(to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
}

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

// Break breaks the wire, or mends it.
func (w *Wire) Break(broken bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = broken
	if broken {
		for near := range w.ends {
			near.Close() //nolint:errcheck // it is of no more use
		}
	}
}

// state is what keeps connections from getting anything, and of which era those are that come.
func (w *Wire) state() (whole <-chan struct{}, era int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.whole, w.era
}

// enter says where a connection leads; false when nowhere.
func (w *Wire) enter(near net.Conn) (to string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.broken {
		w.ends[near] = true
	}
	return w.to, !w.broken
}

func (w *Wire) leave(near net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ends, near)
}

func (w *Wire) forward(near net.Conn) {
	defer near.Close() //nolint:errcheck // it is of no more use
	to, ok := w.enter(near)
	if !ok {
		return
	}
	defer w.leave(near)
	far, err := net.Dial("tcp", to) //nolint:noctx // it is on this machine
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
