package cli

import (
	"cmp"
	"context"
	"time"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/snapshot"
	"watchdog/web"
)

// explainer is `explain` for the page: by what the daemon has committed, and has seen last.
func (d *daemon) explain(ctx context.Context, of alert.Subject, row *snapshot.Replication, at time.Time, alerts []alert.Alert) ([]web.Explained, error) {
	state, err := d.store.LoadReplication(ctx, of)
	if err != nil {
		return nil, err
	}
	said, _ := d.standing.known()
	return d.now.Load().explain(state, row, at, alerts, cmp.Or(said, &notify.Standing{})), nil
}
