package store_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"watchdog/store"
)

// steps are the files of our migrations. A test that counts goes by their number.
func steps(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("migrations: got %v and error %v", files, err)
	}
	return files
}

// later are the migrations of a later build: ours and one more, so many numbers behind them.
func later(t *testing.T, behind int, name, sql string) (files fs.FS, added string) {
	t.Helper()
	all := fstest.MapFS{}
	for _, file := range steps(t) {
		all[filepath.ToSlash(file)] = &fstest.MapFile{Data: []byte(read(t, file))}
	}
	added = fmt.Sprintf("%04d_%s", len(all)+behind, name)
	all["migrations/"+added] = &fstest.MapFile{Data: []byte(sql)}
	return all, added
}

// pragma gives a number that a store has.
func pragma(t *testing.T, s *store.DB, name string) (n int) {
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
	if got, want := pragma(t, s, "user_version"), len(steps(t)); got != want {
		t.Errorf("version: got %d, want %d", got, want)
	}
}

func TestOlderStoreIsMigratedAndKeepsWhatItHas(t *testing.T) {
	path, now := newFile(t), len(steps(t))
	closed(t, path)
	build, _ := later(t, 1, "note.sql", "ALTER TABLE servers ADD COLUMN note TEXT; CREATE TABLE notes (note TEXT)")

	_, err := store.OpenWith(t.Context(), path, store.Options{ReadOnly: true}, build)
	wantError(t, "Open for reading only", err, fmt.Sprintf("its schema has version %d, and this watchdog reads %d; `watchdog run` migrates it", now, now+1))
	for range 2 { // the second time there is nothing to do
		s, err := store.OpenWith(t.Context(), path, store.Options{}, build)
		if err != nil {
			t.Fatal(err)
		}
		if got := pragma(t, s, "user_version"); got != now+1 {
			t.Errorf("version: got %d, want %d", got, now+1)
		}
		if got := replications(t, s); got != 1000 {
			t.Errorf("replications: got %d, want 1000", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err = store.Open(t.Context(), path, store.Options{ReadOnly: true})
	wantError(t, "Open by the older build", err, fmt.Sprintf("open store %s: its schema has version %d, and this watchdog knows %d; "+
		"run the watchdog that wrote it or a newer one, or give another path", path, now+1, now))
}

func TestMigrationThatFailsChangesNothing(t *testing.T) {
	path := newFile(t)
	closed(t, path)
	build, name := later(t, 1, "bad.sql", "CREATE TABLE notes (note TEXT); DROP TABLE replications; INSERT INTO nowhere VALUES (1)")
	_, err := store.OpenWith(t.Context(), path, store.Options{}, build)
	wantError(t, "Open", err, "migrate by "+name+": SQL logic error: no such table: nowhere (1)")
	s := open(t, path)
	if got, want := pragma(t, s, "user_version"), len(steps(t)); got != want {
		t.Errorf("version: got %d, want %d", got, want)
	}
	if got := replications(t, s); got != 1000 {
		t.Errorf("replications: got %d, want 1000", got)
	}
}

func TestMigrationsHaveNoGap(t *testing.T) {
	build, name := later(t, 2, "late.sql", "")
	_, err := store.OpenWith(t.Context(), store.Memory, store.Options{}, build)
	wantError(t, "Open", err, fmt.Sprintf("migration %s is not number %d", name, len(steps(t))+1))
}
