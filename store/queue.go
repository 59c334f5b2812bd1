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

// Note keeps what became of attempts, in one transaction. What is merged into an item shares its
// fate.
func (s *DB) Note(ctx context.Context, notes ...outbox.Note) error {
	return s.write(ctx, func(tx *transaction) error {
		if err := takeTurnsOf(tx, ids(notes)); err != nil {
			return err
		}
		for _, note := range notes {
			if err := s.note(tx, note); err != nil {
				return fmt.Errorf("note delivery %s: %w", note.ID, err)
			}
		}
		return nil
	})
}

// note writes one. About an item that is done it changes nothing: it was written before. Neither
// does a failure of an item that another process has in hand now.
func (s *DB) note(tx *transaction, note outbox.Note) error {
	var seq, lease int64
	var holder string
	err := tx.get(`SELECT seq, holder, lease_until FROM outbox WHERE id = ? AND done_at IS NULL AND merged_into IS NULL`,
		[]any{note.ID}, &seq, &holder, &lease)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if note.Outcome != outbox.SentOutcome && holder != s.holder && lease != 0 {
		return nil
	}
	if err := remember(tx, seq, note.At, note.Memory); err != nil {
		return err
	}
	if note.Outcome == outbox.RetryOutcome {
		_, err := tx.exec(`UPDATE outbox SET status = 'retrying', attempts = attempts + 1, lease_until = 0, next_at = ?2, last_error = ?3
			WHERE seq = ?1 OR merged_into = ?1`, seq, max(micros(note.At), 1), secret.MaskURLs(note.Cause))
		return err
	}
	status := Sent
	if note.Outcome == outbox.BuryOutcome {
		status = Dead
	}
	if _, err := tx.exec(`UPDATE outbox SET status = ?2, attempts = attempts + 1, lease_until = 0, behind = NULL, done_at = ?3,
			last_error = CASE WHEN ?4 = '' THEN last_error ELSE ?4 END
		WHERE seq = ?1 OR merged_into = ?1`, seq, string(status), micros(note.At), secret.MaskURLs(note.Cause)); err != nil {
		return err
	}
	return release(tx, seq)
}

func ids(notes []outbox.Note) []string {
	list := make([]string, len(notes))
	for i := range notes {
		list[i] = notes[i].ID
	}
	return list
}

// takeTurnsOf is takeTurns for the sinks of some items. What is not there takes none.
func takeTurnsOf(tx *transaction, ids []string) error {
	if tx.queueing == "" {
		return nil
	}
	var sinks []string
	for _, id := range ids {
		sink, err := column[string](tx, `SELECT sink FROM outbox WHERE id = ?`, id)
		if err != nil {
			return err
		}
		sinks = append(sinks, sink...)
	}
	return tx.takeTurns(sinks)
}

// RetryDead queues dead deliveries again, at their old places, due at once and with no attempt
// behind them. When one of the ids is not that of a dead delivery, none is queued.
func (s *DB) RetryDead(ctx context.Context, at time.Time, ids ...string) error {
	return s.write(ctx, func(tx *transaction) error {
		if err := takeTurnsOf(tx, ids); err != nil {
			return err
		}
		for _, id := range ids {
			if err := revive(tx, at, id); err != nil {
				return fmt.Errorf("retry delivery %s: %w", id, err)
			}
		}
		return tx.notify(MessagesQueued)
	})
}

func revive(tx *transaction, at time.Time, id string) error {
	var seq int64
	var payload []byte
	err := tx.get(`UPDATE outbox SET status = 'queued', attempts = 0, next_at = 0, queued_at = ?, done_at = NULL
		WHERE id = ? AND status = 'dead' AND merged_into IS NULL RETURNING seq, payload`, []any{micros(at), id}, &seq, &payload)
	if errors.Is(err, sql.ErrNoRows) {
		return notDead(tx, id)
	}
	if err != nil {
		return err
	}
	var m notify.Message
	if err := json.Unmarshal(payload, &m); err != nil {
		return err
	}
	if _, err := tx.exec(`UPDATE outbox SET status = 'queued', attempts = 0, next_at = 0, queued_at = ?1, done_at = NULL, behind = ?2
		WHERE merged_into = ?2`, micros(at), seq); err != nil {
		return err
	}
	if err := hold(tx, m.Sink, m.OrderKeys(), seq); err != nil {
		return err
	}
	_, err = tx.exec(standBehindSQL, seq)
	return err
}

// notDead is why a delivery cannot be tried again by hand.
func notDead(tx *transaction, id string) error {
	var digest string
	err := tx.get(`SELECT d.id FROM outbox o JOIN outbox d ON d.seq = o.merged_into WHERE o.id = ?`, []any{id}, &digest)
	if err == nil {
		return fmt.Errorf("it is told by %s; retry that one", digest)
	}
	return errors.New("there is no dead delivery of that id")
}
