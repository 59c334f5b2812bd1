// Package terminal tells alerts to a person who looks at a terminal, one block of lines for each
// message.
package terminal

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"watchdog/diag"
	"watchdog/notify"
)

// Config is a terminal as it is written in YAML: it has no keys.
type Config struct{}

// Problems are none.
func (Config) Problems() []diag.Problem { return nil }

// Empty is false: the terminal is always there.
func (Config) Empty() bool { return false }

// Options are where and how to write.
type Options struct {
	Out      io.Writer      // nil means standard output
	Color    bool           // with the escapes of a terminal that has colours
	Location *time.Location // of the times shown; nil means UTC
}

// Sink writes messages. Each comes out whole, however many are sent at the same time.
type Sink struct {
	style style
	mu    sync.Mutex // guards out
	out   io.Writer
}

// New makes a sink.
func New(_ Config, o Options) (*Sink, error) {
	s := &Sink{style: style{color: o.Color, location: o.Location}, out: o.Out}
	if s.out == nil {
		s.out = os.Stdout
	}
	if s.style.location == nil {
		s.style.location = time.UTC
	}
	return s, nil
}

// Send writes m in one piece.
func (s *Sink) Send(ctx context.Context, m *notify.Message) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	text := s.style.render(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := io.WriteString(s.out, text); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	return nil
}

// Preview is what would be written, without colours.
func (s *Sink) Preview(m *notify.Message) ([]byte, error) {
	plain := style{location: s.style.location}
	return []byte(plain.render(m)), nil
}
