package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"watchdog/cycle"
	"watchdog/lease"
)

var _ lease.Table = (*DB)(nil)

// forgetReplicas is after how long a replica that died is forgotten, in microseconds.
const forgetReplicas = 3_600_000_000

// Renew says that a replica lives for a time from now on, and shows what is so.
func (s *DB) Renew(ctx context.Context, replica string, lives time.Duration) (*lease.View, error) {
	v := &lease.View{Leases: map[string]lease.Lease{}}
	err := s.write(ctx, func(tx *transaction) error {
		if _, err := tx.exec(`INSERT INTO replicas (replica, until) VALUES (?1, `+s.now+` + ?2)
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

// takeSQL gives a replica a lease, unless somebody who lives has it, or is about to take it.
func (s *DB) takeSQL() string {
	return `UPDATE leases SET holder = ?1, epoch = epoch + 1, commits = 0 WHERE name IN (
			SELECT name FROM leases WHERE name = ?2` + s.skipLocked + `)
		AND NOT EXISTS (SELECT 1 FROM replicas r WHERE r.replica = leases.holder AND r.until > ` + s.now + `)
		RETURNING name, holder, epoch`
}

// Take gives a replica those of the names that nobody who lives holds.
func (s *DB) Take(ctx context.Context, replica string, names []string) ([]lease.Lease, error) {
	names = slices.Sorted(slices.Values(names)) // in one order, so that two never wait for each other
	var taken []lease.Lease
	err := s.write(ctx, func(tx *transaction) error {
		for _, name := range names {
			if _, err := tx.exec(`INSERT INTO leases (name, holder, epoch, commits) VALUES (?, '', 0, 0)
				ON CONFLICT (name) DO NOTHING`, name); err != nil {
				return err
			}
			l, err := selectRows(tx, scanLease, s.takeSQL(), replica, name)
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
	return taken, nil
}

// Return gives leases back. What is not its holder's any more is left alone.
func (s *DB) Return(ctx context.Context, leases []lease.Lease) error {
	err := s.write(ctx, func(tx *transaction) error {
		for _, l := range leases {
			if _, err := tx.exec(`UPDATE leases SET holder = '' WHERE name = ? AND holder = ? AND epoch = ?`,
				l.Name, l.Holder, l.Epoch); err != nil {
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

// Leave gives back all that a replica holds, and forgets it.
func (s *DB) Leave(ctx context.Context, replica string) error {
	err := s.write(ctx, func(tx *transaction) error {
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
		if h.commits, err = h.made(tx); err != nil {
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
	commits, err := h.made(tx)
	if err == nil && commits != h.commits+1 {
		err = lease.ErrLost
	}
	return err == nil, err
}

// made is how many commits there are in this tenure.
func (h *Held) made(tx *transaction) (commits int64, err error) {
	err = tx.get(`SELECT commits FROM leases WHERE name = ? AND holder = ? AND epoch = ?`,
		[]any{h.lease.Name, h.lease.Holder, h.lease.Epoch}, &commits)
	if errors.Is(err, sql.ErrNoRows) {
		err = lease.ErrLost
	}
	return commits, err
}
