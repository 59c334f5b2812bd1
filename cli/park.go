package cli

import (
	"context"
	"time"
)

// park tells the store which sinks are in use, and people what waits for others.
func (d *daemon) park(ctx context.Context) {
	p := d.now.Load().plan
	now, inUse := time.Now(), p.settings().Sinks
	parked, err := d.store.Park(ctx, now, inUse)
	for _, b := range parked {
		d.log.Warn("deliveries are parked: the sink is not in the config, or has no address there",
			"sink", b.Sink, "deliveries", b.Waiting, "since", b.ParkedSince)
	}
	given := 0
	if err == nil {
		given, err = d.store.BuryParked(ctx, now, now.Add(-p.Retention))
	}
	switch {
	case err != nil && ctx.Err() == nil:
		d.log.Error("deliveries could not be parked", "err", err)
	case given > 0:
		d.log.Error("parked deliveries are given up", "deliveries", given)
	}
}
