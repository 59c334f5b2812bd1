package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"watchdog/alert"
	"watchdog/cycle"
)

// Restorer takes back what Commit kept of one server. *cycle.State is one. It must not call the
// store.
type Restorer interface {
	RestoreServer(memory []byte) error
	// RestoreReplication may keep the strings, but not the memory.
	RestoreReplication(database, docID string, memory []byte) error
	RestoreAlert(a alert.Alert)
	RestoreTold(key string, body []byte) error
}

// Load gives everything that is remembered about a server; nothing is an empty state.
func (s *DB) Load(ctx context.Context, server string) (*cycle.State, error) {
	state := cycle.NewState(server)
	if err := s.Restore(ctx, server, state); err != nil {
		return nil, err
	}
	return state, nil
}

// Restore is Load into any Restorer: the server first, then its replications and its alerts in
// the order of their keys, all as of one moment. The rows are streamed.
func (s *DB) Restore(ctx context.Context, server string, into Restorer) error {
	err := s.read(ctx, func(tx *transaction) error { return restore(tx, server, into) })
	if err != nil {
		return fmt.Errorf("load state of %s: %w", server, err)
	}
	return nil
}

// LoadReplication is Load of one replication alone, with the server that it is on, the alerts of its
// own, and who was told on that server: what a person asks about.
func (s *DB) LoadReplication(ctx context.Context, of alert.Subject) (*cycle.State, error) {
	state := cycle.NewState(of.Server)
	err := s.read(ctx, func(tx *transaction) error {
		if err := restoreServer(tx, of.Server, state); err != nil {
			return err
		}
		var memory []byte
		err := tx.get(`SELECT memory FROM replications WHERE server = ? AND database = ? AND doc_id = ?`,
			[]any{of.Server, of.Database, of.DocID}, &memory)
		if err == nil {
			err = state.RestoreReplication(of.Database, of.DocID, memory)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		alerts, err := decode[alert.Alert](tx, `SELECT body FROM alerts WHERE server = ? AND database = ? AND doc_id = ?`,
			of.Server, of.Database, of.DocID)
		if err != nil {
			return err
		}
		for _, a := range alerts {
			state.RestoreAlert(a)
		}
		return restoreTold(tx, of.Server, state)
	})
	if err != nil {
		return nil, fmt.Errorf("load state of %s: %w", of, err)
	}
	return state, nil
}

func restore(tx *transaction, server string, into Restorer) error {
	if err := restoreServer(tx, server, into); err != nil {
		return err
	}
	if err := restoreReplications(tx, server, into); err != nil {
		return err
	}
	alerts, err := decode[alert.Alert](tx, `SELECT body FROM alerts WHERE server = ?
		ORDER BY database, doc_id, rule`, server)
	if err != nil {
		return err
	}
	for _, a := range alerts {
		into.RestoreAlert(a)
	}
	return restoreTold(tx, server, into)
}

func restoreServer(tx *transaction, server string, into Restorer) error {
	var memory []byte
	err := tx.get(`SELECT memory FROM servers WHERE server = ?`, []any{server}, &memory)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return into.RestoreServer(memory)
}

func restoreTold(tx *transaction, server string, into Restorer) error {
	rows, err := tx.query(`SELECT key, body FROM told WHERE server = ? ORDER BY key`, server)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, body string
		if err := rows.Scan(&key, &body); err != nil {
			return err
		}
		if err := into.RestoreTold(key, []byte(body)); err != nil {
			return err
		}
	}
	return rows.Err()
}

func restoreReplications(tx *transaction, server string, into Restorer) error {
	rows, err := tx.query(`SELECT database, doc_id, memory FROM replications WHERE server = ?
		ORDER BY database, doc_id`, server)
	if err != nil {
		return err
	}
	defer rows.Close()
	var database string
	for rows.Next() {
		var nextDatabase, memory sql.RawBytes
		var docID string
		if err := rows.Scan(&nextDatabase, &docID, &memory); err != nil {
			return err
		}
		if database != string(nextDatabase) { // one string for all replications of a database
			database = tx.plain(string(nextDatabase))
		}
		if err := into.RestoreReplication(database, tx.plain(docID), memory); err != nil {
			return fmt.Errorf("replication %s/%s: %w", database, docID, err)
		}
	}
	return rows.Err()
}

// Alerts gives every alert that has not ended, ordered by server, database, doc_id and rule.
func (s *DB) Alerts(ctx context.Context) ([]alert.Alert, error) {
	alerts, err := decode[alert.Alert](s.reads(ctx), `SELECT body FROM alerts ORDER BY server, database, doc_id, rule`)
	if err != nil {
		return nil, fmt.Errorf("list alerts: %w", err)
	}
	return alerts, nil
}

// decode takes the values out of a query's one column of JSON.
func decode[T any](from queryer, query string, args ...any) ([]T, error) {
	return selectRows(from, func(scan scanner) (value T, err error) {
		var body sql.RawBytes
		if err = scan(&body); err == nil {
			err = json.Unmarshal(body, &value)
		}
		return value, err
	}, query, args...)
}
