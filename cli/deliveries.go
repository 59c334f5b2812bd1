package cli

import (
	"errors"
	"fmt"
	"time"

	"watchdog/store"
)

type deliveriesCommand struct {
	List  deliveriesListCommand  `cmd:"" help:"List what is queued, being retried, sent or dead, the latest first."`
	Retry deliveriesRetryCommand `cmd:"" help:"Queue dead deliveries again."`
}

type deliveriesListCommand struct {
	format
	Status []string `enum:"queued,retrying,sent,dead" placeholder:"STATUS" help:"queued, retrying, sent or dead; may be repeated."`
	Sink   string   `placeholder:"NAME" help:"Only to this sink."`
	Limit  int      `help:"How many at most; 0 means all."`
}

// Run lists deliveries, from the store.
func (c *deliveriesListCommand) Run(s *session) error {
	cfg, _, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	kept, err := s.openBeside(cfg.Store)
	if err != nil {
		return err
	}
	all := []store.Delivery{}
	if kept != nil {
		defer kept.Close() //nolint:errcheck // it was only read
		filter := store.DeliveryFilter{Sink: c.Sink, Limit: c.Limit}
		for _, status := range c.Status {
			filter.Statuses = append(filter.Statuses, store.Status(status))
		}
		found, err := kept.Deliveries(s.ctx, filter)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	return printList(s.Stdout, c.Output, all, deliveryCells)
}

func deliveryCells(d *store.Delivery) string {
	next := ""
	if d.NextAttemptAt != nil {
		next = "next " + d.NextAttemptAt.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", d.CreatedAt.Format(time.RFC3339), d.ID, d.Sink, d.Status,
		count(len(d.Alerts), "alert"), count(d.Attempts, "attempt"), next, oneLine(d.LastError))
}

type deliveriesRetryCommand struct {
	IDs []string `arg:"" name:"id" help:"Deliveries, as list shows them."`
}

// Run queues dead deliveries again. A running daemon finds them within half a minute.
func (c *deliveriesRetryCommand) Run(s *session) error {
	cfg, _, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	kept, err := store.Open(s.ctx, cfg.Store, store.Options{Beside: true})
	if err != nil {
		return err
	}
	err = errors.Join(kept.RetryDead(s.ctx, time.Now(), c.IDs...), kept.Close())
	if err == nil {
		fmt.Fprintf(s.Stderr, "%s queued again\n", count(len(c.IDs), "message"))
	}
	return err
}
