package store

import (
	"context"
	"fmt"
	"time"

	"watchdog/history"
)

// foldBatch is how many rows of points go in one transaction, so that a commit never waits for
// long.
const foldBatch = 500

// FoldHistory folds rows of points that have grown old into one of the next level, for each
// replication and the time that such a row covers, and gives how many were folded.
func (s *DB) FoldHistory(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for level := range len(history.Levels) - 1 {
		covers := history.Levels[level+1].Row
		before := now.Add(-history.Levels[level].Keep).Truncate(covers)
		for n := foldBatch; n == foldBatch; total += n {
			err := s.write(ctx, func(tx *transaction) (err error) {
				n, err = fold(tx, level, before)
				return err
			})
			if err != nil {
				return total, fmt.Errorf("fold history: %w", err)
			}
		}
	}
	return total, nil
}

// folded are the rows of a replication that become one: those that begin in the time that it
// covers.
type folded struct {
	replication, from int64
}

const oldPointsSQL = `SELECT replication, begins_at FROM history_points WHERE level = ? AND begins_at < ? ORDER BY begins_at LIMIT ?`

// fold folds what the oldest rows of a level that begin before a time belong to, and gives how
// many of those it looked at.
func fold(tx *transaction, level int, before time.Time) (int, error) {
	covers := history.Levels[level+1].Row
	old, err := selectRows(tx, func(scan scanner) (f folded, err error) {
		var begin int64
		err = scan(&f.replication, &begin)
		f.from = micros(instant(begin).Truncate(covers))
		return f, err
	}, oldPointsSQL, level, micros(before), foldBatch)
	if err != nil {
		return 0, err
	}
	done := map[folded]bool{}
	for _, into := range old {
		if done[into] {
			continue
		}
		done[into] = true
		if err := into.fold(tx, level); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

const (
	foldingSQL = `SELECT begins_at, points FROM history_points
		WHERE replication = ? AND level = ? AND begins_at >= ? AND begins_at < ? ORDER BY begins_at`
	deleteFoldedSQL = `DELETE FROM history_points WHERE replication = ? AND level = ? AND begins_at >= ? AND begins_at < ?`
	insertFoldedSQL = `INSERT INTO history_points (replication, begins_at, level, points) VALUES (?, ?, ?, ?)
		ON CONFLICT (replication, begins_at, level) DO UPDATE SET points = excluded.points`
)

func (f folded) fold(tx *transaction, level int) error {
	next := history.Levels[level+1]
	args := []any{f.replication, level, f.from, f.from + next.Row.Microseconds()}
	var points []history.Point
	var begin int64
	_, err := selectRows(tx, func(scan scanner) (_ struct{}, err error) {
		var at int64
		var row []byte
		if err = scan(&at, &row); err == nil {
			points, err = history.Unpack(points, row)
		}
		if begin == 0 {
			begin = at
		}
		return struct{}{}, err
	}, foldingSQL, args...)
	if err != nil {
		return err
	}
	if _, err := tx.exec(deleteFoldedSQL, args...); err != nil {
		return err
	}
	_, err = tx.exec(insertFoldedSQL, f.replication, begin, level+1, history.Pack(history.Fold(points, next.Step)))
	return err
}
