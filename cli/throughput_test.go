package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/notify/webhook"
	"watchdog/outbox"
	"watchdog/secret"
	"watchdog/store"
)

// BenchmarkWebhookDeliveries sends deliveries, each of a group of its own, from a store in a file
// to a receiver on this machine: an op is one delivery, signed, taken and noted on the disk.
// Commits are those that claims and notes take, for each delivery.
func BenchmarkWebhookDeliveries(b *testing.B) {
	for _, concurrency := range []int{1, 4, 8, 16, 32} {
		b.Run(fmt.Sprint(concurrency, " at a time"), func(b *testing.B) { benchmarkDeliveries(b, concurrency) })
	}
}

func benchmarkDeliveries(b *testing.B, concurrency int) {
	kept, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "watchdog.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer kept.Close()
	o := &cycle.Outcome{Server: "prod"}
	for i := range b.N {
		subject := alert.Subject{Server: "prod", Database: "_replicator", DocID: fmt.Sprint("doc", i)}
		o.Messages = append(o.Messages, notify.Message{
			ID: fmt.Sprint("dlv_", i), Sink: "hook", Group: map[string]string{"doc_id": subject.DocID},
			Alerts: []alert.Transition{{Reason: alert.ReasonNew, Alert: alert.Alert{
				Status: alert.StatusFiring, Rule: "replication-failed", Fingerprint: alert.Fingerprint("replication-failed", subject),
				Server: "prod", Database: subject.Database, DocID: subject.DocID, Error: "db_not_found: could not open orders",
			}}},
		})
	}
	if err := kept.Commit(b.Context(), o); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	var left atomic.Int64
	left.Store(int64(b.N))
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if left.Add(-1) == 0 {
			stop()
		}
	}))
	defer receiver.Close()
	hook, err := webhook.New(webhook.Config{URL: secret.String(receiver.URL), Secret: webhook.Secrets{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}, webhook.Options{})
	if err != nil {
		b.Fatal(err)
	}
	queue := &counting{Queue: kept}
	worker := outbox.NewWorker(outbox.Options{
		Sink: "hook", Queue: queue, Concurrency: concurrency,
		Deliver: func(ctx context.Context, item outbox.Item) ([]byte, error) {
			var m notify.Message
			if err := json.Unmarshal(item.Payload, &m); err != nil {
				return nil, err
			}
			return nil, hook.Send(ctx, &m)
		},
	})
	b.ResetTimer()
	if err := worker.Run(ctx); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(float64(queue.commits)/float64(b.N), "commits/delivery")
}

// counting counts the commits of a queue. One worker calls it.
type counting struct {
	outbox.Queue
	commits int
}

func (c *counting) Claim(ctx context.Context, r outbox.Request) ([]outbox.Item, time.Time, error) {
	items, next, err := c.Queue.Claim(ctx, r)
	if len(items) > 0 {
		c.commits++
	}
	return items, next, err
}

func (c *counting) Note(ctx context.Context, notes ...outbox.Note) error {
	c.commits++
	return c.Queue.Note(ctx, notes...)
}
