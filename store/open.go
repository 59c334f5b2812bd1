package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"watchdog/secret"
)

// Memory is the DSN of a store that is kept in memory and forgotten by Close.
const Memory = ":memory:"

// Options says how to open a store. The zero value is for the process that owns it.
type Options struct {
	// ReadOnly opens the file beside the process that owns it: nothing is locked, created or
	// migrated, and what writes fails.
	ReadOnly bool
	// Beside opens the file beside the process that owns it, to write what people say, which
	// the owner reads again and again: silences, acknowledgements, and dead deliveries that are
	// to be tried again. Nothing else may be written.
	Beside bool
}

// ErrNoStore is the error of opening for reading what nobody has created yet.
var ErrNoStore = errors.New("there is no such file; `watchdog run` creates it")

// Open opens the store that the config names: the path of a SQLite file, created when it is
// not there and migrated when it is of an older version, or Memory. The error is ErrInUse when
// another process has it; in any case it names the store and says what to do.
func Open(ctx context.Context, dsn string, opts Options) (*SQLite, error) {
	s, err := open(ctx, dsn, opts, migrationFiles)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", secret.MaskURLs(dsn), err)
	}
	return s, nil
}

func open(ctx context.Context, dsn string, opts Options, migrations fs.FS) (*SQLite, error) {
	steps, err := readMigrations(migrations)
	if err != nil {
		return nil, err
	}
	if dsn == Memory {
		return openMemory(ctx, steps)
	}
	if err := checkDSN(dsn); err != nil {
		return nil, err
	}
	path, err := resolve(dsn)
	if err != nil {
		return nil, err
	}
	exists, err := checkFile(path)
	if err != nil {
		return nil, err
	}
	if !opts.ReadOnly && !opts.Beside {
		return openOwned(ctx, path, exists, steps)
	}
	if !exists {
		return nil, ErrNoStore
	}
	s, err := openReadOnly(ctx, path, steps)
	if err != nil || opts.ReadOnly {
		return s, err
	}
	if s.writer, err = connect(ctx, dataSource(path, writing), 1); err != nil {
		return nil, errors.Join(explain(err), s.reader.Close())
	}
	return s, nil
}

// checkDSN refuses what is not a path, before it becomes the name of a new file.
func checkDSN(dsn string) error {
	scheme, _, isURL := strings.Cut(dsn, "://")
	switch {
	case dsn == "":
		return errors.New("no path is given; write one, as watchdog.db")
	case isURL && (scheme == "postgres" || scheme == "postgresql"):
		return errors.New("PostgreSQL is not supported by this build; give the path of a SQLite file, as watchdog.db")
	case isURL || strings.HasPrefix(dsn, "file:"):
		return errors.New("a URL is not supported; give the path of a SQLite file, as watchdog.db")
	}
	return nil
}

// openOwned opens a file as its only writer.
func openOwned(ctx context.Context, path string, exists bool, steps []migration) (_ *SQLite, err error) {
	lock, err := acquire(path + ".lock")
	if err != nil {
		return nil, explain(err)
	}
	s := &SQLite{lock: lock, holder: rand.Text()}
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
	version, err := identify(ctx, s.writer, steps)
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

func openReadOnly(ctx context.Context, path string, steps []migration) (*SQLite, error) {
	db, err := connect(ctx, dataSource(path, reading), readers)
	if err != nil {
		return nil, explain(err)
	}
	version, err := identify(ctx, db, steps)
	if err == nil && version < len(steps) {
		err = fmt.Errorf("its schema has version %d, and this watchdog reads %d; `watchdog run` migrates it", version, len(steps))
	}
	if err != nil {
		return nil, errors.Join(explain(err), db.Close())
	}
	return &SQLite{writer: db, reader: db}, nil
}

// openMemory shares one connection between reads and writes: the store lives in it.
func openMemory(ctx context.Context, steps []migration) (*SQLite, error) {
	db, err := connect(ctx, dataSource(Memory, writing), 1)
	if err != nil {
		return nil, err
	}
	s := &SQLite{writer: db, reader: db, holder: rand.Text()}
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
