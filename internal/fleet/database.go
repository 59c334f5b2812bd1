//go:build linux

package fleet

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"watchdog/store"
	"watchdog/store/pgtest"
)

// database is a PostgreSQL with a standby that every commit waits for. Either may be the one that
// is written to.
type database struct {
	sync.Mutex // held by what makes it fail
	slots      [2]*pgtest.Server
	first      int // of slots: which is written to
	schema     string
}

func newDatabase(t testing.TB) *database {
	d := &database{slots: [2]*pgtest.Server{{Durable: true}}}
	t.Cleanup(func() {
		for _, s := range d.slots {
			if s != nil {
				s.Close()
			}
		}
	})
	_, d.schema, _ = strings.Cut(d.primary().Schema(t), "search_path=")
	// What is killed are processes, not the machine: its kernel keeps what they wrote.
	d.primary().Exec(t, "ALTER SYSTEM SET fsync = off")
	d.primary().Exec(t, "SELECT pg_reload_conf()")
	d.slots[1] = d.primary().Standby(t)
	return d
}

func (d *database) primary() *pgtest.Server { return d.slots[d.first] }

// url is straight to the one that is written to.
func (d *database) url() string { return d.primary().URL() + "&search_path=" + d.schema }

// by is how a process finds it, at the addresses of its two wires, and by what name it is known there.
func (d *database) by(wires [2]*pgtest.Wire, process string) string {
	q := url.Values{"sslmode": {"disable"}, "application_name": {process}, "target_session_attrs": {"read-write"}, "search_path": {d.schema}}
	return fmt.Sprintf("postgres://watchdog@%s,%s/postgres?%s", wires[0].Address(), wires[1].Address(), q.Encode())
}

func (d *database) promote(t testing.TB) {
	d.primary().Stop()
	d.first = 1 - d.first
	d.primary().Promote(t)
}

// follow puts a new standby in the place of what failed.
func (d *database) follow(t testing.TB) {
	lost := 1 - d.first
	d.slots[lost].Close()
	d.slots[lost] = d.primary().Standby(t)
}

// trailSQL makes the database write down who held what, and which transaction of whom changed that or
// decided something.
// The lock of a lease's row makes the order of its lines that of its changes.
const trailSQL = `
CREATE TABLE trail (
	n       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at      TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
	tx      BIGINT NOT NULL DEFAULT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT),
	process TEXT NOT NULL DEFAULT current_setting('application_name'),
	lease   TEXT NOT NULL,
	holder  TEXT NOT NULL,
	epoch   BIGINT NOT NULL,
	commits BIGINT NOT NULL
);
CREATE TABLE trail_decided (
	n       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tx      BIGINT NOT NULL DEFAULT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT),
	server  TEXT NOT NULL
);
CREATE FUNCTION trail_lease() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO trail (lease, holder, epoch, commits) VALUES (NEW.name, NEW.holder, NEW.epoch, NEW.commits);
	RETURN NULL;
END $$;
CREATE FUNCTION trail_decision() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO trail_decided (server) VALUES (NEW.server);
	RETURN NULL;
END $$;
CREATE TRIGGER trail AFTER INSERT OR UPDATE ON leases FOR EACH ROW EXECUTE FUNCTION trail_lease();
CREATE TRIGGER trail AFTER INSERT ON transitions FOR EACH ROW EXECUTE FUNCTION trail_decision();`

// prepare makes the schema, and the database keep a trail.
func (d *database) prepare(ctx context.Context) error {
	kept, err := store.Open(ctx, d.url(), store.Options{})
	if err == nil {
		err = kept.Close()
	}
	if err != nil {
		return err
	}
	db, err := sql.Open("pgx", d.url())
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing is left in it
	_, err = db.ExecContext(ctx, trailSQL)
	return err
}

// read gives what the database wrote down, and what it keeps.
func (d *database) read(ctx context.Context, into *History) error {
	db, err := sql.Open("pgx", d.url())
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing is left in it
	if into.Trail, err = list(ctx, db, `SELECT at, lease, holder, epoch, commits, tx, process FROM trail ORDER BY n`, func(e *Entry) []any {
		return []any{&e.At, &e.Lease, &e.Holder, &e.Epoch, &e.Commits, &e.Tx, &e.By}
	}); err != nil {
		return err
	}
	if into.Decided, err = list(ctx, db, `SELECT server, tx FROM trail_decided ORDER BY n`, func(e *Decision) []any {
		return []any{&e.Server, &e.Tx}
	}); err != nil {
		return err
	}
	kept, err := store.Open(ctx, d.url(), store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer kept.Close() //nolint:errcheck // it was only read
	into.Transitions, err = kept.Transitions(ctx, store.TransitionFilter{})
	return err
}

func list[T any](ctx context.Context, db *sql.DB, query string, fields func(*T) []any) (all []T, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one T
		if err := rows.Scan(fields(&one)...); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
