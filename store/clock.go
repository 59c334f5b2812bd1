package store

import (
	"context"
	"fmt"

	"watchdog/outbox"
)

// ClockSet is as outbox.Queue says. The latest that is remembered is of what was decided and of what
// was sent.
func (s *DB) ClockSet(ctx context.Context, c outbox.ClockSetting) error {
	err := s.write(ctx, func(tx *transaction) error {
		back := c.By < 0
		if c.By == 0 {
			if err := tx.get(aheadSQL, []any{micros(c.Now.Add(outbox.Believed))}, &back); err != nil || !back {
				return err
			}
		}
		if err := tx.takeTurns([]string{c.Sink}); err != nil {
			return err
		}
		if back {
			_, err := tx.exec(setBackSQL, c.Sink, micros(c.Now), micros(c.Lease))
			return err
		}
		_, err := tx.exec(`UPDATE outbox SET queued_at = queued_at + ?2 WHERE sink = ?1 AND done_at IS NULL`, c.Sink, c.By.Microseconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("heed the clock in the queue of %s: %w", c.Sink, err)
	}
	return nil
}

const aheadSQL = `SELECT EXISTS (SELECT 1 FROM transitions WHERE at > ?1) OR EXISTS (SELECT 1 FROM outbox WHERE done_at > ?1)`

const setBackSQL = `UPDATE outbox SET
		next_at = CASE WHEN next_at > ?2 THEN ?2 ELSE next_at END,
		lease_until = CASE WHEN lease_until > ?3 THEN ?3 ELSE lease_until END,
		queued_at = CASE WHEN queued_at > ?2 THEN ?2 ELSE queued_at END
	WHERE sink = ?1 AND done_at IS NULL AND (next_at > ?2 OR lease_until > ?3 OR queued_at > ?2)`
