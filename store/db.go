package store

import (
	"database/sql"
	"errors"
	"time"

	"github.com/gofrs/flock"
	"github.com/jackc/pgx/v5"

	"watchdog/outbox"
)

// DB is a store: a SQLite file, a SQLite database in memory, or a PostgreSQL database. Its methods
// may be called at the same time.
type DB struct {
	writer *sql.DB
	reader *sql.DB // the writer itself, but for a SQLite file
	// leasing is what leases are kept by; nil: the writer. That a replica lives is not to wait until
	// its work leaves it a connection to say so.
	leasing *sql.DB

	*dialect

	// holder names this process among those that have held leases. It is new each time, so that
	// no process takes itself for one that was killed.
	holder string

	listener *pgx.ConnConfig // how to connect to hear of other processes; nil where there are none

	lock *flock.Flock // of a SQLite file that this process owns, else nil
}

var _ outbox.Queue = (*DB)(nil)

// Close waits for what is running and releases the store. What is called later fails.
func (s *DB) Close() error {
	var errs []error
	for _, db := range [...]*sql.DB{s.leasing, s.reader, s.writer} { // the writer last: it tidies up the log
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Unlock())
	}
	return errors.Join(errs...)
}

// micros is how a time is stored: it orders exactly, and prints in any tool.
func micros(t time.Time) int64 { return t.UnixMicro() }

func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }
