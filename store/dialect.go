package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync"
)

// dialect is all that SQLite and PostgreSQL do not do alike. Every statement is written once, in
// the words that both know, with SQLite's ? and ?1 for its arguments.
type dialect struct {
	// spell gives a statement its placeholders.
	spell func(query string) string
	// text turns a string into one that a column can hold, and plain turns it back. Where text is
	// nil it can hold any.
	text, plain func(string) string

	// identify gives the schema version of a database, 0 of an empty one, and refuses one that is
	// not ours. It writes nothing.
	identify func(ctx context.Context, db rower) (version int, err error)
	// migration is what brings the schema to a version and notes that.
	migration func(sql string, version int) string
	// migrating makes a transaction wait for another process that migrates; "" where there is
	// none.
	migrating string
	// queueing makes a transaction wait for its turn to change the queue of the sink ?1; ""
	// where transactions that write run one after the other in any case.
	queueing string

	// notifying tells other processes the topic ?1; "" where there are none.
	notifying string
	// now is the time by the clock of the store, in microseconds.
	now string
	// skipLocked makes a query pass over rows that another transaction is about to change.
	skipLocked string

	// counting makes the numbers of a table's column begin behind those that are there; "" where
	// they do.
	counting string

	// snapshot makes a transaction read as of one moment.
	snapshot *sql.TxOptions
	// finish says that a transaction which began is not cut off by the end of its context.
	// Nothing that it waits for is away for long.
	finish bool
	// prepare says that a statement is prepared once in a transaction. Where it is false the
	// driver keeps those of a connection.
	prepare bool
}

// rower is a database or a transaction.
type rower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// asWritten leaves a string as it is.
func asWritten(s string) string { return s }

// dollars gives a statement PostgreSQL's placeholders: each ? the next number, ?1 its own.
func dollars(query string) string {
	var b strings.Builder
	quoted, n := false, 0
	for i := 0; i < len(query); i++ {
		c := query[i]
		switch {
		case c == '\'':
			quoted = !quoted
		case c == '?' && !quoted:
			b.WriteByte('$')
			if i+1 == len(query) || query[i+1] < '0' || query[i+1] > '9' {
				n++
				b.WriteString(strconv.Itoa(n))
			}
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// remembered calls f once for each argument: there are only so many statements.
func remembered(f func(string) string) func(string) string {
	var known sync.Map
	return func(s string) string {
		if got, ok := known.Load(s); ok {
			return got.(string)
		}
		got := f(s)
		known.Store(s, got)
		return got
	}
}
