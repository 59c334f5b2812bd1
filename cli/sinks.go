package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"watchdog/config"
	"watchdog/notify"
	"watchdog/notify/alertmanager"
	"watchdog/notify/email"
	"watchdog/notify/exec"
	"watchdog/notify/pagerduty"
	"watchdog/notify/shoutrrr"
	"watchdog/notify/slack"
	"watchdog/notify/terminal"
	"watchdog/notify/webhook"
	"watchdog/outbox"
)

// sink is what every sink can do.
type sink interface {
	notify.Sink
	// Preview is what Send would send.
	Preview(m *notify.Message) ([]byte, error)
}

// resumer is a sink that tells a message in several steps, and goes on where its last attempt
// stopped.
type resumer interface {
	// Resume is Send after what memory says was done; it returns the memory for the next attempt.
	Resume(ctx context.Context, m *notify.Message, memory []byte) ([]byte, error)
}

// openSink makes what sends to one sink of the config.
func (s *session) openSink(c config.Sink) (sink, error) {
	switch {
	case c.Slack != nil:
		return slack.New(*c.Slack, slack.Options{})
	case c.Webhook != nil:
		return webhook.New(*c.Webhook, webhook.Options{})
	case c.PagerDuty != nil:
		return pagerduty.New(*c.PagerDuty, pagerduty.Options{})
	case c.Alertmanager != nil:
		return alertmanager.New(*c.Alertmanager, alertmanager.Options{})
	case c.Email != nil:
		return email.New(*c.Email)
	case c.Shoutrrr != nil:
		return shoutrrr.New(*c.Shoutrrr)
	case c.Exec != nil:
		return exec.New(*c.Exec)
	default:
		return terminal.New(*c.Terminal, terminal.Options{Out: s.Stdout, Color: s.colored(s.Stdout)})
	}
}

// openWorker makes what takes the messages of one sink out of the queue. Noted is put around what
// delivers.
func (s *session) openWorker(c config.Sink, queue outbox.Queue, noted func(string, outbox.Deliver) outbox.Deliver, log *slog.Logger) (*outbox.Worker, error) {
	sink, err := s.openSink(c)
	if err != nil {
		return nil, err
	}
	return outbox.NewWorker(outbox.Options{
		Sink: c.Name, Queue: queue, Deliver: noted(c.Name, deliver(sink)),
		Timeout: c.Timeout, GiveUpAfter: c.GiveUpAfter, DigestAbove: c.DigestAbove,
		Limit: outbox.AtMost(c.RateLimit.Count, c.RateLimit.Per), Concurrency: concurrency(c), Log: log,
	}), nil
}

// webhooksAtATime is how many messages one webhook is sent at the same time, of groups and alerts
// that have nothing in common: as many as a small server takes easily. Measured in
// docs/performance.md.
const webhooksAtATime = 16

// concurrency is how many messages a sink is sent at the same time. What people read is sent one
// by one.
func concurrency(c config.Sink) int {
	if c.Webhook != nil {
		return webhooksAtATime
	}
	return 1
}

// deliver takes a message out of its item. One that cannot be read will not be readable later.
func deliver(sink notify.Sink) outbox.Deliver {
	return func(ctx context.Context, item outbox.Item) ([]byte, error) {
		var m notify.Message
		if err := json.Unmarshal(item.Payload, &m); err != nil {
			return nil, &notify.Refused{Err: fmt.Errorf("read the stored message: %w", err)}
		}
		if r, ok := sink.(resumer); ok {
			return r.Resume(ctx, &m, item.Memory)
		}
		return nil, sink.Send(ctx, &m)
	}
}
