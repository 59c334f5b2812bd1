package store_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/outbox"
	"watchdog/store"
)

// counted are the numbers that commitForever left.
type counted struct {
	server       int
	replications []int
}

func (c *counted) RestoreServer(memory []byte) (err error) {
	c.server, err = strconv.Atoi(string(memory))
	return err
}

func (c *counted) RestoreReplication(_, _ string, memory []byte) error {
	n, err := strconv.Atoi(string(memory))
	c.replications = append(c.replications, n)
	return err
}

func (c *counted) RestoreAlert(alert.Alert) {}

func (c *counted) RestoreTold(string, []byte) error { return nil }

func TestKillAtAnyMomentLeavesWholeCommits(t *testing.T) {
	path := newFile(t)
	for range 5 {
		p := start(t, "commit", path)
		said := 0
		for range rand.IntN(40) + 1 {
			var err error
			if said, err = strconv.Atoi(p.line(t)); err != nil {
				t.Fatal(err)
			}
		}
		p.kill()
		checkWhole(t, path, said)
	}
}

// checkWhole checks that what a killed process left is sound, that nothing of what it said was
// committed is missing, and that state, history and messages are of one commit.
func checkWhole(t *testing.T, path string, said int) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	var sound string
	if err := s.Writer().QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Fatalf("integrity_check: got %q, error %v, want ok", sound, err)
	}
	var got counted
	if err := s.Restore(t.Context(), "prod", &got); err != nil {
		t.Fatal(err)
	}
	n := got.server
	if n < said {
		t.Errorf("the last commit is %d, want at least %d, which had returned", n, said)
	}
	want := make([]int, 20)
	for i := range want {
		want[i] = n
	}
	if diff := cmp.Diff(want, got.replications); diff != "" {
		t.Errorf("replications (-want +got):\n%s", diff)
	}
	history, err := s.Transitions(t.Context(), store.TransitionFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(history) != n {
		t.Errorf("transitions: got %d, want %d", len(history), n)
	}
	checkMessages(t, s, n)
}

// checkMessages checks that there are messages 1 to n, of which the last one or two are not sent.
func checkMessages(t *testing.T, s *store.DB, n int) {
	t.Helper()
	list, err := s.Deliveries(t.Context(), store.DeliveryFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != n {
		t.Fatalf("messages: got %d, want %d", len(list), n)
	}
	for i, d := range list { // the latest first
		if want := messageID(n - i); d.ID != want {
			t.Errorf("message: got %s, want %s", d.ID, want)
		}
		if i > 1 && d.Status != store.Sent || i == 0 && d.Status != store.Queued {
			t.Errorf("message %s, the latest but %d: got status %s", d.ID, i, d.Status)
		}
	}
	items, _, err := s.Claim(t.Context(), outbox.Request{Sink: "oncall", Now: epoch, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 1 {
		t.Errorf("Claim: got %d messages of one group, want 1", len(items))
	}
}
