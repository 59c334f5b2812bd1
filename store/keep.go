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
	numbers := make(map[[2]string]int64, len(rows))
	if err := findNumbers(tx, numbers, server, rows); err != nil {
		return err
	}
	var changed []any // of each row that is new, or of which something happened, what is kept of it
	var full []int64  // the numbers of those that may have too many events then
	for i := range rows {
		r := &rows[i]
		number, known := numbers[keyOf(r)]
		if !known || len(r.Events) > 0 {
			changed = append(changed, server, r.Key.Database, r.Key.DocID, string(r.State), micros(r.Crashed))
		}
		if known && len(r.Events) > 0 || len(r.Events) > history.MaxEvents {
			full = append(full, number)
		}
	}
	if err := putNumbered(tx, numbers, changed); err != nil {
		return err
	}
	var events, points []any
	for i := range rows {
		r := &rows[i]
		number := numbers[keyOf(r)]
		for _, e := range r.Events {
			events = append(events, number, micros(e.At), string(e.Kind), string(e.State), e.Error)
		}
		if len(r.Points) > 0 {
			points = append(points, number, micros(r.Begin), r.Points)
		}
	}
	if err := putAll(tx, `INSERT INTO history_events (replication, at, kind, state, error) VALUES `, "(?, ?, ?, ?, ?)",
		` ON CONFLICT DO NOTHING`, events); err != nil {
		return err
	}
	for _, number := range full {
		if _, err := tx.exec(pruneManyEventsSQL, number, number, history.MaxEvents); err != nil {
			return err
		}
	}
	return putAll(tx, `INSERT INTO history_points (replication, begins_at, level, points) VALUES `, "(?, ?, 0, ?)",
		` ON CONFLICT (replication, begins_at, level) DO UPDATE SET points = excluded.points`, points)
}

func keyOf(r *history.Row) [2]string { return [2]string{r.Key.Database, r.Key.DocID} }

// findNumbers finds the numbers of those of the replications that have one, by database and
// document.
func findNumbers(tx *transaction, into map[[2]string]int64, server string, rows []history.Row) error {
	keys := make([]any, 0, 2*len(rows))
	for i := range rows {
		keys = append(keys, rows[i].Key.Database, rows[i].Key.DocID)
	}
	return inParts(keys, 2, func(part []any) error {
		return readNumbers(tx, into, `SELECT database, doc_id, replication FROM history_replications
			WHERE (database, doc_id) IN (VALUES `+tuples("(?, ?)", len(part)/2)+`) AND server = ?`, append(slices.Clone(part), server)...)
	})
}

// putNumbered keeps replications, of each its server, database, document, state and last crash,
// and adds their numbers to those known.
func putNumbered(tx *transaction, numbers map[[2]string]int64, replications []any) error {
	return inParts(replications, 5, func(part []any) error {
		return readNumbers(tx, numbers, `INSERT INTO history_replications (server, database, doc_id, state, crashed_at) VALUES `+
			tuples("(?, ?, ?, ?, ?)", len(part)/5)+`
			ON CONFLICT (server, database, doc_id) DO UPDATE SET state = excluded.state, crashed_at = excluded.crashed_at
			RETURNING database, doc_id, replication`, part...)
	})
}

func readNumbers(tx *transaction, into map[[2]string]int64, query string, args ...any) error {
	rows, err := tx.query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var database, docID string
		var number int64
		if err := rows.Scan(&database, &docID, &number); err != nil {
			return err
		}
		into[[2]string{tx.plain(database), tx.plain(docID)}] = number
	}
	return rows.Err()
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
