package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"watchdog/cycle"
	"watchdog/lease"
)

var _ lease.Table = (*DB)(nil)

// forgetReplicas is after how long a replica that died is forgotten, in microseconds.
const forgetReplicas = 3_600_000_000

// writeLeases is write by a connection of its own, where there are several.
func (s *DB) writeLeases(ctx context.Context, do func(tx *transaction) error) error {
	return s.writeBy(ctx, cmp.Or(s.leasing, s.writer), do)
}

// Renew says that a replica lives for a time from now on, and shows what is so.
func (s *DB) Renew(ctx context.Context, replica string, lives time.Duration) (*lease.View, error) {
	v := &lease.View{Leases: map[string]lease.Lease{}}
	err := s.writeLeases(ctx, func(tx *transaction) error {
		if _, err := tx.exec(`INSERT INTO replicas (replica, since, until) VALUES (?1, `+s.now+`, `+s.now+` + ?2)
			ON CONFLICT (replica) DO UPDATE SET until = excluded.until`, replica, lives.Microseconds()); err != nil {
			return err
		}
		if _, err := tx.exec(`DELETE FROM replicas WHERE until < `+s.now+` - ?`, forgetReplicas); err != nil {
			return err
		}
		var err error
		if v.Live, err = column[string](tx, `SELECT replica FROM replicas WHERE until > `+s.now+` ORDER BY replica`); err != nil {
			return err
		}
		leases, err := selectRows(tx, scanLease, `SELECT name, holder, epoch FROM leases`)
		for _, l := range leases {
			v.Leases[l.Name] = l
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}
	return v, nil
}

func scanLease(scan scanner) (l lease.Lease, err error) {
	err = scan(&l.Name, &l.Holder, &l.Epoch)
	return l, err
}

// leasesAtOnce is how many leases one statement is about: a replica may take hundreds, in a third of
// a lease time.
const leasesAtOnce = 100

// takeSQL gives a replica those leases that nobody who lives has, or is about to take.
func (s *DB) takeSQL() string {
	return `UPDATE leases SET holder = ?, epoch = epoch + 1, commits = 0, since = ` + s.now + ` WHERE name IN (
			SELECT name FROM leases WHERE name IN (?` + strings.Repeat(", ?", leasesAtOnce-1) + `)` + s.skipLocked + `)
		AND NOT EXISTS (SELECT 1 FROM replicas r WHERE r.replica = leases.holder AND r.until > ` + s.now + `)
		RETURNING name, holder, epoch`
}

var (
	newLeasesSQL = `INSERT INTO leases (name, holder, epoch, commits)
		VALUES (?, '', 0, 0)` + strings.Repeat(`, (?, '', 0, 0)`, leasesAtOnce-1) + ` ON CONFLICT (name) DO NOTHING`
	returnSQL = `UPDATE leases SET holder = '' WHERE (name, holder, epoch) IN (VALUES
		(?, ?, CAST(? AS BIGINT))` + strings.Repeat(`, (?, ?, CAST(? AS BIGINT))`, leasesAtOnce-1) + `)`
)

// Take gives a replica those of the names that nobody who lives holds.
func (s *DB) Take(ctx context.Context, replica string, names []string) ([]lease.Lease, error) {
	names = slices.Sorted(slices.Values(names)) // in one order, so that two never wait for each other
	var taken []lease.Lease
	err := s.writeLeases(ctx, func(tx *transaction) error {
		for some := range inStatements(names) {
			var args []any
			for _, name := range some {
				args = append(args, name)
			}
			if _, err := tx.exec(newLeasesSQL, args...); err != nil {
				return err
			}
			l, err := selectRows(tx, scanLease, s.takeSQL(), append([]any{replica}, args...)...)
			if err != nil {
				return err
			}
			taken = append(taken, l...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("take leases: %w", err)
	}
	slices.SortFunc(taken, func(a, b lease.Lease) int { return cmp.Compare(a.Name, b.Name) })
	return taken, nil
}

// Return gives leases back. What is not its holder's any more is left alone.
func (s *DB) Return(ctx context.Context, leases []lease.Lease) error {
	err := s.writeLeases(ctx, func(tx *transaction) error {
		for some := range inStatements(leases) {
			var args []any
			for _, l := range some {
				args = append(args, l.Name, l.Holder, l.Epoch)
			}
			if _, err := tx.exec(returnSQL, args...); err != nil {
				return err
			}
		}
		return tx.notify(LeasesChanged)
	})
	if err != nil {
		return fmt.Errorf("return leases: %w", err)
	}
	return nil
}

// inStatements divides what there is among statements that are about leasesAtOnce of it, the last one
// about some of it again.
func inStatements[T any](all []T) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for some := range slices.Chunk(all, leasesAtOnce) {
			some = slices.Concat(some, slices.Repeat(some[:1], leasesAtOnce-len(some)))
			if !yield(some) {
				return
			}
		}
	}
}

// Leave gives back all that a replica holds, and forgets it.
func (s *DB) Leave(ctx context.Context, replica string) error {
	err := s.writeLeases(ctx, func(tx *transaction) error {
		if _, err := tx.exec(`UPDATE leases SET holder = '' WHERE holder = ?`, replica); err != nil {
			return err
		}
		if _, err := tx.exec(`DELETE FROM replicas WHERE replica = ?`, replica); err != nil {
			return err
		}
		return tx.notify(LeasesChanged)
	})
	if err != nil {
		return fmt.Errorf("leave leases: %w", err)
	}
	return nil
}

// Held is the store as the holder of a lease may write it. One goroutine at a time may call
// Commit.
type Held struct {
	*DB
	lease   lease.Lease
	commits int64
}

// Held gives the store to the holder of a lease, which calls Load first.
func (s *DB) Held(l lease.Lease) *Held { return &Held{DB: s, lease: l} }

// Load is that of the store, while the lease is held.
func (h *Held) Load(ctx context.Context, server string) (*cycle.State, error) {
	state := cycle.NewState(server)
	if err := h.Restore(ctx, server, state); err != nil {
		return nil, err
	}
	return state, nil
}

// Restore is that of the store, while the lease is held.
func (h *Held) Restore(ctx context.Context, server string, into Restorer) error {
	err := h.read(ctx, func(tx *transaction) (err error) {
		if h.commits, err = made(tx, h.lease); err != nil {
			return err
		}
		return restore(tx, server, into)
	})
	if err != nil {
		return fmt.Errorf("load state of %s: %w", server, err)
	}
	return nil
}

// Commit is that of the store while the lease is held. The error is lease.ErrLost when it is not.
// Any other may mean that the outcome is there: then the next call is to be with the same one,
// which finds that out.
func (h *Held) Commit(ctx context.Context, o *cycle.Outcome) error {
	if o.Empty() {
		return nil
	}
	err := h.write(ctx, func(tx *transaction) error {
		done, err := h.fence(tx)
		if done || err != nil {
			return err
		}
		return commit(tx, o)
	})
	if err != nil {
		return fmt.Errorf("commit cycle of %s: %w", o.Server, err)
	}
	h.commits++
	return nil
}

// fence keeps others from taking the lease until the transaction ends. Done says that this commit
// was made before.
func (h *Held) fence(tx *transaction) (done bool, err error) {
	n, err := tx.exec(`UPDATE leases SET commits = ? WHERE name = ? AND holder = ? AND epoch = ? AND commits = ?`,
		h.commits+1, h.lease.Name, h.lease.Holder, h.lease.Epoch, h.commits)
	if err != nil || n == 1 {
		return false, err
	}
	commits, err := made(tx, h.lease)
	if err == nil && commits != h.commits+1 {
		err = lease.ErrLost
	}
	return err == nil, err
}

// made is how many commits there are in a tenure, while that lasts.
func made(tx *transaction, l lease.Lease) (commits int64, err error) {
	err = tx.get(`SELECT commits FROM leases WHERE name = ? AND holder = ? AND epoch = ?`, []any{l.Name, l.Holder, l.Epoch}, &commits)
	if errors.Is(err, sql.ErrNoRows) {
		err = lease.ErrLost
	}
	return commits, err
}
