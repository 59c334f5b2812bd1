//go:build linux

package chaos

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// database is one that keeps the store, behind a network that breaks.
type database struct {
	Database
	proxy *proxy

	mu sync.Mutex // held by what ends it, or needs it
}

func newDatabase(d Database, host string) (*database, error) {
	p, err := newProxy(host, d.Address())
	if err != nil {
		return nil, err
	}
	return &database{Database: d, proxy: p}, nil
}

// url is where the daemon finds it: behind its proxy.
func (d *database) url() string {
	return "postgres://watchdog@" + d.proxy.addr + "/postgres?sslmode=disable"
}

// makeNewer makes it one of a later version. What is returned makes it what it was.
func (d *database) makeNewer(ctx context.Context) (back func() error, err error) {
	const version = 32767
	change := func(by int) error {
		db, err := sql.Open("pgx", d.URL()) // package store brings the driver
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, `UPDATE watchdog_schema SET version = version + $1`, by)
		return errors.Join(err, db.Close())
	}
	if err := change(version); err != nil {
		return nil, err
	}
	return func() error { return change(-version) }, nil
}
