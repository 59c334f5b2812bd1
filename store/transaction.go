package store

import (
	"context"
	"database/sql"
)

// write runs do in one transaction. The end of ctx ends the wait for its turn. With SQLite what
// has begun is finished, since a commit whose outcome is unknown helps nobody. (It also spares the
// driver a goroutine for each statement.)
func (s *DB) write(ctx context.Context, do func(tx *transaction) error) error {
	return s.writeBy(ctx, s.writer, do)
}

func (s *DB) writeBy(ctx context.Context, db *sql.DB, do func(tx *transaction) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if s.finish {
		ctx = context.WithoutCancel(ctx)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	t := &transaction{ctx: ctx, tx: tx, dialect: s.dialect}
	if s.prepare {
		t.prepared = map[string]*sql.Stmt{}
	}
	if err := do(t); err != nil {
		return err
	}
	return tx.Commit()
}

// read runs do in a transaction that sees one moment of the store.
func (s *DB) read(ctx context.Context, do func(tx *transaction) error) error {
	tx, err := s.reader.BeginTx(ctx, s.snapshot)
	if err != nil {
		return err
	}
	defer tx.Rollback() // there is nothing to commit
	return do(&transaction{ctx: ctx, tx: tx, dialect: s.dialect})
}

// queryer is what rows are read from. They are closed before its next statement.
type queryer interface {
	query(query string, args ...any) (*sql.Rows, error)
}

// reads are queries each of which sees a moment of its own. What is to be of one moment needs read.
func (s *DB) reads(ctx context.Context) queryer { return reads{ctx, s} }

type reads struct {
	ctx context.Context //nolint:containedctx // it lives within one call
	*DB
}

func (r reads) query(query string, args ...any) (*sql.Rows, error) {
	return r.reader.QueryContext(r.ctx, r.spell(query), args...)
}

// transaction runs statements as one.
type transaction struct {
	ctx context.Context //nolint:containedctx // a transaction lives within one call
	tx  *sql.Tx
	*dialect
	prepared map[string]*sql.Stmt // nil where nothing is prepared; they end with the transaction
}

// statement gives a prepared statement, or nil where none are.
func (t *transaction) statement(query string) (*sql.Stmt, error) {
	if stmt := t.prepared[query]; stmt != nil || t.prepared == nil {
		return stmt, nil
	}
	stmt, err := t.tx.PrepareContext(t.ctx, t.spell(query))
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
	t.textual(args)
	var result sql.Result
	if stmt != nil {
		result, err = stmt.ExecContext(t.ctx, args...)
	} else {
		result, err = t.tx.ExecContext(t.ctx, t.spell(query), args...)
	}
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
	t.textual(args)
	if stmt != nil {
		return stmt.QueryRowContext(t.ctx, args...).Scan(into...)
	}
	return t.tx.QueryRowContext(t.ctx, t.spell(query), args...).Scan(into...)
}

func (t *transaction) query(query string, args ...any) (*sql.Rows, error) {
	stmt, err := t.statement(query) //nolint:sqlclosecheck // it ends with the transaction
	if err != nil {
		return nil, err
	}
	t.textual(args)
	if stmt != nil {
		return stmt.QueryContext(t.ctx, args...)
	}
	return t.tx.QueryContext(t.ctx, t.spell(query), args...)
}

// textual makes strings such that a column can hold them.
func (t *transaction) textual(args []any) {
	if t.text == nil {
		return
	}
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = t.text(s)
		}
	}
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
