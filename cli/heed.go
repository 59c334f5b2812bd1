package cli

import (
	"context"
	"time"

	"watchdog/notify"
	"watchdog/store"
)

// said is what people say to a running daemon: it is kept, and heeded at once.
type said struct {
	*store.DB
	heed func(context.Context)
}

func (s said) PutSilence(ctx context.Context, silence *notify.Silence) error {
	return s.heeded(ctx, s.DB.PutSilence(ctx, silence))
}

func (s said) ExpireSilence(ctx context.Context, id string, at time.Time) (*notify.Silence, error) {
	silence, err := s.DB.ExpireSilence(ctx, id, at)
	return silence, s.heeded(ctx, err)
}

func (s said) Acknowledge(ctx context.Context, fingerprint string, ack notify.Ack) error {
	return s.heeded(ctx, s.DB.Acknowledge(ctx, fingerprint, ack))
}

func (s said) Unacknowledge(ctx context.Context, fingerprint string) error {
	return s.heeded(ctx, s.DB.Unacknowledge(ctx, fingerprint))
}

func (s said) heeded(ctx context.Context, err error) error {
	if err == nil {
		s.heed(ctx)
	}
	return err
}

// heed makes the daemon decide anew by what people have said. Where that cannot be read now it is
// read a little later, as ever.
func (d *daemon) heed(ctx context.Context) {
	if _, err := d.standing.read(ctx, 0); err != nil {
		d.log.Warn("what people say cannot be read", "err", err)
	}
	d.loop.Heed()
}
