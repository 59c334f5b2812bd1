package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"watchdog/alert"
	"watchdog/history"
)

// History gives what is kept of one replication from a time on, and of its state and its counters
// what was so at that time; nothing where it is not known.
func (s *DB) History(ctx context.Context, of alert.Subject, from time.Time) (*history.Past, error) {
	past := &history.Past{}
	err := s.read(ctx, func(tx *transaction) error {
		var id int64
		err := tx.get(`SELECT replication FROM history_replications WHERE server = ? AND database = ? AND doc_id = ?`,
			[]any{of.Server, of.Database, of.DocID}, &id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err != nil:
			return err
		}
		if past.Points, err = selectPoints(tx, id, micros(from)); err != nil {
			return err
		}
		if past.Events, err = selectEvents(tx, id, micros(from)); err != nil {
			return err
		}
		past.Looks, err = selectRows(tx, scanSpan, `SELECT begins_at, ends_at FROM history_looks
			WHERE server = ? AND ends_at >= ? ORDER BY begins_at`, of.Server, micros(from))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the history of %s: %w", of, err)
	}
	return past, nil
}

// historyPointsSQL gives the rows from that on in which a time lies.
const historyPointsSQL = `SELECT points FROM history_points WHERE replication = ? AND begins_at >= coalesce(
		(SELECT max(begins_at) FROM history_points WHERE replication = ? AND begins_at <= ?), 0)
	ORDER BY begins_at, level DESC`

func selectPoints(tx *transaction, id, from int64) ([]history.Point, error) {
	rows, err := selectRows(tx, func(scan scanner) (row []byte, err error) {
		err = scan(&row)
		return row, err
	}, historyPointsSQL, id, id, from)
	if err != nil {
		return nil, err
	}
	var points []history.Point
	for _, row := range rows {
		if points, err = history.Unpack(points, row); err != nil {
			return nil, err
		}
	}
	return points, nil
}

// historyEventsSQL gives the events from that on which says the state at a time.
const historyEventsSQL = `SELECT at, kind, state, error FROM history_events WHERE replication = ? AND at >= coalesce(
		(SELECT max(at) FROM history_events WHERE replication = ? AND at <= ? AND kind <> 'crash'), ?)
	ORDER BY at, kind DESC`

func selectEvents(tx *transaction, id, from int64) ([]history.Event, error) {
	return selectRows(tx, func(scan scanner) (e history.Event, err error) {
		var at int64
		err = scan(&at, &e.Kind, &e.State, &e.Error)
		e.At = instant(at)
		return e, err
	}, historyEventsSQL, id, id, from, from)
}

func scanSpan(scan scanner) (history.Span, error) {
	var begin, end int64
	err := scan(&begin, &end)
	return history.Span{Begin: instant(begin), End: instant(end)}, err
}
