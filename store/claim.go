package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"watchdog/lease"
	"watchdog/notify"
	"watchdog/outbox"
)

// Claim gives up to r.Limit items of the sink that are due, are not behind another by a key and
// are not leased, oldest first, and when the next one becomes due after now; the zero time when
// none waits for a time. What it gives is leased to this process, and bears its mark for ever:
// it may have reached the receiver, so what it says changes no more. Before that, what waits for
// it in its group may become part of it.
//
// To find that nothing is due it only reads.
func (s *DB) Claim(ctx context.Context, r outbox.Request) (items []outbox.Item, next time.Time, err error) {
	due := false
	err = s.read(ctx, func(tx *transaction) error {
		var wakes sql.NullInt64
		if err := tx.get(nextSQL, []any{r.Sink, micros(r.Now), horizon(r)}, &wakes); err != nil {
			return err
		}
		if wakes.Valid {
			next = instant(wakes.Int64)
		}
		return tx.get(`SELECT EXISTS (`+claimSQL+`)`, []any{r.Sink, micros(r.Now), 1, horizon(r)}, &due)
	})
	if err == nil && due {
		err = s.write(ctx, func(tx *transaction) error {
			if err := tx.takeTurns([]string{r.Sink}); err != nil {
				return err
			}
			items, err = s.claim(tx, r)
			return err
		})
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("claim deliveries of %s: %w", r.Sink, err)
	}
	return items, next, nil
}

// claimSQL takes the items that were never tried, which the index holds in order, those whose time
// has come, and those whose time is too far ahead to be true.
const claimSQL = `SELECT * FROM (
		SELECT seq FROM outbox WHERE sink = ?1 AND done_at IS NULL AND behind IS NULL
			AND next_at = 0 AND lease_until <= ?2 ORDER BY seq LIMIT ?3) AS fresh
	UNION ALL SELECT * FROM (
		SELECT seq FROM outbox WHERE sink = ?1 AND done_at IS NULL AND behind IS NULL
			AND next_at > 0 AND next_at <= ?2 AND lease_until <= ?2 ORDER BY seq LIMIT ?3) AS due
	UNION ALL SELECT * FROM (
		SELECT seq FROM outbox WHERE sink = ?1 AND done_at IS NULL AND behind IS NULL
			AND next_at > ?4 AND lease_until <= ?2 ORDER BY seq LIMIT ?3) AS astray
	ORDER BY seq LIMIT ?3`

// probeSQL takes the one that was tried least.
const probeSQL = `SELECT seq FROM (
	SELECT * FROM (
		SELECT seq, attempts FROM outbox WHERE sink = ?1 AND done_at IS NULL AND behind IS NULL
			AND next_at = 0 AND lease_until <= ?2 ORDER BY seq LIMIT 1) AS fresh
	UNION ALL SELECT * FROM (
		SELECT seq, attempts FROM outbox WHERE sink = ?1 AND done_at IS NULL AND behind IS NULL
			AND next_at > 0 AND next_at <= ?2 AND lease_until <= ?2 ORDER BY attempts, seq LIMIT 1) AS due
	UNION ALL SELECT * FROM (
		SELECT seq, attempts FROM outbox WHERE sink = ?1 AND done_at IS NULL AND behind IS NULL
			AND next_at > ?4 AND lease_until <= ?2 ORDER BY attempts, seq LIMIT 1) AS astray) AS either
	ORDER BY attempts, seq LIMIT ?3`

// nextSQL is when the next item is due after a moment; NULL when none waits for a time.
const nextSQL = `SELECT min(next_at) FROM outbox
	WHERE sink = ?1 AND done_at IS NULL AND behind IS NULL AND next_at > ?2 AND next_at > 0 AND next_at <= ?3`

