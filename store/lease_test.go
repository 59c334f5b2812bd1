package store_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"
)

// All commits wait for one that does not end, by every connection that they may have.
func TestNeitherLeasesNorReadingWaitForCommits(t *testing.T) {
	dsn := postgres.Schema(t)
	s := open(t, dsn)
	other, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	turn, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Rollback()
	if _, err := turn.ExecContext(t.Context(), `LOCK TABLE outbox`); err != nil {
		t.Fatal(err)
	}
	working, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	for n := range 40 {
		work.Go(func() { _ = s.Commit(working, alarm(n, 0)) }) // waits until it is told to stop
	}
	defer work.Wait()
	defer stop()
	await(t, other, `SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'outbox'::regclass`)
	await(t, other, `SELECT count(*) >= 6 FROM pg_locks WHERE NOT granted`)
	soon, done := context.WithTimeout(t.Context(), 10*time.Second)
	defer done()
	if _, err := s.Renew(soon, "a", time.Minute); err != nil {
		t.Errorf("Renew while commits wait: got error %v, want none", err)
	}
	if _, err := s.Take(soon, "a", []string{"server/prod"}); err != nil {
		t.Errorf("Take while commits wait: got error %v, want none", err)
	}
	if _, err := s.Standing(soon, time.Now()); err != nil {
		t.Errorf("Standing while commits wait: got error %v, want none", err)
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
