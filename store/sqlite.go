package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteDialect is that of SQLite: a file has one connection that writes and some that read.
// Writers wait for their turn in Go, where the end of ctx ends the wait. Reads do not hold up a
// commit: beside a load of 300,000 replications one takes 0.5 ms, and with a single connection for
// all it would wait 320 ms.
var sqliteDialect = &dialect{
	spell:    asWritten,
	plain:    asWritten,
	identify: identifySQLite,
	migration: func(sql string, version int) string {
		return fmt.Sprintf("%s; PRAGMA application_id = %d; PRAGMA user_version = %d", sql, applicationID, version)
	},
	now:      `CAST(unixepoch('subsec') * 1000000 AS INTEGER)`,
	snapshot: &sql.TxOptions{ReadOnly: true},
	finish:   true,
	prepare:  true,
}

// applicationID marks a SQLite file as ours: "WDOG" in its header.
const applicationID = 0x57444f47

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

func identifySQLite(ctx context.Context, db rower) (version int, err error) {
	var application, objects int
	for query, value := range map[string]*int{
		"PRAGMA application_id":              &application,
		"PRAGMA user_version":                &version,
		"SELECT count(*) FROM sqlite_schema": &objects,
	} {
		if err := db.QueryRowContext(ctx, query).Scan(value); err != nil {
			return 0, err
		}
	}
	empty := application == 0 && version == 0 && objects == 0
	if application != applicationID && !empty {
		return 0, errors.New("it is a database of another program, and is left as it is; give another path")
	}
	return version, nil
}

// openOwned opens a file as its only writer.
func openOwned(ctx context.Context, path string, exists bool, steps []migration) (_ *DB, err error) {
	lock, err := acquire(path + ".lock")
	if err != nil {
		return nil, explain(err)
	}
	s := &DB{lock: lock, dialect: sqliteDialect, holder: rand.Text()}
	defer func() {
		if err != nil {
			err = errors.Join(explain(err), s.Close())
		}
	}()
	if !exists {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	if s.writer, err = connect(ctx, dataSource(path, writing), 1); err != nil {
		return nil, err
	}
	version, err := s.version(ctx, s.writer, steps)
	if err != nil {
		return nil, err
	}
	if err := useWAL(ctx, s.writer); err != nil {
		return nil, err
	}
	if err := s.migrate(ctx, version, steps); err != nil {
		return nil, err
	}
	// Deleting nothing finds out now that the file cannot be written, and not the first commit.
	if _, err := s.writer.ExecContext(ctx, `DELETE FROM servers WHERE false`); err != nil {
		return nil, err
	}
	// The file is ours alone: whoever had messages in hand is gone.
	if _, err := s.writer.ExecContext(ctx, voidLeasesSQL); err != nil {
		return nil, err
	}
	if s.reader, err = connect(ctx, dataSource(path, reading), readers); err != nil {
		return nil, err
	}
	return s, nil
}

const voidLeasesSQL = `UPDATE outbox SET lease_until = 0 WHERE done_at IS NULL AND behind IS NULL AND lease_until > 0`

func openReadOnly(ctx context.Context, path string, steps []migration) (*DB, error) {
	db, err := connect(ctx, dataSource(path, reading), readers)
	if err != nil {
		return nil, explain(err)
	}
	if err := sqliteDialect.current(ctx, db, steps); err != nil {
		return nil, errors.Join(explain(err), db.Close())
	}
	return &DB{writer: db, reader: db, dialect: sqliteDialect}, nil
}

// openMemory shares one connection between reads and writes: the store lives in it.
func openMemory(ctx context.Context, steps []migration) (*DB, error) {
	db, err := connect(ctx, dataSource(Memory, writing), 1)
	if err != nil {
		return nil, err
	}
	s := &DB{writer: db, reader: db, dialect: sqliteDialect, holder: rand.Text()}
	if err := s.migrate(ctx, 0, steps); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

var errNoDatabase = errors.New("it is not a SQLite database, and is left as it is; give another path")

// explain adds to an error of the file system or of SQLite what a person can do about it.
func explain(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("cannot write %s: %w; let this user write there, or give another path", path.Path, path.Err)
	}
	var db *sqlite.Error
	if !errors.As(err, &db) {
		return err
	}
	switch db.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return errNoDatabase
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("it is damaged, and is left as it is: %w; restore a copy, or move it away to begin anew", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%w; let this user read and write it and its directory, or give another path", err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("another program is writing to it: %w; close that program", err)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%w; is its disk full or failing?", err)
	}
	return err
}
