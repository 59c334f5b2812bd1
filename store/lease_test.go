package store_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"
)

// Everything that works waits, by all connections that it may have, and the replica still lives.
func TestThatAReplicaLivesDoesNotWaitForItsWork(t *testing.T) {
	dsn := postgres.Schema(t)
	s := open(t, dsn)
	other, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lock, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Rollback() //nolint:errcheck // it changes nothing
	if _, err := lock.ExecContext(t.Context(), `LOCK TABLE silences`); err != nil {
		t.Fatal(err)
	}
	working, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	for range 40 {
		work.Go(func() { _, _ = s.Standing(working, time.Now()) }) // waits until it is told to stop
	}
	defer work.Wait()
	defer stop()
	await(t, other, `SELECT count(*) >= 10 FROM pg_locks WHERE NOT granted AND relation = 'silences'::regclass`)
	soon, done := context.WithTimeout(t.Context(), 10*time.Second)
	defer done()
	if _, err := s.Renew(soon, "a", time.Minute); err != nil {
		t.Errorf("Renew while all others wait: got error %v, want none", err)
	}
	if _, err := s.Take(soon, "a", []string{"server/prod"}); err != nil {
		t.Errorf("Take while all others wait: got error %v, want none", err)
	}
}

// await waits until a query says true.
func await(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		var so bool
		if err := db.QueryRowContext(t.Context(), query).Scan(&so); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if so {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not so within half a minute: %s", query)
		}
	}
}
