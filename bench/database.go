package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"watchdog/store/pgtest"
)

// database is a PostgreSQL server of its own, as it is installed: each commit is on the disk.
type database struct {
	server *pgtest.Server
	sql    *sql.DB
}

func newDatabase() (*database, error) {
	d := &database{server: &pgtest.Server{Durable: true}}
	if err := d.server.Create(); err != nil {
		d.server.Close()
		if errors.Is(err, pgtest.ErrMissing) {
			return nil, fmt.Errorf("%w: %w", errAbsent, err)
		}
		return nil, err
	}
	var err error
	d.sql, err = sql.Open("pgx", d.server.URL())
	return d, err
}

func (d *database) stop() {
	_ = d.sql.Close() // nothing was left in it
	d.server.Close()
}

// schema gives the URL of an empty store.
func (d *database) schema(ctx context.Context, name string) (string, error) {
	_, err := d.sql.ExecContext(ctx, "CREATE SCHEMA "+name)
	return d.server.URL() + "&search_path=" + name, err
}

// load is what PostgreSQL has done so far, and what it holds.
type load struct {
	at          time.Time
	commits     int64
	rows        int64 // that were inserted, updated or deleted
	wal         int64 // bytes
	size        int64 // bytes of tables and indexes
	connections int64 // of others than the one who asks
	cpu         time.Duration
}

// load asks for it.
func (d *database) load(ctx context.Context) (load, error) {
	l := load{at: time.Now()}
	err := d.sql.QueryRowContext(ctx, `SELECT xact_commit, tup_inserted + tup_updated + tup_deleted,
			pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, pg_database_size(datname), numbackends - 1
		FROM pg_stat_database WHERE datname = current_database()`).Scan(&l.commits, &l.rows, &l.wal, &l.size, &l.connections)
	if err != nil {
		return l, err
	}
	pid, err := d.server.PID()
	if err != nil {
		return l, err
	}
	l.cpu, err = familyCPU(pid)
	return l, err
}