func (s *DB) claim(tx *transaction, r outbox.Request) ([]outbox.Item, error) {
	query, limit := claimSQL, r.Limit
	if r.Probe {
		query, limit = probeSQL, 1
	}
	due, err := column[int64](tx, query, r.Sink, micros(r.Now), limit, horizon(r))
	if err != nil {
		return nil, err
	}
	var items []outbox.Item
	for _, seq := range due {
		item, err := s.lease(tx, seq, r)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// lease gives one item to this process.
func (s *DB) lease(tx *transaction, seq int64, r outbox.Request) (outbox.Item, error) {
	if r.DigestAbove > 0 {
		if err := digest(tx, seq, r.DigestAbove); err != nil {
			return outbox.Item{}, err
		}
	}
	item := outbox.Item{Sink: r.Sink}
	var queued int64
	var payload string
	err := tx.get(`UPDATE outbox SET holder = ?, lease_until = ? WHERE seq = ?
		RETURNING id, attempts, queued_at, thread, payload`,
		[]any{s.holder, leaseUntil(r), seq}, &item.ID, &item.Attempts, &queued, &item.Thread, &payload)
	if err != nil {
		return item, err
	}
	item.Payload, item.Created = []byte(tx.plain(payload)), instant(queued)
	if item.Keys, err = column[string](tx, `SELECT key FROM outbox_keys WHERE seq = ? ORDER BY key`, seq); err != nil {
		return item, err
	}
	item.Memory, err = selectThread(tx, r.Sink, item.Thread)
	return item, err
}

// horizon is the latest time that a claim believes.
func horizon(r outbox.Request) int64 {
	if r.Horizon.IsZero() {
		return math.MaxInt64
	}
	return micros(r.Horizon)
}

func leaseUntil(r outbox.Request) int64 {
	if !r.Lease.After(r.Now) {
		return 0
	}
	return micros(r.Lease)
}

// digest puts what waits behind an item in its group into it, when together they tell of more
// than so many transitions. Only what was never claimed takes part, and nothing overtakes a
// message of another group that it shares an alert with.
func digest(tx *transaction, seq int64, above int) error {
	var sink, thread, holder string
	err := tx.get(`SELECT sink, thread, holder FROM outbox WHERE seq = ?`, []any{seq}, &sink, &thread, &holder)
	if err != nil || thread == "" || holder != "" {
		return err
	}
	waiting, err := waitingIn(tx, seq, sink, thread)
	if err != nil || len(waiting) < 2 {
		return err
	}
	messages := make([]notify.Message, len(waiting))
	for i, w := range waiting {
		messages[i] = w.message
	}
	one, n := notify.Digest(messages, above)
	if n < 2 {
		return nil
	}
	return merge(tx, &one, waiting[:n])
}

// waiter is a message that was never claimed.
type waiter struct {
	seq, queued int64
	message     notify.Message
}

// waitingIn gives an item and those that wait behind it in its thread, up to the first that was
// claimed before, or that must wait for one of another thread too; no more than one message holds.
func waitingIn(tx *transaction, first int64, sink, thread string) ([]waiter, error) {
	others, err := heldByOthers(tx, first, sink, thread)
	if err != nil {
		return nil, err
	}
	rows, err := tx.query(`SELECT o.seq, o.holder, o.queued_at, o.payload FROM outbox_keys k JOIN outbox o ON o.seq = k.seq
		WHERE k.sink = ? AND k.key = ? AND k.seq >= ? ORDER BY k.seq LIMIT ?`, sink, thread, first, notify.MaxAlerts)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []waiter
	for alerts := 0; alerts <= notify.MaxAlerts && rows.Next(); {
		var w waiter
		var holder string
		var payload sql.RawBytes
		if err := rows.Scan(&w.seq, &holder, &w.queued, &payload); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(payload, &w.message); err != nil {
			return nil, err
		}
		for _, key := range w.message.OrderKeys() {
			if seq, held := others[key]; held && seq < w.seq {
				return all, nil
			}
		}
		if holder != "" {
			return all, nil
		}
		alerts += len(w.message.Alerts)
		all = append(all, w)
	}
	return all, rows.Err()
}

// heldByOthersSQL finds the keys of a thread's items that items of other threads have too, and
// the first of those.
const heldByOthersSQL = `SELECT e.key, min(e.seq) FROM (
		SELECT DISTINCT k.key FROM outbox_keys t JOIN outbox_keys k ON k.seq = t.seq
			WHERE t.sink = ?1 AND t.key = ?2 AND t.seq >= ?3) mine
	JOIN outbox_keys e ON e.sink = ?1 AND e.key = mine.key
	JOIN outbox o ON o.seq = e.seq
	WHERE mine.key <> ?2 AND o.thread <> ?2 GROUP BY e.key`

func heldByOthers(tx *transaction, first int64, sink, thread string) (map[string]int64, error) {
	rows, err := tx.query(heldByOthersSQL, sink, thread, first)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	held := map[string]int64{}
	for rows.Next() {
		var key string
		var seq int64
		if err := rows.Scan(&key, &seq); err != nil {
			return nil, err
		}
		held[key] = seq
	}
	return held, rows.Err()
}

// merge makes the first of several messages a digest of all. It takes their keys, so that what
// stood behind them stands behind it, and they share its fate. It is as old as the latest: what
// happened last is not given up because of what happened first.
func merge(tx *transaction, one *notify.Message, all []waiter) error {
	payload, err := json.Marshal(one)
	if err != nil {
		return err
	}
	first, last := all[0], all[len(all)-1]
	if _, err := tx.exec(`UPDATE outbox SET payload = ?, queued_at = ? WHERE seq = ?`, string(payload), last.queued, first.seq); err != nil {
		return err
	}
	for _, w := range all[1:] {
		if _, err := tx.exec(`DELETE FROM outbox_keys WHERE seq = ?`, w.seq); err != nil {
			return err
		}
	}
	for _, key := range one.OrderKeys() {
		if _, err := tx.exec(`INSERT INTO outbox_keys (sink, key, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, one.Sink, key, first.seq); err != nil {
			return err
		}
	}
	for _, w := range all[1:] {
		if _, err := tx.exec(moveUpSQL, w.seq); err != nil {
			return err
		}
	}
	for _, w := range all[1:] {
		if _, err := tx.exec(`UPDATE outbox SET merged_into = ?1, behind = ?1 WHERE seq = ?2`, first.seq, w.seq); err != nil {
			return err
		}
	}
	return nil
}

// VoidClaims makes what others had claimed of a sink free to go, for who has taken over the sink:
// nobody else sends to it any more, and what was in hand is sent again, under its id.
func (s *DB) VoidClaims(ctx context.Context, l lease.Lease, sink string) error {
	err := s.write(ctx, func(tx *transaction) error {
		if err := tx.takeTurns([]string{sink}); err != nil {
			return err
		}
		_, err := tx.exec(`UPDATE outbox SET lease_until = 0
			WHERE sink = ? AND done_at IS NULL AND behind IS NULL AND lease_until > 0
				AND EXISTS (SELECT 1 FROM leases WHERE name = ? AND leases.holder = ? AND epoch = ?)`,
			sink, l.Name, l.Holder, l.Epoch)
		return err
	})
	if err != nil {
		return fmt.Errorf("void claims of %s: %w", sink, err)
	}
	return nil
}
