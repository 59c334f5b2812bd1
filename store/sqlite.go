package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"watchdog/outbox"
)

// SQLite is a store in one SQLite file, or in memory. Its methods may be called at the same
// time.
//
// A file has one connection that writes and some that read. Writers wait for their turn in Go,
// where the end of ctx ends the wait. Reads do not hold up a commit: beside a load of 300,000
// replications one takes 0.5 ms, and with a single connection for all it would wait 320 ms.
type SQLite struct {
	writer *sql.DB // one connection
	reader *sql.DB // the writer itself in memory and for reading only

	lock *flock.Flock // nil in memory and for reading only

	// holder names this process among those that have held leases. It is new each time, so that
	// no process takes itself for one that was killed.
	holder string
}

var _ outbox.Queue = (*SQLite)(nil)

// Close waits for what is running and releases the file. What is called later fails.
func (s *SQLite) Close() error {
	var errs []error
	for _, db := range [...]*sql.DB{s.reader, s.writer} { // the writer last: it tidies up the log
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Unlock())
	}
	return errors.Join(errs...)
}

// readers is how many reads run at the same time.
const readers = 4

type access int

const (
	reading access = iota
	writing
)

// dataSource is the driver's name for a path, with what each connection is set to.
func dataSource(path string, to access) string {
	q := url.Values{}
	q.Set("_busy_timeout", "5000") // milliseconds, for a program other than Watchdog
	q.Set("_foreign_keys", "1")
	q.Set("_defensive", "1")
	q.Set("_dqs", "0")
	q.Set("_error_rc", "1")
	q.Add("_pragma", "temp_store(memory)") // no need of a directory for temporary files
	q.Set("mode", "ro")
	if to == writing {
		q.Set("mode", "rw")
		q.Set("_txlock", "immediate")
		q.Set("_synchronous", "FULL")                    // a commit is on the disk when it returns
		q.Add("_pragma", "journal_size_limit(67108864)") // give back what a first load took
	}
	if path == Memory {
		q.Set("mode", "memory")
		return "file:memory?" + q.Encode()
	}
	if path = filepath.ToSlash(path); !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// connect opens up to limit connections, which stay open, and tries one.
func connect(ctx context.Context, source string, limit int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(limit)
	db.SetMaxIdleConns(limit)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// useWAL makes commits one sequential write, and lets reads run beside them. It stays so in
// the file.
func useWAL(ctx context.Context, db *sql.DB) error {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("its file system does not support a write-ahead log (journal_mode is %s); put it on a local disk", mode)
	}
	return nil
}

// micros is how a time is stored: it orders exactly, and prints in any tool.
func micros(t time.Time) int64 { return t.UnixMicro() }

func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }
