package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A thread is all that one sink is sent of one group. What the sink remembers of it is opaque
// here.

// Thread gives what a sink remembers of a thread, nil when it remembers nothing.
func (s *DB) Thread(ctx context.Context, sink, thread string) (memory []byte, err error) {
	err = s.read(ctx, func(tx *transaction) error {
		memory, err = selectThread(tx, sink, thread)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read thread %s of %s: %w", thread, sink, err)
	}
	return memory, nil
}

// selectThread gives the memory of a thread, nil when there is none.
func selectThread(tx *transaction, sink, thread string) ([]byte, error) {
	if thread == "" {
		return nil, nil
	}
	var memory []byte
	err := tx.get(`SELECT memory FROM threads WHERE sink = ? AND thread = ?`, []any{sink, thread}, &memory)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return memory, err
}

// remember keeps the memory of the thread of an item, unless it is nil or the item has none.
func remember(tx *transaction, seq int64, at time.Time, memory []byte) error {
	if memory == nil {
		return nil
	}
	_, err := tx.exec(`INSERT INTO threads (sink, thread, memory, updated_at)
		SELECT sink, thread, ?, ? FROM outbox WHERE seq = ? AND thread <> ''
		ON CONFLICT (sink, thread) DO UPDATE SET memory = excluded.memory, updated_at = excluded.updated_at`,
		memory, micros(at), seq)
	return err
}

// pruneThreadsSQL deletes threads that nothing was sent of since a time. While an alert fires
// that began before a thread was last heard of, it may be what the thread is about: the thread
// stays.
const pruneThreadsSQL = `DELETE FROM threads WHERE (sink, thread) IN (
	SELECT sink, thread FROM threads WHERE updated_at < ?
		AND updated_at < ` + firesSinceSQL + ` LIMIT ?)`
