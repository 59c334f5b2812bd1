package cli

import (
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// logger writes to stderr: json for programs, otherwise text, coloured on a terminal.
func (s *session) logger(format string) *slog.Logger {
	switch {
	case format == "json":
		return slog.New(slog.NewJSONHandler(s.Stderr, nil))
	case s.colored(s.Stderr):
		return slog.New(tint.NewTextHandler(s.Stderr, &tint.Options{TimeFormat: time.TimeOnly}))
	default:
		return slog.New(slog.NewTextHandler(s.Stderr, nil))
	}
}
