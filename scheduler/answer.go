package scheduler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// answer is the server's answer to one request, as it comes in. A Read that waits longer than
// the server may be silent fails, however long the whole takes.
type answer struct {
	status int
	header http.Header

	client       *Client
	method, path string
	body         io.ReadCloser
	silence      *silence
}

// Read is of the body. Its errors but for io.EOF are *Error.
func (a *answer) Read(p []byte) (int, error) {
	a.silence.begin()
	n, err := a.body.Read(p)
	a.silence.end()
	if err == nil || err == io.EOF {
		return n, err
	}
	err = a.silence.cause(err)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the answer was cut short: %w", err)
	}
	return n, a.client.failed(a.method, a.path, err)
}

// drain reads what may follow what was wanted, a line feed and the end mark of a chunked body, so
// that the connection can be used again.
func (a *answer) drain() { _, _ = io.CopyN(io.Discard, a, 512) } // an error costs only the connection

// Close ends the request; where the body was not read to its end, also the connection.
func (a *answer) Close() {
	a.body.Close()
	a.silence.stop()
}

// silence ends a request when nothing comes from the server for too long.
type silence struct {
	most   time.Duration
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

// silenceError is how long nothing came.
type silenceError time.Duration

func (e silenceError) Error() string { return fmt.Sprintf("nothing came for %v", time.Duration(e)) }

// Timeout makes it one, in the manner of package net.
func (e silenceError) Timeout() bool { return true }

// newSilence begins at once; its ctx is for the request.
func newSilence(ctx context.Context, most time.Duration) *silence {
	s := &silence{most: most}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.timer = time.AfterFunc(most, func() { s.cancel(silenceError(most)) })
	return s
}

func (s *silence) begin() { s.timer.Reset(s.most) }
func (s *silence) end()   { s.timer.Stop() }

// stop is the end of the request.
func (s *silence) stop() {
	s.timer.Stop()
	s.cancel(nil)
}

// cause is the reason for err, which came from the request: the silence, the end of the
// caller's context, or err itself.
func (s *silence) cause(err error) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	return err
}
