package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"watchdog/history"
)

var _ history.Keeper = (*DB)(nil)

// Remembered gives what was kept of the replications of a server that are not gone.
func (s *DB) Remembered(ctx context.Context, server string) ([]history.Remembered, error) {
	list, err := selectRows(s.reads(ctx), func(scan scanner) (r history.Remembered, err error) {
		var crashed int64
		err = scan(&r.Key.Database, &r.Key.DocID, &r.State, &crashed)
		r.Crashed = instant(crashed)
		return r, err
	}, `SELECT database, doc_id, state, crashed_at FROM history_replications WHERE server = ? AND state <> ''`, server)
	if err != nil {
		return nil, fmt.Errorf("read the history of %s: %w", server, err)
	}
	return list, nil
}

// KeepHistory keeps a batch. An event or a look that is there already is not kept twice.
func (s *DB) KeepHistory(ctx context.Context, b *history.Batch) error {
	err := s.write(ctx, func(tx *transaction) error {
		for i := range b.Rows {
			if err := keepRow(tx, b.Server, &b.Rows[i]); err != nil {
				return fmt.Errorf("replication %s: %w", b.Rows[i].Key.Path(), err)
			}
		}
		for _, l := range b.Looks {
			_, err := tx.exec(`INSERT INTO history_looks (server, begins_at, ends_at) VALUES (?, ?, ?)
				ON CONFLICT (server, begins_at) DO UPDATE SET ends_at = excluded.ends_at`,
				b.Server, micros(l.Begin), micros(l.End))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep history of %s: %w", b.Server, err)
	}
	return nil
}

func keepRow(tx *transaction, server string, r *history.Row) error {
	id, err := replicationID(tx, server, r)
	if err != nil {
		return err
	}
	for _, e := range r.Events {
		_, err := tx.exec(`INSERT INTO history_events (replication, at, kind, state, error) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`, id, micros(e.At), string(e.Kind), string(e.State), e.Error)
		if err != nil {
			return err
		}
	}
	if len(r.Events) > 0 {
		if _, err := tx.exec(pruneManyEventsSQL, id, id, history.MaxEvents); err != nil {
			return err
		}
	}
	if len(r.Points) == 0 {
		return nil
	}
	_, err = tx.exec(`INSERT INTO history_points (replication, begins_at, level, points) VALUES (?, ?, 0, ?)
		ON CONFLICT (replication, begins_at, level) DO UPDATE SET points = excluded.points`,
		id, micros(r.Begin), r.Points)
	return err
}

// pruneManyEventsSQL deletes the events of a replication that are older than the latest so many.
const pruneManyEventsSQL = `DELETE FROM history_events WHERE replication = ? AND at <
	(SELECT at FROM history_events WHERE replication = ? ORDER BY at DESC LIMIT 1 OFFSET ?)`

// replicationID is the number of a replication, which is new or brought up to date.
func replicationID(tx *transaction, server string, r *history.Row) (id int64, err error) {
	state, crashed := string(r.State), micros(r.Crashed)
	if len(r.Events) == 0 { // then nothing but the points is new
		err = tx.get(`SELECT replication FROM history_replications WHERE server = ? AND database = ? AND doc_id = ?`,
			[]any{server, r.Key.Database, r.Key.DocID}, &id)
		if !errors.Is(err, sql.ErrNoRows) {
			return id, err
		}
	}
	err = tx.get(`INSERT INTO history_replications (server, database, doc_id, state, crashed_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (server, database, doc_id) DO UPDATE SET state = excluded.state, crashed_at = excluded.crashed_at
		RETURNING replication`, []any{server, r.Key.Database, r.Key.DocID, state, crashed}, &id)
	return id, err
}

// scanner reads the columns of a row.
type scanner func(into ...any) error

// selectRows gives what read makes of each row of a query.
func selectRows[T any](from queryer, read func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := from.query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		one, err := read(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}
