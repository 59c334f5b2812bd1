package history

import (
	"context"
	"time"

	"watchdog/snapshot"
)

// Look takes in one look, as Run does.
func (r *Recorder) Look(ctx context.Context, s *snapshot.Snapshot) { r.look(ctx, s) }

// Keep writes what is not kept yet, as Run does.
func (r *Recorder) Keep(ctx context.Context) error {
	_, err := r.keep(ctx, time.Time{})
	return err
}
