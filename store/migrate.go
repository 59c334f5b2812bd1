package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// applicationID marks a SQLite file as ours: "WDOG" in its header.
const applicationID = 0x57444f47

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

// identify gives the schema version of a database, 0 of an empty one, and refuses one that is
// not ours or newer than the steps. It writes nothing.
func identify(ctx context.Context, db *sql.DB, steps []migration) (version int, err error) {
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
	if version > len(steps) {
		return 0, fmt.Errorf("its schema has version %d, and this watchdog knows %d; run the watchdog that wrote it or a newer one, or give another path", version, len(steps))
	}
	return version, nil
}

// migrate brings the schema from a version to that of the last step, each in a transaction of
// its own.
func (s *SQLite) migrate(ctx context.Context, from int, steps []migration) error {
	for version := from + 1; version <= len(steps); version++ {
		step := steps[version-1]
		err := s.write(ctx, func(tx *transaction) error {
			_, err := tx.tx.Exec(fmt.Sprintf("%s; PRAGMA application_id = %d; PRAGMA user_version = %d",
				step.sql, applicationID, version))
			return err
		})
		if err != nil {
			return fmt.Errorf("migrate by %s: %w", step.name, err)
		}
	}
	return nil
}
