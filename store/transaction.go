package store

import (
	"context"
	"database/sql"
)

// write runs do in one transaction. The end of ctx ends the wait for its turn; what has begun
// is finished, since a commit whose outcome is unknown helps nobody. (It also spares the driver
// a goroutine for each statement.)
func (s *SQLite) write(ctx context.Context, do func(tx *transaction) error) error {
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := do(&transaction{tx, map[string]*sql.Stmt{}}); err != nil {
		return err
	}
	return tx.Commit()
}

// read runs do in a transaction that sees one moment of the store.
func (s *SQLite) read(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() // there is nothing to commit
	return do(tx)
}

// transaction is one that writes. It prepares each statement once; they end with it.
type transaction struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
}

func (t *transaction) statement(query string) (*sql.Stmt, error) {
	if stmt := t.prepared[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := t.tx.Prepare(query)
	if err != nil {
		return nil, err
	}
	t.prepared[query] = stmt
	return stmt, nil
}

// exec runs a statement and gives how many rows it changed.
func (t *transaction) exec(query string, args ...any) (int, error) {
	stmt, err := t.statement(query) //nolint:sqlclosecheck // it ends with the transaction
	if err != nil {
		return 0, err
	}
	result, err := stmt.Exec(args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// get scans the first row of a query, or gives sql.ErrNoRows.
func (t *transaction) get(query string, args []any, into ...any) error {
	stmt, err := t.statement(query) //nolint:sqlclosecheck // it ends with the transaction
	if err != nil {
		return err
	}
	return stmt.QueryRow(args...).Scan(into...)
}

// query runs a query that gives rows.
func (t *transaction) query(query string, args ...any) (*sql.Rows, error) {
	stmt, err := t.statement(query) //nolint:sqlclosecheck // it ends with the transaction
	if err != nil {
		return nil, err
	}
	return stmt.Query(args...)
}

// column gives the first column of a query's rows.
func column[T any](t *transaction, query string, args ...any) ([]T, error) {
	rows, err := t.query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var one T
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
