package couchtest

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// Serve listens, on 127.0.0.1 and a free port if addr is "", and answers until stop is called,
// which returns when nothing runs any more. From then on the URL is the server's own: databases
// named without a host are at it.
func (s *Server) Serve(addr string) (url string, stop func(), err error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", cmp.Or(addr, "127.0.0.1:0"))
	if err != nil {
		return "", nil, fmt.Errorf("listen for the simulated server: %w", err)
	}
	url = "http://" + l.Addr().String()
	s.mu.Lock()
	s.base = url
	s.mu.Unlock()
	return url, s.serve(l), nil
}

// serve answers on l until the returned function is called.
func (s *Server) serve(l net.Listener) (stop func()) {
	// Long polls and hanging faults end with the context.
	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	hs := &http.Server{
		BaseContext: func(net.Listener) context.Context { return ctx },
		Handler:     s,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew: // said by Serve itself, so never after it has returned
				busy.Add(1)
			case http.StateClosed:
				busy.Done()
			}
		},
	}
	busy.Go(func() { _ = hs.Serve(l) }) // it ends by Close
	return sync.OnceFunc(func() {
		cancel()
		_ = hs.Close() // nobody can do anything about it
		busy.Wait()
	})
}

// Client is an HTTP client that talks to this server, whatever host its URLs name, through
// memory: no socket is opened, so it works in a testing/synctest bubble. Stop ends the server's
// side of it.
func (s *Server) Client() (client *http.Client, stop func()) {
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	stopServing := s.serve(l)
	transport := &http.Transport{DialContext: l.dial}
	return &http.Client{Transport: transport}, func() {
		transport.CloseIdleConnections()
		stopServing()
	}
}

// pipes is a listener whose connections are made in memory.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return address{} }

// address is where a pipe listens.
type address struct{}

func (address) Network() string { return "pipe" }
func (address) String() string  { return "127.0.0.1:5984" }
