package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// migrationFiles are the steps from nothing to the schema of this build. A released step never
// changes: what is different becomes the next one.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is the step to the schema version that is its place in the list, from 1.
type migration struct{ name, sql string }

// readMigrations reads migrations/0001_….sql and on, without a gap.
func readMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	steps := make([]migration, len(names))
	for i, name := range names {
		base := path.Base(name)
		number, _, _ := strings.Cut(base, "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s is not number %d", base, i+1)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		steps[i] = migration{base, string(text)}
	}
	return steps, nil
}

// version gives the schema version of a database, 0 of an empty one, and refuses one that is not
// ours or newer than the steps. It writes nothing.
func (d *dialect) version(ctx context.Context, db rower, steps []migration) (int, error) {
	version, err := d.identify(ctx, db)
	if err == nil && version > len(steps) {
		err = fmt.Errorf("its schema has version %d, and this watchdog knows %d; run the watchdog that wrote it or a newer one, or give another path", version, len(steps))
	}
	return version, err
}

// current is version, and refuses one that is older than the steps too.
func (d *dialect) current(ctx context.Context, db rower, steps []migration) error {
	version, err := d.version(ctx, db, steps)
	if err == nil && version < len(steps) {
		err = fmt.Errorf("its schema has version %d, and this watchdog reads %d; `watchdog run` migrates it", version, len(steps))
	}
	return err
}

// migrate brings the schema from a version to that of the last step, each in a transaction of
// its own.
func (s *DB) migrate(ctx context.Context, from int, steps []migration) error {
	for version := from + 1; version <= len(steps); version++ {
		step := steps[version-1]
		err := s.write(ctx, func(tx *transaction) error {
			if done, err := s.migratedByAnother(tx, version); done || err != nil {
				return err
			}
			_, err := tx.tx.ExecContext(tx.ctx, s.migration(step.sql, version))
			return err
		})
		if err != nil {
			return fmt.Errorf("migrate by %s: %w", step.name, err)
		}
	}
	return nil
}

// migratedByAnother says whether another process has meanwhile brought the schema to a version.
func (s *DB) migratedByAnother(tx *transaction, version int) (bool, error) {
	if s.migrating == "" {
		return false, nil
	}
	if _, err := tx.exec(s.migrating); err != nil {
		return false, err
	}
	now, err := s.identify(tx.ctx, tx.tx)
	if errors.Is(err, ErrNoStore) {
		return false, nil
	}
	return now >= version, err
}
