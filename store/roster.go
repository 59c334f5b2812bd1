package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"watchdog/lease"
)

// Roster is who holds what, by the clock of the store.
func (s *DB) Roster(ctx context.Context) (*lease.Roster, error) {
	roster := &lease.Roster{Replicas: []lease.Replica{}, Leases: []lease.Tenure{}}
	err := s.read(ctx, func(tx *transaction) error {
		replicas, err := selectRows(tx, scanReplica, `SELECT replica, since, until, until > `+s.now+` FROM replicas ORDER BY replica`)
		if err != nil {
			return err
		}
		roster.Replicas = append(roster.Replicas, replicas...)
		tenures, err := selectRows(tx, scanTenure, `SELECT name, holder, epoch, since,
				EXISTS (SELECT 1 FROM replicas r WHERE r.replica = leases.holder AND r.until > `+s.now+`)
			FROM leases ORDER BY name`)
		roster.Leases = append(roster.Leases, tenures...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read who holds what: %w", err)
	}
	return roster, nil
}

func scanReplica(scan scanner) (r lease.Replica, err error) {
	var since, until int64
	err = scan(&r.Name, &since, &until, &r.Live)
	r.Since, r.Until = noted(since), instant(until)
	return r, err
}

func scanTenure(scan scanner) (t lease.Tenure, err error) {
	var since int64
	err = scan(&t.Name, &t.Holder, &t.Epoch, &since, &t.Live)
	t.Kind, t.Name, _ = strings.Cut(t.Name, "/")
	if t.Holder != "" {
		t.Since = noted(since)
	}
	return t, err
}

// noted is a time, nil where none was noted.
func noted(us int64) *time.Time {
	if us == 0 {
		return nil
	}
	at := instant(us)
	return &at
}
