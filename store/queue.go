package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/secret"
)

// Claim gives up to limit items of the sink that are due at now and are not behind another by a
// key, oldest first, and when the next one becomes due after now; the zero time when none waits
// for a time. It changes nothing: what is claimed and neither sent, retried nor buried is given
// again.
func (s *SQLite) Claim(ctx context.Context, sink string, now time.Time, limit int) (items []outbox.Item, next time.Time, err error) {
	err = s.read(ctx, func(tx *sql.Tx) error {
		if items, err = claim(ctx, tx, sink, now, limit); err != nil {
			return err
		}
		var due sql.NullInt64
		if err := tx.QueryRowContext(ctx, nextSQL, sink, micros(now)).Scan(&due); err != nil {
			return err
		}
		if due.Valid {
			next = instant(due.Int64)
		}
		return nil
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("claim deliveries of %s: %w", sink, err)
	}
	return items, next, nil
}

// claimSQL takes the items that were never tried, which the index holds in order, and those
// whose time has come.
const claimSQL = `SELECT * FROM (
		SELECT seq, id, attempts, queued_at, thread, payload FROM outbox
			WHERE sink = ?1 AND done_at IS NULL AND behind IS NULL AND next_at = 0 ORDER BY seq LIMIT ?3)
	UNION ALL SELECT * FROM (
		SELECT seq, id, attempts, queued_at, thread, payload FROM outbox
			WHERE sink = ?1 AND done_at IS NULL AND behind IS NULL AND next_at > 0 AND next_at <= ?2 ORDER BY seq LIMIT ?3)
	ORDER BY seq LIMIT ?3`

// nextSQL is when the next item is due after a moment; NULL when none waits for a time.
const nextSQL = `SELECT min(next_at) FROM outbox
	WHERE sink = ?1 AND done_at IS NULL AND behind IS NULL AND next_at > ?2 AND next_at > 0`

func claim(ctx context.Context, tx *sql.Tx, sink string, now time.Time, limit int) ([]outbox.Item, error) {
	rows, err := tx.QueryContext(ctx, claimSQL, sink, micros(now), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []outbox.Item
	for rows.Next() {
		item := outbox.Item{Sink: sink}
		var seq, queued int64
		if err := rows.Scan(&seq, &item.ID, &item.Attempts, &queued, &item.Thread, &item.Payload); err != nil {
			return nil, err
		}
		item.Created = instant(queued)
		if item.Keys, err = selectKeys(ctx, tx, seq); err != nil {
			return nil, err
		}
		if item.Memory, err = selectThread(ctx, tx, sink, item.Thread); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, rows.Err()
}

func selectKeys(ctx context.Context, tx *sql.Tx, seq int64) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key FROM outbox_keys WHERE seq = ? ORDER BY key`, seq)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// Sent notes an attempt that the receiver took.
func (s *SQLite) Sent(ctx context.Context, id string, at time.Time, memory []byte) error {
	return s.note(ctx, id, at, memory, func(tx *transaction, seq int64) error {
		if _, err := tx.exec(`UPDATE outbox SET status = 'sent', attempts = attempts + 1, behind = NULL, done_at = ?
			WHERE seq = ?`, micros(at), seq); err != nil {
			return err
		}
		return release(tx, seq)
	})
}

// Retry notes an attempt that failed, and when to try again.
func (s *SQLite) Retry(ctx context.Context, id string, next time.Time, cause string, memory []byte) error {
	return s.note(ctx, id, next, memory, func(tx *transaction, seq int64) error {
		_, err := tx.exec(`UPDATE outbox SET status = 'retrying', attempts = attempts + 1, next_at = ?, last_error = ?
			WHERE seq = ?`, max(micros(next), 1), secret.MaskURLs(cause), seq)
		return err
	})
}

// Bury notes an attempt that failed for good: the item is dead until RetryDead, and what was
// behind it moves up.
func (s *SQLite) Bury(ctx context.Context, id string, at time.Time, cause string, memory []byte) error {
	return s.note(ctx, id, at, memory, func(tx *transaction, seq int64) error {
		if _, err := tx.exec(`UPDATE outbox SET status = 'dead', attempts = attempts + 1, behind = NULL, done_at = ?, last_error = ?
			WHERE seq = ?`, micros(at), secret.MaskURLs(cause), seq); err != nil {
			return err
		}
		return release(tx, seq)
	})
}

// note runs change on an item that is not done, and keeps the memory of its thread. A note about
// any other changes nothing: it was written before.
func (s *SQLite) note(ctx context.Context, id string, at time.Time, memory []byte, change func(tx *transaction, seq int64) error) error {
	err := s.write(ctx, func(tx *transaction) error {
		var seq int64
		err := tx.get(`SELECT seq FROM outbox WHERE id = ? AND done_at IS NULL`, []any{id}, &seq)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := remember(tx, seq, at, memory); err != nil {
			return err
		}
		return change(tx, seq)
	})
	if err != nil {
		return fmt.Errorf("note delivery %s: %w", id, err)
	}
	return nil
}

// RetryDead queues dead deliveries again, at their old places, due at once and with no attempt
// behind them. When one of the ids is not that of a dead delivery, none is queued.
func (s *SQLite) RetryDead(ctx context.Context, at time.Time, ids ...string) error {
	return s.write(ctx, func(tx *transaction) error {
		for _, id := range ids {
			if err := revive(tx, at, id); err != nil {
				return fmt.Errorf("retry delivery %s: %w", id, err)
			}
		}
		return nil
	})
}

func revive(tx *transaction, at time.Time, id string) error {
	var seq int64
	var payload []byte
	err := tx.get(`UPDATE outbox SET status = 'queued', attempts = 0, next_at = 0, queued_at = ?, done_at = NULL
		WHERE id = ? AND status = 'dead' RETURNING seq, payload`, []any{micros(at), id}, &seq, &payload)
	if errors.Is(err, sql.ErrNoRows) {
		return errors.New("there is no dead delivery of that id")
	}
	if err != nil {
		return err
	}
	var m notify.Message
	if err := json.Unmarshal(payload, &m); err != nil {
		return err
	}
	if err := hold(tx, m.Sink, m.OrderKeys(), seq); err != nil {
		return err
	}
	_, err = tx.exec(standBehindSQL, seq)
	return err
}
