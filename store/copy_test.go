package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/outbox"
	"watchdog/store"
)

// dump gives all that a store keeps, a line for each row.
func dump(t *testing.T, s *store.DB) []string {
	t.Helper()
	var lines []string
	for _, table := range tables(t, s) {
		lines = append(lines, dumpTable(t, s, table)...)
	}
	slices.Sort(lines)
	return lines
}

func dumpTable(t *testing.T, s *store.DB, table string) (lines []string) {
	t.Helper()
	rows, err := s.Writer().QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %q", table, values))
	}
	return lines
}

// tables of a SQLite store.
func tables(t *testing.T, s *store.DB) (names []string) {
	t.Helper()
	rows, err := s.Writer().QueryContext(t.Context(), `SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func copyStore(t *testing.T, from, to *store.DB) map[string]int {
	t.Helper()
	counts := map[string]int{}
	if err := store.Copy(t.Context(), from, to, func(table string, rows int) { counts[table] = rows }); err != nil {
		t.Fatalf("Copy: %v", err)
	}
	return counts
}

func TestAStoreIsCopiedToPostgresAndBack(t *testing.T) {
	from, between, back := open(t, newFile(t)), open(t, postgres.Schema(t)), open(t, newFile(t))
	o := alarm(250, 0)
	o.ServerMemory, o.Replications = memory("up\x00\xff"), changes(250).Replications
	o.Replications[0].DocID = "a\x00b"
	if err := from.Commit(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if err := from.Note(t.Context(), outbox.Sent(messageID(3), epoch, []byte("post 17"))); err != nil {
		t.Fatal(err)
	}
	counts := copyStore(t, from, between)
	if counts["replications"] != 250 || counts["outbox"] != 250 || counts["outbox_keys"] != 2*249 {
		t.Errorf("rows: got %v, want 250 replications and deliveries", counts)
	}
	copyStore(t, between, back)
	if diff := cmp.Diff(dump(t, from), dump(t, back)); diff != "" {
		t.Errorf("the store after both copies (-first +last):\n%s", diff)
	}
	for _, s := range []*store.DB{between, back} { // the queue goes on behind what it has
		if err := s.Commit(t.Context(), alarm(1, 250)); err != nil {
			t.Errorf("Commit to the copy: %v", err)
		}
	}
	err := store.Copy(t.Context(), from, between, func(string, int) {})
	wantError(t, "Copy to a store that has something", err, "copy servers: there is something already; give a store that is empty")
}

func TestEveryTableIsCopiedOrSaidNotToBe(t *testing.T) {
	s := open(t, store.Memory)
	left := []string{"leases", "replicas", "sight_parts", "sights"}
	var want []string
	for _, table := range tables(t, s) {
		if !slices.Contains(left, table) {
			want = append(want, table)
		}
	}
	got := store.CopiedTables()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tables (-schema +copied):\n%s", diff)
	}
}

func TestAStoreInUseIsNotCopied(t *testing.T) {
	from := open(t, postgres.Schema(t))
	if _, err := from.Renew(t.Context(), "a", 1e9*60); err != nil {
		t.Fatal(err)
	}
	err := store.Copy(t.Context(), from, open(t, store.Memory), func(string, int) {})
	wantError(t, "Copy", err, "in use by 1 replicas; stop them first")
}
