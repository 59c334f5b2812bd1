package cli

import (
	"fmt"
	"io"
	"time"

	"watchdog/alert"
	"watchdog/store"
)

type deliveriesCommand struct {
	List  deliveriesListCommand  `cmd:"" help:"List what is queued, being retried, sent or dead, the latest first."`
	Show  deliveriesShowCommand  `cmd:"" help:"Show one delivery: what it tells, how often it was tried, and what it waits for."`
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
	next, wrong := "", oneLine(d.LastError)
	if d.Status == store.Sent {
		wrong = "" // of an attempt before the one that it was sent by
	}
	switch {
	case d.MergedInto != "":
		next = "told by " + d.MergedInto
	case d.NextAttemptAt != nil:
		next = "next " + d.NextAttemptAt.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", d.CreatedAt.Format(time.RFC3339), d.ID, d.Sink, d.Status,
		told(d.Alerts), count(d.Attempts, "attempt"), next, wrong)
}

// told is the first of what a message tells, and how much more there is.
func told(all []alert.Transition) string {
	if len(all) == 0 {
		return ""
	}
	first := &all[0].Alert
	words := oneLine(fmt.Sprintf("%s %s %s", first.Status, first.Rule, first.Subject()))
	if more := len(all) - 1; more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	return words
}

type deliveriesShowCommand struct {
	deskFlags
	Output string `short:"o" enum:"text,json,yaml" default:"text" help:"text, json or yaml."`
	ID     string `arg:"" help:"The delivery, as list and explain show it."`
}

// Run shows one delivery.
func (c *deliveriesShowCommand) Run(s *session) error {
	return c.use(s, func(d desk) error {
		found, err := d.delivery(s.ctx, c.ID)
		if err != nil {
			return err
		}
		if c.Output == "text" {
			printDelivery(s.Stdout, found)
			return nil
		}
		object, err := oneObject(found)
		if err != nil {
			return err
		}
		return printObject(s.Stdout, c.Output, object)
	})
}

func printDelivery(w io.Writer, d *store.Delivery) {
	fmt.Fprintf(w, "%s to %s is %s, of %s, after %s\n", d.ID, d.Sink, d.Status, d.CreatedAt.Format(time.RFC3339), count(d.Attempts, "attempt"))
	if d.LastError != "" {
		fmt.Fprintf(w, "  last error: %s\n", oneLine(d.LastError))
	}
	switch {
	case d.MergedInto != "":
		fmt.Fprintf(w, "  told by %s, whose fate it shares\n", d.MergedInto)
	case d.Behind != "":
		fmt.Fprintf(w, "  waits until %s is done\n", d.Behind)
	case d.NextAttemptAt != nil:
		fmt.Fprintf(w, "  next attempt at %s\n", d.NextAttemptAt.Format(time.RFC3339))
	case d.Status == store.Queued:
		fmt.Fprintln(w, "  next attempt as soon as its sink takes it")
	case d.Status == store.Dead:
		fmt.Fprintf(w, "  no further attempt, unless by watchdog deliveries retry %s\n", d.ID)
	}
	for _, id := range d.Merged {
		fmt.Fprintf(w, "  tells what %s would have told\n", id)
	}
	fmt.Fprintf(w, "it tells of %s:\n", count(len(d.Alerts), "transition"))
	for i := range d.Alerts {
		t := &d.Alerts[i]
		fmt.Fprintf(w, "  %s  %-8s  %s of %s (%s)\n", t.At.Format(time.RFC3339), t.Status, t.Rule, t.Subject(), t.Reason)
		if t.Summary != "" {
			fmt.Fprintf(w, "    %s\n", oneLine(t.Summary))
		}
	}
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
