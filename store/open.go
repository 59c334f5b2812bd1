package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"watchdog/secret"
)

// Memory is the DSN of a store that is kept in memory and forgotten by Close.
const Memory = ":memory:"

// Options says how to open a store. The zero value is for the process that owns it.
type Options struct {
	// ReadOnly opens the store beside the process that owns it: nothing is locked, created or
	// migrated, and what writes fails.
	ReadOnly bool
	// Beside opens the store beside the process that owns it, to write what people say, which
	// the owner reads again and again: silences, acknowledgements, and dead deliveries that are
	// to be tried again. Nothing else may be written.
	Beside bool
}

// ErrNoStore is the error of opening for reading what nobody has created yet.
var ErrNoStore = errors.New("there is no store yet; `watchdog run` creates it")

// Open opens the store that the config names: the path of a SQLite file, created when it is
// not there, the URL of a PostgreSQL database, which is there already, or Memory. One of an older
// version is migrated. The error is ErrInUse when another process has the file; in any case it
// names the store and says what to do.
func Open(ctx context.Context, dsn string, opts Options) (*DB, error) {
	s, err := open(ctx, dsn, opts, migrationFiles)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", secret.MaskURLs(dsn), err)
	}
	return s, nil
}

func open(ctx context.Context, dsn string, opts Options, migrations fs.FS) (*DB, error) {
	steps, err := readMigrations(migrations)
	if err != nil {
		return nil, err
	}
	switch {
	case dsn == Memory:
		return openMemory(ctx, steps)
	case IsPostgres(dsn):
		return openPostgres(ctx, dsn, opts, steps)
	}
	return openFile(ctx, dsn, opts, steps)
}

// IsPostgres says whether a DSN is the URL of a PostgreSQL database, which several processes may
// have open.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// openFile opens a SQLite file.
func openFile(ctx context.Context, dsn string, opts Options, steps []migration) (*DB, error) {
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
	switch {
	case dsn == "":
		return errors.New("no path is given; write one, as watchdog.db")
	case strings.Contains(dsn, "://") || strings.HasPrefix(dsn, "file:"):
		return errors.New("such a URL is not supported; give the path of a SQLite file, as watchdog.db, or postgres://user@host/database")
	}
	return nil
}
