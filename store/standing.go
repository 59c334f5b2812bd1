package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"watchdog/notify"
)

// Standing is what people have said that still counts at a time: silences that have not ended,
// and acknowledgements.
func (s *SQLite) Standing(ctx context.Context, now time.Time) (*notify.Standing, error) {
	standing := &notify.Standing{Acks: map[string]notify.Ack{}}
	var err error
	standing.Silences, err = selectJSON[notify.Silence](ctx, s.reader,
		`SELECT body FROM silences WHERE ends_at > ? ORDER BY ends_at, id`, micros(now))
	if err != nil {
		return nil, fmt.Errorf("list silences: %w", err)
	}
	rows, err := s.reader.QueryContext(ctx, `SELECT fingerprint, body FROM acks`)
	if err != nil {
		return nil, fmt.Errorf("list acknowledgements: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var fingerprint, body string
		var ack notify.Ack
		err := rows.Scan(&fingerprint, &body)
		if err == nil {
			err = json.Unmarshal([]byte(body), &ack)
		}
		if err != nil {
			return nil, fmt.Errorf("list acknowledgements: %w", err)
		}
		standing.Acks[fingerprint] = ack
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list acknowledgements: %w", err)
	}
	return standing, nil
}

// PutSilence adds a silence, or replaces the one of its id.
func (s *SQLite) PutSilence(ctx context.Context, silence *notify.Silence) error {
	body, err := json.Marshal(silence)
	if err != nil {
		return fmt.Errorf("keep silence %s: %w", silence.ID, err)
	}
	err = s.write(ctx, func(tx *transaction) error {
		_, err := tx.exec(`INSERT INTO silences (id, ends_at, body) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET ends_at = excluded.ends_at, body = excluded.body`,
			silence.ID, micros(silence.EndsAt), string(body))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep silence %s: %w", silence.ID, err)
	}
	return nil
}

// Acknowledge notes that somebody has an alert, in place of who had it before.
func (s *SQLite) Acknowledge(ctx context.Context, fingerprint string, ack notify.Ack) error {
	body, err := json.Marshal(ack)
	if err != nil {
		return fmt.Errorf("acknowledge %s: %w", fingerprint, err)
	}
	err = s.write(ctx, func(tx *transaction) error {
		_, err := tx.exec(`INSERT INTO acks (fingerprint, at, body) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET at = excluded.at, body = excluded.body`, fingerprint, micros(ack.At), string(body))
		return err
	})
	if err != nil {
		return fmt.Errorf("acknowledge %s: %w", fingerprint, err)
	}
	return nil
}
