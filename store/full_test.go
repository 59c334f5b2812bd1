package store_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/history"
	"watchdog/outbox"
	"watchdog/snapshot"
	"watchdog/store"
)

// limitPages makes the disk full when the file has n pages, or as many as it has if those are
// more.
func limitPages(t *testing.T, s *store.DB, n int) {
	t.Helper()
	if _, err := s.Writer().ExecContext(t.Context(), fmt.Sprint("PRAGMA max_page_count = ", n)); err != nil {
		t.Fatal(err)
	}
}

// kept is what can be read of a store.
type kept struct {
	Replications int
	Alerts       []alert.Alert
	Transitions  []alert.Transition
	Deliveries   []store.Delivery
}

func keptBy(t *testing.T, s *store.DB) (k kept) {
	t.Helper()
	k.Replications = replications(t, s)
	var errs [3]error
	k.Alerts, errs[0] = s.Alerts(t.Context())
	k.Transitions, errs[1] = s.Transitions(t.Context(), store.TransitionFilter{})
	k.Deliveries, errs[2] = s.Deliveries(t.Context(), store.DeliveryFilter{})
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return k
}

func TestFullDiskLosesNothingAndCommitsGoOnWhenThereIsSpace(t *testing.T) {
	s := open(t, newFile(t))
	o := alarm(10, 0)
	o.Replications = changes(100).Replications
	if err := s.Commit(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	before := keptBy(t, s)
	limitPages(t, s, 1)

	big := alarm(200, 10) // its replications still fit; what it says does not
	big.Replications = changes(110).Replications
	for range 2 {
		err := s.Commit(t.Context(), big)
		wantError(t, "Commit on a full disk", err, "commit cycle of prod: {}: database or disk is full (13)")
		if diff := cmp.Diff(before, keptBy(t, s)); diff != "" {
			t.Errorf("the store after it (-before +after):\n%s", diff)
		}
	}
	if err := s.Note(t.Context(), outbox.Sent(messageID(0), epoch, nil)); err != nil {
		t.Errorf("Sent on a full disk, which needs no space: %v", err)
	}

	limitPages(t, s, 1_000_000)
	if err := s.Commit(t.Context(), big); err != nil {
		t.Fatalf("Commit when there is space: %v", err)
	}
	if got := keptBy(t, s); got.Replications != 110 || len(got.Deliveries) != 210 {
		t.Errorf("the store: got %d replications and %d deliveries, want 110 and 210", got.Replications, len(got.Deliveries))
	}
}

// What history finds no space for is not kept; what is decided and told goes on in the space that
// there is.
func TestCommitsGoOnWhereHistoryFindsNoSpace(t *testing.T) {
	s := open(t, newFile(t))
	if err := s.Commit(t.Context(), alarm(10, 0)); err != nil {
		t.Fatal(err)
	}
	limitPages(t, s, pragma(t, s, "page_count")+20)
	past := &history.Batch{Server: "prod"}
	for i := range 500 {
		row := history.Row{Points: make([]byte, 300), Begin: epoch}
		row.Key = snapshot.Key{Database: "_replicator", DocID: fmt.Sprint(i)}
		past.Rows = append(past.Rows, row)
	}
	wantError(t, "KeepHistory", s.KeepHistory(t.Context(), past), "keep history of prod: {}: database or disk is full (13)")
	if err := s.Commit(t.Context(), alarm(1, 10)); err != nil {
		t.Errorf("Commit: %v", err)
	}
	if err := s.Note(t.Context(), outbox.Sent(messageID(0), epoch, nil)); err != nil {
		t.Errorf("Sent: %v", err)
	}
}

func TestDamageThatShowsLateIsAnErrorOfTheCall(t *testing.T) {
	path := newFile(t)
	closed(t, path)
	damaged := []byte(read(t, path))
	for i := 50 * 4096; i < len(damaged); i++ { // the first 50 pages are sound
		damaged[i] = '?'
	}
	write(t, path, damaged)
	err := open(t, path).Restore(t.Context(), "prod", new(count))
	wantError(t, "Restore", err, "load state of prod: database disk image is malformed (11)")
}
