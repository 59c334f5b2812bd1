package history

import (
	"context"

	"watchdog/snapshot"
)

// Look takes in one look, as Run does.
func (r *Recorder) Look(ctx context.Context, s *snapshot.Snapshot) { r.look(ctx, s) }

// Keep writes what is not kept yet, as Run does.
func (r *Recorder) Keep(ctx context.Context) error { return r.keep(ctx, true) }
