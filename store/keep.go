package store

import (
	"context"
	"fmt"
	"slices"

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
		if err := keepRows(tx, b.Server, b.Rows); err != nil {
			return err
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

// keepRows keeps the events of each row, and then the points of all.
func keepRows(tx *transaction, server string, rows []history.Row) error {
	numbers, err := numbersOf(tx, server, rows)
	if err != nil {
		return err
	}
	var points []any // of each row its number, when they begin, and them
	for i := range rows {
		r := &rows[i]
		id, known := numbers[[2]string{r.Key.Database, r.Key.DocID}]
		if !known || len(r.Events) > 0 {
			if id, err = putReplication(tx, server, r); err == nil {
				err = keepEvents(tx, id, r.Events)
			}
			if err != nil {
				return fmt.Errorf("replication %s: %w", r.Key.Path(), err)
			}
		}
		if len(r.Points) > 0 {
			points = append(points, id, micros(r.Begin), r.Points)
		}
	}
	return inParts(points, 3, func(part []any) error {
		_, err := tx.exec(`INSERT INTO history_points (replication, begins_at, level, points) VALUES `+
			tuples("(?, ?, 0, ?)", len(part)/3)+
			` ON CONFLICT (replication, begins_at, level) DO UPDATE SET points = excluded.points`, part...)
		return err
	})
}

// numbersOf are the numbers of those of the replications that have one, by database and document.
func numbersOf(tx *transaction, server string, rows []history.Row) (map[[2]string]int64, error) {
	keys := make([]any, 0, 2*len(rows))
	for i := range rows {
		keys = append(keys, rows[i].Key.Database, rows[i].Key.DocID)
	}
	numbers := make(map[[2]string]int64, len(rows))
	return numbers, inParts(keys, 2, func(part []any) error {
		found, err := tx.query(`SELECT database, doc_id, replication FROM history_replications
			WHERE (database, doc_id) IN (VALUES `+tuples("(?, ?)", len(part)/2)+`) AND server = ?`, append(slices.Clone(part), server)...)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var database, docID string
			var number int64
			if err := found.Scan(&database, &docID, &number); err != nil {
				return err
			}
			numbers[[2]string{tx.plain(database), tx.plain(docID)}] = number
		}
		return found.Err()
	})
}

// putReplication is the number of a replication, which is new or brought up to date.
func putReplication(tx *transaction, server string, r *history.Row) (id int64, err error) {
	err = tx.get(`INSERT INTO history_replications (server, database, doc_id, state, crashed_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (server, database, doc_id) DO UPDATE SET state = excluded.state, crashed_at = excluded.crashed_at
		RETURNING replication`, []any{server, r.Key.Database, r.Key.DocID, string(r.State), micros(r.Crashed)}, &id)
	return id, err
}

func keepEvents(tx *transaction, id int64, events []history.Event) error {
	for _, e := range events {
		_, err := tx.exec(`INSERT INTO history_events (replication, at, kind, state, error) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`, id, micros(e.At), string(e.Kind), string(e.State), e.Error)
		if err != nil {
			return err
		}
	}
	if len(events) == 0 {
		return nil
	}
	_, err := tx.exec(pruneManyEventsSQL, id, id, history.MaxEvents)
	return err
}

// pruneManyEventsSQL deletes the events of a replication that are older than the latest so many.
const pruneManyEventsSQL = `DELETE FROM history_events WHERE replication = ? AND at <
	(SELECT at FROM history_events WHERE replication = ? ORDER BY at DESC LIMIT 1 OFFSET ?)`

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
