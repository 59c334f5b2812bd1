package cli

import (
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
	deskFlags
	Status []string `enum:"queued,retrying,sent,dead" placeholder:"STATUS" help:"queued, retrying, sent or dead; may be repeated."`
	Sink   string   `complete:"sink" placeholder:"NAME" help:"Only to this sink."`
	Limit  int      `help:"How many at most; 0 means all."`
}

// Run lists deliveries.
func (c *deliveriesListCommand) Run(s *session) error {
	return c.use(s, func(d desk) error {
		filter := store.DeliveryFilter{Sink: c.Sink, Limit: c.Limit}
		for _, status := range c.Status {
			filter.Statuses = append(filter.Statuses, store.Status(status))
		}
		all, err := d.deliveries(s.ctx, filter)
		if err != nil {
			return err
		}
		return printList(s.Stdout, c.Output, append([]store.Delivery{}, all...), deliveryCells)
	})
}

func deliveryCells(d *store.Delivery) string {
	next := ""
	switch {
	case d.MergedInto != "":
		next = "told by " + d.MergedInto
	case d.NextAttemptAt != nil:
		next = "next " + d.NextAttemptAt.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", d.CreatedAt.Format(time.RFC3339), d.ID, d.Sink, d.Status,
		count(len(d.Alerts), "alert"), count(d.Attempts, "attempt"), next, oneLine(d.LastError))
}

type deliveriesRetryCommand struct {
	deskFlags
	IDs []string `arg:"" name:"id" help:"Deliveries, as list shows them."`
}

// Run queues dead deliveries again. A running daemon tries them at once, or within half a minute
// where it is not reached.
func (c *deliveriesRetryCommand) Run(s *session) error {
	return c.use(s, func(d desk) error {
		err := d.retry(s.ctx, c.IDs)
		if err == nil {
			fmt.Fprintf(s.Stderr, "%s queued again\n", count(len(c.IDs), "message"))
		}
		return err
	})
}
