package outboxtest_test

import (
	"testing"

	"watchdog/outbox"
	"watchdog/outbox/outboxtest"
)

func TestQueueInMemory(t *testing.T) {
	outboxtest.TestQueue(t, func(*testing.T) (q, other outbox.Queue, add func(...outbox.Item)) {
		kept := new(outboxtest.Queue)
		return kept.As("one"), kept.As("other"), kept.Add
	})
}
