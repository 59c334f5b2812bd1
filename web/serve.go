package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"watchdog/web/gate"
)

// The bounds of a request.
const (
	maxHeader     = 16 << 10
	maxBody       = 64 << 10
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	// shutdownGrace is how long requests in hand may go on when the daemon is told to stop.
	shutdownGrace = 3 * time.Second
)

// Listen takes the address of the config. Nothing is answered before Run.
func (s *Server) Listen(ctx context.Context) error {
	var how net.ListenConfig
	l, err := how.Listen(ctx, "tcp", s.Settings.Gate.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %s: another program has this address; end it, or give another address as http.listen in the config", s.Settings.Gate.Listen)
	case err != nil:
		return fmt.Errorf("listen on %s: %w", s.Settings.Gate.Listen, cause(err))
	}
	if files := s.Settings.Gate.TLS; files != nil {
		c, err := gate.OpenCertificate(*files, func(err error) {
			s.log.Warn("the certificate of before stays in use", "err", err)
		})
		if err != nil {
			return errors.Join(err, l.Close())
		}
		l = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.Get, NextProtos: []string{"h2", "http/1.1"}})
	}
	s.listener = l
	return nil
}

// cause is an error of the network without the address, which is said already.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// URL is where the page is; Listen must have succeeded.
func (s *Server) URL() string {
	return s.Settings.Gate.Scheme() + "://" + s.listener.Addr().String() + "/"
}

// Close gives the address back where Run is not called.
func (s *Server) Close() error { return s.listener.Close() }

// Run serves until ctx ends, and then finishes what is in hand. It returns after all that it
// started has returned.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{
		Handler: s.Handler(), MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve the page: %w", err)
	case <-ctx.Done():
	}
	s.feed.close()
	stopping, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer done()
	err := server.Shutdown(stopping)
	if err != nil { // somebody reads too slowly
		err = server.Close()
	}
	<-ended //nolint:errcheck // that it is closed is no news
	return err
}
