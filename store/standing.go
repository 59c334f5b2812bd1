package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"watchdog/notify"
)

// Standing is what people have said that still counts at a time: silences that have not ended,
// and acknowledgements.
func (s *DB) Standing(ctx context.Context, now time.Time) (*notify.Standing, error) {
	standing := &notify.Standing{Acks: map[string]notify.Ack{}}
	var err error
	standing.Silences, err = decode[notify.Silence](s.reads(ctx),
		`SELECT body FROM silences WHERE ends_at > ? ORDER BY ends_at, id`, micros(now))
	if err != nil {
		return nil, fmt.Errorf("list silences: %w", err)
	}
	rows, err := s.reads(ctx).query(`SELECT fingerprint, body FROM acks`)
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

// PutSilence adds a silence, or replaces the one of its id. One without an id is given one.
func (s *DB) PutSilence(ctx context.Context, silence *notify.Silence) error {
	if silence.ID == "" {
		silence.ID = "sil_" + strings.ToLower(rand.Text()[:12])
	}
	body, err := json.Marshal(silence)
	if err != nil {
		return fmt.Errorf("keep silence %s: %w", silence.ID, err)
	}
	err = s.write(ctx, func(tx *transaction) error {
		_, err := tx.exec(`INSERT INTO silences (id, ends_at, body) VALUES (?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at, body = excluded.body`,
			silence.ID, micros(silence.EndsAt), string(body))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep silence %s: %w", silence.ID, err)
	}
	return nil
}

// ExpireSilence ends a silence, and gives it as it is then: one that has ended stays as it was.
// The error is ErrNoSilence when there is none of that id.
func (s *DB) ExpireSilence(ctx context.Context, id string, at time.Time) (*notify.Silence, error) {
	var silence notify.Silence
	err := s.write(ctx, func(tx *transaction) error {
		var body string
		err := tx.get(`SELECT body FROM silences WHERE id = ?`, []any{id}, &body)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoSilence
		}
		if err == nil {
			err = json.Unmarshal([]byte(body), &silence)
		}
		if err != nil || !silence.EndsAt.After(at) {
			return err
		}
		silence.EndsAt = at
		ended, err := json.Marshal(silence)
		if err != nil {
			return err
		}
		_, err = tx.exec(`UPDATE silences SET ends_at = ?, body = ? WHERE id = ?`, micros(at), string(ended), id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("expire silence %s: %w", id, err)
	}
	return &silence, nil
}

// ErrNoSilence says that there is no silence of an id.
var ErrNoSilence = errors.New("there is no such silence")

// Acknowledge notes that somebody has an alert, in place of who had it before.
func (s *DB) Acknowledge(ctx context.Context, fingerprint string, ack notify.Ack) error {
	body, err := json.Marshal(ack)
	if err != nil {
		return fmt.Errorf("acknowledge %s: %w", fingerprint, err)
	}
	err = s.write(ctx, func(tx *transaction) error {
		_, err := tx.exec(`INSERT INTO acks (fingerprint, at, body) VALUES (?, ?, ?)
			ON CONFLICT (fingerprint) DO UPDATE SET at = excluded.at, body = excluded.body`, fingerprint, micros(ack.At), string(body))
		return err
	})
	if err != nil {
		return fmt.Errorf("acknowledge %s: %w", fingerprint, err)
	}
	return nil
}

// Unacknowledge forgets who has an alert; nobody may have had it.
func (s *DB) Unacknowledge(ctx context.Context, fingerprint string) error {
	err := s.write(ctx, func(tx *transaction) error {
		_, err := tx.exec(`DELETE FROM acks WHERE fingerprint = ?`, fingerprint)
		return err
	})
	if err != nil {
		return fmt.Errorf("take back the acknowledgement of %s: %w", fingerprint, err)
	}
	return nil
}
