package soak

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver
)

// disk is the daemon's store, seen from beside it.
type disk struct {
	path string
	db   *sql.DB
}

func openDisk(path string) (*disk, error) {
	source := url.URL{Scheme: "file", Path: path, RawQuery: "mode=ro&_pragma=busy_timeout(5000)"}
	db, err := sql.Open("sqlite", source.String())
	return &disk{path, db}, err
}

func (d *disk) close() { _ = d.db.Close() } // nothing was written

// look adds what the files take to what was seen. How large the store is, SQLite says: its file
// grows only when the write-ahead log is full.
func (d *disk) look(ctx context.Context, seen map[string]float64) error {
	var pages, size float64
	for pragma, value := range map[string]*float64{"page_count": &pages, "page_size": &size} {
		if err := d.db.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(value); err != nil {
			return fmt.Errorf("measure the store: %w", err)
		}
	}
	log, err := os.Stat(d.path + "-wal")
	if err != nil {
		return fmt.Errorf("measure the store: %w", err)
	}
	seen[file] = pages * size / max(1, seen[decisions])
	seen[wal] = float64(log.Size())
	return nil
}
