package outboxtest_test

import (
	"testing"

	"watchdog/outbox"
	"watchdog/outbox/outboxtest"
)

func TestQueueInMemory(t *testing.T) {
	outboxtest.TestQueue(t, func(*testing.T) (outbox.Queue, func(...outbox.Item)) {
		q := new(outboxtest.Queue)
		return q, q.Add
	})
}
