package store

import (
	"database/sql"
	"errors"

	"watchdog/outbox"
)

// The queue keeps, for each item that is not done, one earlier item that must be done first:
// outbox.behind. So a claim looks only at the items that are free to go, however many wait (0.1
// ms among 100,000; asking outbox_keys about each of them would take 370 ms). When an item
// leaves the queue or comes back to it, behind is set again for the few that stand directly
// behind it.

// behindSQL is the latest item that outbox.seq must wait for. The latest, so that items with one
// key form a chain, and one that is done lets one move up.
const behindSQL = `(SELECT max((SELECT max(e.seq) FROM outbox_keys e
		WHERE e.sink = k.sink AND e.key = k.key AND e.seq < k.seq))
	FROM outbox_keys k WHERE k.seq = outbox.seq)`

// moveUpSQL lets those move up that stood directly behind an item.
const moveUpSQL = `UPDATE outbox SET behind = ` + behindSQL + ` WHERE behind = ?`

// standBehindSQL puts the next item of each key behind one that came back.
const standBehindSQL = `UPDATE outbox SET behind = ?1 WHERE seq IN (
	SELECT (SELECT min(f.seq) FROM outbox_keys f WHERE f.sink = k.sink AND f.key = k.key AND f.seq > k.seq)
	FROM outbox_keys k WHERE k.seq = ?1)`

// enqueue puts an item at the end of the queue, unless its id was there before.
func enqueue(tx *transaction, item outbox.Item) error {
	var seq int64
	err := tx.get(`INSERT INTO outbox (id, sink, thread, status, created_at, queued_at, payload) VALUES (?1, ?2, ?3, 'queued', ?4, ?4, ?5)
		ON CONFLICT (id) DO NOTHING RETURNING seq`,
		[]any{item.ID, item.Sink, item.Thread, micros(item.Created), string(item.Payload)}, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return hold(tx, item.Sink, item.Keys, seq)
}

// hold gives an item its order keys, and its place among those that share them.
func hold(tx *transaction, sink string, keys []string, seq int64) error {
	for _, key := range keys {
		if _, err := tx.exec(`INSERT INTO outbox_keys (sink, key, seq) VALUES (?, ?, ?)`, sink, key, seq); err != nil {
			return err
		}
	}
	_, err := tx.exec(`UPDATE outbox SET behind = `+behindSQL+` WHERE seq = ?`, seq)
	return err
}

// release takes an item's order keys away and lets those move up that stood behind it.
func release(tx *transaction, seq int64) error {
	if _, err := tx.exec(`DELETE FROM outbox_keys WHERE seq = ?`, seq); err != nil {
		return err
	}
	_, err := tx.exec(moveUpSQL, seq)
	return err
}
