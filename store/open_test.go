package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/cycle"
	"watchdog/store"
)

// script runs SQL on a file, as another program would.
func script(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// closed makes a store with 1000 replications and closes it.
func closed(t *testing.T, path string) {
	t.Helper()
	s := open(t, path)
	if err := errors.Join(s.Commit(t.Context(), changes(1000)), s.Close()); err != nil {
		t.Fatal(err)
	}
}

// wantError checks the text of an error, in which {} stands for anything.
func wantError(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: got no error, want %s", what, want)
		return
	}
	before, after, open := strings.Cut(want, "{}")
	got := err.Error()
	if got != want && !(open && strings.HasPrefix(got, before) && strings.HasSuffix(got, after)) {
		t.Errorf("%s: got error\n%s\nwant\n%s", what, got, want)
	}
}

func TestOpenRefusesWhatIsNoStoreAndLeavesItAsItIs(t *testing.T) {
	const (
		text    = "it is not a SQLite database, and is left as it is; give another path"
		foreign = "it is a database of another program, and is left as it is; give another path"
		damaged = "it is damaged, and is left as it is: database disk image is malformed (11); restore a copy, or move it away to begin anew"
	)
	for _, test := range []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"text", func(t *testing.T, path string) {
			write(t, path, []byte(strings.Repeat("my diary\n", 1000)))
		}, text},
		{"one character", func(t *testing.T, path string) {
			write(t, path, []byte("x"))
		}, text},
		{"the database of another program", func(t *testing.T, path string) {
			script(t, path, "CREATE TABLE customers (name TEXT); INSERT INTO customers VALUES ('Ada')")
		}, foreign},
		{"a database of another program with a table of our name", func(t *testing.T, path string) {
			script(t, path, "CREATE TABLE outbox (id TEXT); PRAGMA user_version = 1")
		}, foreign},
		{"an empty database that another program has marked", func(t *testing.T, path string) {
			script(t, path, "PRAGMA application_id = 7")
		}, foreign},
		{"a store of a newer schema", func(t *testing.T, path string) {
			closed(t, path)
			script(t, path, "PRAGMA user_version = 9")
		}, fmt.Sprintf("its schema has version 9, and this watchdog knows %d; run the watchdog that wrote it or a newer one, or give another path", len(steps(t)))},
		{"a store whose first page is damaged", func(t *testing.T, path string) {
			closed(t, path)
			content := []byte(read(t, path))
			copy(content[100:4096], strings.Repeat("?", 4096))
			write(t, path, content)
		}, damaged},
		{"a store that was cut short", func(t *testing.T, path string) {
			closed(t, path)
			write(t, path, []byte(read(t, path)[:8192]))
		}, damaged},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := newFile(t)
			test.make(t, path)
			before := read(t, path)
			for range 2 { // a refusal leaves no lock
				_, err := store.Open(t.Context(), path, store.Options{})
				wantError(t, "Open", err, "open store "+path+": "+test.want)
			}
			if read(t, path) != before {
				t.Error("the file was changed")
			}
		})
	}
}

func TestOpenSaysWhatToDoAboutAPath(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), nil)
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, dsn, want string }{
		{"nothing", "", "open store : no path is given; write one, as watchdog.db"},
		{"a URL with a mistake", "postgres://ada:hunter2@db/watchdog?port=x", "open store postgres://ada:*****@db/watchdog?port=x: cannot parse `postgres://ada:xxxxx@db/watchdog?port=x`: invalid port"},
		{"another URL", "mysql://db/watchdog", "open store mysql://db/watchdog: such a URL is not supported; give the path of a SQLite file, as watchdog.db, or postgres://user@host/database"},
		{"a SQLite URI", "file:watchdog.db?mode=rwc", "open store file:watchdog.db?mode=rwc: such a URL is not supported; give the path of a SQLite file, as watchdog.db, or postgres://user@host/database"},
		{"a directory", "{dir}", "open store {dir}: it is a directory; give the path of a file in it, as {dir}/watchdog.db"},
		{"a missing directory", "{dir}/data/watchdog.db", "open store {dir}/data/watchdog.db: there is no directory {dir}/data; create it, or give another path"},
		{"a file as a directory", "{dir}/file/watchdog.db", "open store {dir}/file/watchdog.db: cannot reach it: not a directory; give another path"},
		{"a device", "/dev/null", "open store /dev/null: it is not a regular file; give another path"},
		{"a link to itself", "{dir}/loop", "open store {dir}/loop: too many symbolic links; give the path of the file itself"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := store.Open(t.Context(), strings.ReplaceAll(test.dsn, "{dir}", dir), store.Options{})
			wantError(t, "Open", err, strings.ReplaceAll(test.want, "{dir}", dir))
		})
	}
}

