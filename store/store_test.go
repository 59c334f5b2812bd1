package store_test

import (
	"encoding"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/store"
	"watchdog/store/storetest"
)

func TestContractInMemory(t *testing.T) { storetest.Run(t, openMemory) }

func TestQueueIsLikeItsModel(t *testing.T) { storetest.RunModel(t, openMemory) }

func TestContractInFile(t *testing.T) {
	storetest.Run(t, func(t testing.TB) storetest.Store { return open(t, newFile(t)) })
	storetest.RunDurable(t, func(t testing.TB) func(testing.TB) storetest.Store {
		path := newFile(t)
		return func(t testing.TB) storetest.Store { return open(t, path) }
	})
}

// open opens a store that the test closes at the latest.
func open(t testing.TB, dsn string) *store.DB {
	t.Helper()
	s, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func openMemory(t testing.TB) storetest.Store { return open(t, store.Memory) }

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "watchdog.db") }

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// memory is what the memory of a replication is to the store: bytes.
type memory []byte

func (m memory) AppendBinary(b []byte) ([]byte, error) { return append(b, m...), nil }

var _ encoding.BinaryAppender = memory(nil)

// changes is an outcome that changes n replications, of some 200 bytes each.
func changes(n int) *cycle.Outcome {
	o := &cycle.Outcome{Server: "prod", At: epoch, ServerMemory: memory("up")}
	for i := range n {
		o.Replications = append(o.Replications, cycle.ReplicationChange{
			Database: "_replicator", DocID: fmt.Sprintf("orders-%07d", i), State: "running", Memory: memory(make([]byte, 200)),
		})
	}
	return o
}

// alarm is an outcome in which n alerts began to fire, each told to one sink in a group of its
// own.
func alarm(n, from int) *cycle.Outcome {
	o := &cycle.Outcome{Server: "prod", At: epoch}
	for i := from; i < from+n; i++ {
		subject := alert.Subject{Server: "prod", Database: "_replicator", DocID: fmt.Sprintf("orders-%07d", i)}
		a := alert.Alert{
			Status: alert.StatusFiring, Rule: "replication-failed", Severity: alert.Critical,
			Fingerprint: alert.Fingerprint("replication-failed", subject),
			Server:      subject.Server, Database: subject.Database, DocID: subject.DocID, State: "failed",
			Summary: subject.DocID + " failed: unauthorized", StartsAt: epoch,
		}
		t := alert.Transition{Reason: alert.ReasonNew, At: epoch, Alert: a}
		o.Alerts = append(o.Alerts, cycle.AlertChange{Alert: a})
		o.Transitions = append(o.Transitions, t)
		o.Messages = append(o.Messages, notify.Message{
			ID: messageID(i), Sink: "oncall", At: epoch,
			Group: map[string]string{"doc_id": subject.DocID}, Alerts: []alert.Transition{t},
		})
	}
	return o
}

func messageID(n int) string { return fmt.Sprintf("dlv_%09d", n) }

// count is a Restorer that only counts.
type count struct{ replications, bytes int }

func (c *count) RestoreServer([]byte) error { return nil }
func (c *count) RestoreAlert(alert.Alert)   {}

func (c *count) RestoreTold(string, []byte) error { return nil }
func (c *count) RestoreReplication(_, _ string, memory []byte) error {
	c.replications, c.bytes = c.replications+1, c.bytes+len(memory)
	return nil
}

// replications gives how many are remembered of prod.
func replications(t *testing.T, s *store.DB) int {
	t.Helper()
	var got count
	if err := s.Restore(t.Context(), "prod", &got); err != nil {
		t.Fatal(err)
	}
	return got.replications
}
