package web

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"watchdog/notify"
)

// The outcomes of an attempt to deliver.
const (
	sent    = "sent"
	failed  = "failed"  // it is tried again
	refused = "refused" // it is not
)

// The reasons of an attempt that did not succeed.
const (
	timedOut    = "timeout"
	unconnected = "connection"
	busy        = "busy" // the receiver says when to come again
	notTaken    = "refused"
	otherwise   = "error" // any other answer
)

// Attempted tells readers how an attempt to deliver to a sink ended: err is what the sink said, nil
// when the receiver has it.
func (s *Server) Attempted(sink string, err error, took time.Duration) {
	s.metrics.attempted(sink, err, took)
	s.feed.attempted(sink, outcomeOf(err))
}

// introduce makes a sink show before anything was sent to it.
func (m *metrics) introduce(sink string) {
	for _, outcome := range []string{sent, failed, refused} {
		m.attempts.WithLabelValues(sink, outcome)
	}
	for _, reason := range []string{timedOut, unconnected, busy, notTaken, otherwise} {
		m.failures.WithLabelValues(sink, reason)
	}
}

func (m *metrics) attempted(sink string, err error, took time.Duration) {
	m.attempts.WithLabelValues(sink, outcomeOf(err)).Inc()
	m.delivery.WithLabelValues(sink).Observe(took.Seconds())
	if err != nil {
		m.failures.WithLabelValues(sink, reasonOf(err)).Inc()
	}
}

func outcomeOf(err error) string {
	if err == nil {
		return sent
	}
	if _, forGood := errors.AsType[*notify.Refused](err); forGood {
		return refused
	}
	return failed
}

// reasonOf is one of a few classes, so that no receiver makes up values of a label.
func reasonOf(err error) string {
	var late interface {
		error
		Timeout() bool
	}
	if _, forGood := errors.AsType[*notify.Refused](err); forGood {
		return notTaken
	}
	if _, later := errors.AsType[*notify.Busy](err); later {
		return busy
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late) && late.Timeout() {
		return timedOut
	}
	if connectionError(err) {
		return unconnected
	}
	return otherwise
}

func connectionError(err error) bool {
	_, network := errors.AsType[*net.OpError](err)
	_, name := errors.AsType[*net.DNSError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return network || name || certificate || record
}
