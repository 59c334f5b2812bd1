package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// What waits for a sink that is not in use is parked: it is neither sent nor deleted, and says so.
// When the sink is in use again it is sent, as if it was queued then. What was parked for as long
// as history is kept becomes dead, and is then deleted like anything that is done: a sink that
// never comes back does not fill the disk.

// parkedCause is what is shown as the last error of what is parked.
func parkedCause(sink string) string {
	return fmt.Sprintf("parked: sink %q is not in the config, or has no address there", sink)
}

// Park tells the store which sinks are in use, all others being parked as far as something waits
// for them; and gives those.
func (s *DB) Park(ctx context.Context, now time.Time, inUse []string) ([]Backlog, error) {
	names := []any{""} // no sink has it, and a list must not be empty
	for _, sink := range inUse {
		names = append(names, sink)
	}
	list := "(?" + strings.Repeat(", ?", len(inUse)) + ")"
	err := s.write(ctx, func(tx *transaction) error {
		back, err := column[string](tx, `DELETE FROM parked WHERE sink IN `+list+` RETURNING sink`, names...)
		if err != nil {
			return err
		}
		for _, sink := range back {
			if _, err := tx.exec(`UPDATE outbox SET queued_at = ? WHERE sink = ? AND done_at IS NULL`, micros(now), sink); err != nil {
				return err
			}
		}
		_, err = tx.exec(`INSERT INTO parked (sink, since)
			SELECT DISTINCT sink, CAST(? AS BIGINT) FROM outbox WHERE status <> 'sent' AND done_at IS NULL AND sink NOT IN `+list+`
			ON CONFLICT (sink) DO NOTHING`, append([]any{micros(now)}, names...)...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("park deliveries: %w", err)
	}
	all, err := s.Backlogs(ctx)
	if err != nil {
		return nil, err
	}
	var parked []Backlog
	for _, b := range all {
		if !b.ParkedSince.IsZero() {
			parked = append(parked, b)
		}
	}
	return parked, nil
}

// BuryParked gives up what was parked before a time, and says how many deliveries.
func (s *DB) BuryParked(ctx context.Context, now, before time.Time) (int, error) {
	total := 0
	err := s.write(ctx, func(tx *transaction) error {
		sinks, err := column[string](tx, `DELETE FROM parked WHERE since < ? RETURNING sink`, micros(before))
		if err != nil {
			return err
		}
		if err := tx.takeTurns(sinks); err != nil {
			return err
		}
		for _, sink := range sinks {
			if _, err := tx.exec(`DELETE FROM outbox_keys WHERE sink = ?`, sink); err != nil {
				return err
			}
			n, err := tx.exec(`UPDATE outbox SET status = 'dead', behind = NULL, done_at = ?, last_error = ?
				WHERE sink = ? AND done_at IS NULL`, micros(now), parkedCause(sink), sink)
			if err != nil {
				return err
			}
			total += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("give up parked deliveries: %w", err)
	}
	return total, nil
}
