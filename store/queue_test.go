package store_test

import (
	"testing"

	"watchdog/outbox"
	"watchdog/outbox/outboxtest"
	"watchdog/store"
)

func TestQueueKeepsTheContractOfTheOutbox(t *testing.T) {
	outboxtest.TestQueue(t, func(t *testing.T) (q, other outbox.Queue, add func(...outbox.Item)) {
		s := open(t, store.Memory)
		return s, s.As("another"), func(items ...outbox.Item) {
			if err := s.Add(t.Context(), items...); err != nil {
				t.Fatalf("Add: %v", err)
			}
		}
	})
}

func TestOneItemMovesUpWhenOneIsDone(t *testing.T) {
	s := open(t, store.Memory)
	for _, from := range []int{0, 100} {
		o := alarm(100, from)
		for i := range o.Messages {
			o.Messages[i].Group = nil
		}
		if err := s.Commit(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	var items, behindOne int
	err := s.Writer().QueryRowContext(t.Context(), `SELECT sum(n), max(n) FROM
		(SELECT count(*) AS n FROM outbox WHERE behind IS NOT NULL GROUP BY behind)`).Scan(&items, &behindOne)
	if err != nil {
		t.Fatal(err)
	}
	if items != 199 || behindOne != 1 {
		t.Errorf("got %d items behind others, up to %d directly behind one; want 199 and 1", items, behindOne)
	}
}