func TestOpenSaysWhatCannotBeWritten(t *testing.T) {
	for _, test := range []struct {
		name      string
		dir, file os.FileMode
		want      string
	}{
		{"the directory", 0o555, 0o666, "cannot write {path}.lock: permission denied; let this user write there, or give another path"},
		{"the file", 0o777, 0o444, "attempt to write a readonly database (8); let this user read and write it and its directory, or give another path"},
		{"the file, nor read it", 0o777, 0, "unable to open database file (14); let this user read and write it and its directory, or give another path"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := newFile(t)
			closed(t, path)
			dir := filepath.Dir(path)
			if err := errors.Join(os.Remove(path+".lock"), os.Chmod(path, test.file),
				os.Chmod(dir, test.dir), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
				t.Fatal(err)
			}
			err := errors.New(start(t, "open", path).line(t))
			wantError(t, "Open", err, "open store "+path+": "+strings.ReplaceAll(test.want, "{path}", path))
		})
	}
}

func TestOpenTakesAnyNameOfAFile(t *testing.T) {
	for _, name := range []string{"watchdog.db", "a b.db", "50%.db", "what?mode=memory", "#1.db", "ø.db", "semi;colon&.db"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			closed(t, filepath.Join(dir, name))
			var got []string
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range entries {
				got = append(got, entry.Name())
			}
			if diff := cmp.Diff([]string{name, name + ".lock"}, got); diff != "" {
				t.Errorf("files after Close (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpenTakesAnEmptyFileAndARelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "watchdog.db", nil)
	closed(t, "watchdog.db")
	if got := replications(t, open(t, "watchdog.db")); got != 1000 {
		t.Errorf("replications: got %d, want 1000", got)
	}
}

func TestStoreIsPrivateToItsUser(t *testing.T) {
	path := newFile(t)
	closed(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode().Perm(), os.FileMode(0o600); got != want {
		t.Errorf("mode: got %v, want %v", got, want)
	}
}

func TestCommitsAreDurable(t *testing.T) {
	s := open(t, newFile(t))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := s.Writer().QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", pragma, got, want)
		}
	}
}

func TestReadOnlyReadsBesideTheOwner(t *testing.T) {
	path := newFile(t)
	owner := open(t, path)
	beside, err := store.Open(t.Context(), path, store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	if err := owner.Commit(t.Context(), changes(3)); err != nil {
		t.Fatal(err)
	}
	if got := replications(t, beside); got != 3 {
		t.Errorf("replications: got %d, want 3", got)
	}
	wantError(t, "Commit", beside.Commit(t.Context(), changes(1)),
		"commit cycle of prod: attempt to write a readonly database (8)")
}

func TestReadOnlyCreatesNothing(t *testing.T) {
	path := newFile(t)
	_, err := store.Open(t.Context(), path, store.Options{ReadOnly: true})
	wantError(t, "Open", err, "open store "+path+": there is no store yet; `watchdog run` creates it")
	if !errors.Is(err, store.ErrNoStore) {
		t.Errorf("Open: got error %v, want ErrNoStore", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 0 {
		t.Errorf("files: got %v, want none", entries)
	}
}

func TestStoresInMemoryAreApart(t *testing.T) {
	a, b := open(t, store.Memory), open(t, store.Memory)
	if err := a.Commit(t.Context(), &cycle.Outcome{Server: "prod", ServerMemory: memory("a")}); err != nil {
		t.Fatal(err)
	}
	for range 100 { // the one connection is never dropped for another
		if err := b.Commit(t.Context(), changes(1)); err != nil {
			t.Fatal(err)
		}
	}
	if got := replications(t, a); got != 0 {
		t.Errorf("replications of the other store: got %d, want 0", got)
	}
}
