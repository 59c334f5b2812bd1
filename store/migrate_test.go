package store_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"watchdog/store"
)

// later are the migrations of a later build: ours and one more.
func later(t *testing.T, name, sql string) fs.FS {
	t.Helper()
	return fstest.MapFS{
		"migrations/0001_init.sql": {Data: []byte(read(t, "migrations/0001_init.sql"))},
		"migrations/" + name:       {Data: []byte(sql)},
	}
}

// pragma gives a number that a store has.
func pragma(t *testing.T, s *store.SQLite, name string) (n int) {
	t.Helper()
	if err := s.Writer().QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNewStoreIsMarkedAndOfThisVersion(t *testing.T) {
	s := open(t, newFile(t))
	if got := pragma(t, s, "application_id"); got != store.ApplicationID {
		t.Errorf("application_id: got %#x, want %#x", got, store.ApplicationID)
	}
	if got := pragma(t, s, "user_version"); got != 1 {
		t.Errorf("version: got %d, want 1", got)
	}
}

func TestOlderStoreIsMigratedAndKeepsWhatItHas(t *testing.T) {
	path := newFile(t)
	closed(t, path)
	build := later(t, "0002_note.sql", "ALTER TABLE servers ADD COLUMN note TEXT; CREATE TABLE notes (note TEXT)")

	_, err := store.OpenWith(t.Context(), path, store.Options{ReadOnly: true}, build)
	wantError(t, "Open for reading only", err, "its schema has version 1, and this watchdog reads 2; `watchdog run` migrates it")
	for range 2 { // the second time there is nothing to do
		s, err := store.OpenWith(t.Context(), path, store.Options{}, build)
		if err != nil {
			t.Fatal(err)
		}
		if got := pragma(t, s, "user_version"); got != 2 {
			t.Errorf("version: got %d, want 2", got)
		}
		if got := replications(t, s); got != 1000 {
			t.Errorf("replications: got %d, want 1000", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err = store.Open(t.Context(), path, store.Options{ReadOnly: true})
	wantError(t, "Open by the older build", err, "open store "+path+": its schema has version 2, and this watchdog knows 1; "+
		"run the watchdog that wrote it or a newer one, or give another path")
}

func TestMigrationThatFailsChangesNothing(t *testing.T) {
	path := newFile(t)
	closed(t, path)
	build := later(t, "0002_bad.sql", "CREATE TABLE notes (note TEXT); DROP TABLE replications; INSERT INTO nowhere VALUES (1)")
	_, err := store.OpenWith(t.Context(), path, store.Options{}, build)
	wantError(t, "Open", err, "migrate by 0002_bad.sql: SQL logic error: no such table: nowhere (1)")
	s := open(t, path)
	if got := pragma(t, s, "user_version"); got != 1 {
		t.Errorf("version: got %d, want 1", got)
	}
	if got := replications(t, s); got != 1000 {
		t.Errorf("replications: got %d, want 1000", got)
	}
}

func TestMigrationsHaveNoGap(t *testing.T) {
	_, err := store.OpenWith(t.Context(), store.Memory, store.Options{}, later(t, "0003_late.sql", ""))
	wantError(t, "Open", err, "migration 0003_late.sql is not number 2")
}
