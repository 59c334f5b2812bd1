package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"watchdog/lease"
)

// pruneSightsSQL deletes those of servers that nobody watches any more.
const pruneSightsSQL = `DELETE FROM sights WHERE server IN (SELECT server FROM sights WHERE at < ? LIMIT ?)`

// Sight is what the holder of a server's lease sees there, as it writes it down for others to
// show. The bytes are opaque.
type Sight struct {
	Revision int64 // how often it was written
	Head     []byte
	Parts    map[int][]byte // by their numbers: those that were written since a revision
}

// PutSight writes the head of a sight, and the parts that are given, for who holds the lease of its
// server. The error is lease.ErrLost for anybody else: though who loses it in this moment may still
// write, and is written over by who has it then.
func (s *DB) PutSight(ctx context.Context, l lease.Lease, server string, sight *Sight) error {
	err := s.write(ctx, func(tx *transaction) error {
		if _, err := made(tx, l); err != nil {
			return err
		}
		var revision int64
		err := tx.get(`INSERT INTO sights (server, revision, at, head) VALUES (?1, 1, `+s.now+`, ?2)
			ON CONFLICT (server) DO UPDATE SET revision = sights.revision + 1, at = excluded.at, head = excluded.head
			RETURNING revision`, []any{server, sight.Head}, &revision)
		if err != nil {
			return err
		}
		for part, body := range sight.Parts {
			if _, err := tx.exec(`INSERT INTO sight_parts (server, part, revision, body) VALUES (?, ?, ?, ?)
				ON CONFLICT (server, part) DO UPDATE SET revision = excluded.revision, body = excluded.body`,
				server, part, revision, body); err != nil {
				return err
			}
		}
		return tx.notify(SightsChanged)
	})
	if err != nil {
		return fmt.Errorf("write down what is seen of %s: %w", server, err)
	}
	return nil
}

// Sights says of each server how often its sight was written.
func (s *DB) Sights(ctx context.Context) (map[string]int64, error) {
	revisions := map[string]int64{}
	rows, err := s.reads(ctx).query(`SELECT server, revision FROM sights`)
	if err != nil {
		return nil, fmt.Errorf("list what others see: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var server string
		var revision int64
		if err := rows.Scan(&server, &revision); err != nil {
			return nil, fmt.Errorf("list what others see: %w", err)
		}
		revisions[server] = revision
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list what others see: %w", err)
	}
	return revisions, nil
}

// Sight gives what was written of a server, with the parts that were written after a revision, or
// the head alone; of revision 0 where nothing was.
func (s *DB) Sight(ctx context.Context, server string, parts bool, after int64) (*Sight, error) {
	sight := &Sight{Parts: map[int][]byte{}}
	err := s.read(ctx, func(tx *transaction) error {
		err := tx.get(`SELECT revision, head FROM sights WHERE server = ?`, []any{server}, &sight.Revision, &sight.Head)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil || !parts {
			return err
		}
		rows, err := tx.query(`SELECT part, body FROM sight_parts WHERE server = ? AND revision > ?`, server, after)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var part int
			var body []byte
			if err := rows.Scan(&part, &body); err != nil {
				return err
			}
			sight.Parts[part] = body
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read what others see of %s: %w", server, err)
	}
	return sight, nil
}
