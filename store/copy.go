package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// copied are the tables that Copy copies, each behind those that it refers to, and the column that
// the database numbers, if there is one. What replicas hold and see is of the store that they hold it
// in.
var copied = [...]struct{ table, numbered string }{
	{"servers", ""},
	{"replications", ""},
	{"alerts", ""},
	{"transitions", "id"},
	{"outbox", "seq"},
	{"outbox_keys", ""},
	{"parked", ""},
	{"told", ""},
	{"threads", ""},
	{"silences", ""},
	{"acks", ""},
	{"history_replications", "replication"},
	{"history_events", ""},
	{"history_points", ""},
	{"history_looks", ""},
}

// copyBatch is how many rows Copy writes in one statement.
const copyBatch = 100

// Copy writes everything that one store keeps into another, which is empty: all or nothing. Said
// is told of each table, and how many rows it has. Nobody else may have either of them open for
// writing.
func Copy(ctx context.Context, from, to *DB, said func(table string, rows int)) error {
	for _, s := range [...]*DB{from, to} {
		if err := s.unshared(ctx); err != nil {
			return err
		}
	}
	return from.read(ctx, func(source *transaction) error {
		return to.write(ctx, func(target *transaction) error {
			for _, one := range copied {
				n, err := copyTable(source, target, one.table)
				if err != nil {
					return fmt.Errorf("copy %s: %w", one.table, err)
				}
				if err := target.countFrom(one.table, one.numbered); err != nil {
					return fmt.Errorf("copy %s: %w", one.table, err)
				}
				said(one.table, n)
			}
			return nil
		})
	})
}

// unshared refuses a store that replicas have open. Those of a file are kept out by its lock.
func (s *DB) unshared(ctx context.Context) error {
	var live int
	err := s.read(ctx, func(tx *transaction) error {
		return tx.get(`SELECT count(*) FROM replicas WHERE until > `+s.now, nil, &live)
	})
	if err == nil && live > 0 {
		err = fmt.Errorf("%w by %d replicas; stop them first", ErrInUse, live)
	}
	return err
}

func copyTable(source, target *transaction, table string) (n int, err error) {
	var exists bool
	if err := target.get(`SELECT EXISTS (SELECT 1 FROM `+table+`)`, nil, &exists); err != nil {
		return 0, err
	}
	if exists {
		return 0, errors.New("there is something already; give a store that is empty")
	}
	rows, err := source.query(`SELECT * FROM ` + table)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	var args []any
	flush := func() error {
		if len(args) == 0 {
			return nil
		}
		_, err := target.exec(insertSQL(table, columns, len(args)/len(columns)), args...)
		args = args[:0]
		return err
	}
	for ; rows.Next(); n++ {
		if args, err = appendRow(args, source, rows, len(columns)); err != nil {
			return n, err
		}
		if len(args) == copyBatch*len(columns) {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	return n, flush()
}

// appendRow adds the values of a row, text as it was before it was stored.
func appendRow(args []any, source *transaction, rows *sql.Rows, columns int) ([]any, error) {
	row, into := make([]any, columns), make([]any, columns)
	for i := range row {
		into[i] = &row[i]
	}
	if err := rows.Scan(into...); err != nil {
		return args, err
	}
	for i, value := range row {
		if s, ok := value.(string); ok {
			row[i] = source.plain(s)
		}
	}
	return append(args, row...), nil
}

func insertSQL(table string, columns []string, rows int) string {
	row := "(?" + strings.Repeat(", ?", len(columns)-1) + ")"
	return `INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `) VALUES ` + row + strings.Repeat(", "+row, rows-1)
}

// countFrom makes the numbers that a table gives begin behind those that it has.
func (t *transaction) countFrom(table, column string) error {
	if column == "" || t.counting == "" {
		return nil
	}
	_, err := t.exec(fmt.Sprintf(t.counting, table, column))
	return err
}
