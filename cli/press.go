package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/config"
	"watchdog/notify"
	"watchdog/notify/slack"
	"watchdog/secret"
)

// openButtons makes what hears the buttons in Slack: one for each app, however many sinks post by
// it, since an app's presses come by one connection.
func (d *daemon) openButtons(sinks []config.Sink, router *notify.Router, log *slog.Logger) {
	var apps []secret.String
	for _, c := range sinks {
		if c.Slack == nil || c.Slack.AppToken == "" || slices.Contains(apps, c.Slack.AppToken) {
			continue
		}
		apps = append(apps, c.Slack.AppToken)
		log := log.With("sink", c.Name)
		d.buttons = append(d.buttons, slack.NewButtons(*c.Slack, slack.ButtonsOptions{
			Log: log,
			Pressed: func(ctx context.Context, p slack.Press) string {
				answer, err := d.press(ctx, router, &p)
				if err != nil {
					log.Error("a press of a button came to nothing", "action", p.Action, "by", p.By, "err", err)
					return "That did not work, and the log of Watchdog says why. Press again in a moment."
				}
				log.Info("button pressed", "action", p.Action, "by", p.By, "answer", answer)
				return answer
			},
		}))
	}
}

// press does what a button says, and gives what is to be answered. What comes of it shows in the
// post by way of the outbox, as all that is told.
func (d *daemon) press(ctx context.Context, router *notify.Router, p *slack.Press) (string, error) {
	fired, why, err := d.fired(ctx, p)
	if err != nil || why != "" {
		return why, err
	}
	firing, err := d.firing(ctx, fired)
	if err != nil {
		return "", err
	}
	standing, err := d.store.Standing(ctx, p.At)
	if err != nil {
		return "", err
	}
	deed := p.Decide(firing, func(a *alert.Alert) notify.Said { return router.Said(a, standing, p.At) })
	return deed.Answer, d.do(ctx, &deed)
}

// noting is how long it may take until what was posted is known here.
const noting = time.Second

// fired are the fingerprints of what fires by the message of a press, or why nothing is known of
// it. Who presses at once may be ahead of our own note of the post.
func (d *daemon) fired(ctx context.Context, p *slack.Press) (fingerprints []string, why string, err error) {
	for patience := time.After(noting); ; {
		memory, err := d.store.Thread(ctx, p.Sink, p.Thread)
		if err != nil {
			return nil, "", err
		}
		if fired, current := p.Fired(memory); current {
			return fired, "", nil
		}
		select {
		case <-time.After(noting / 10):
		case <-ctx.Done():
			return nil, "", ctx.Err()
		case <-patience:
			if memory == nil {
				return nil, "This Watchdog does not know the message: another one has posted it, or it is older than what is kept.", nil
			}
			return nil, "This message is no longer kept up to date: a newer one of its group is in the channel.", nil
		}
	}
}

// firing are those of the alerts that fire now.
func (d *daemon) firing(ctx context.Context, fingerprints []string) ([]alert.Alert, error) {
	all, err := d.store.Alerts(ctx)
	return slices.DeleteFunc(all, func(a alert.Alert) bool {
		return a.Status != alert.StatusFiring || !slices.Contains(fingerprints, a.Fingerprint)
	}), err
}

// do keeps what a deed says, all of it before it counts: what is said at once is told at once.
func (d *daemon) do(ctx context.Context, deed *slack.Deed) error {
	if len(deed.Acks) == 0 && len(deed.Silences) == 0 {
		return nil
	}
	var errs []error
	for fingerprint, ack := range deed.Acks {
		errs = append(errs, d.store.Acknowledge(ctx, fingerprint, ack))
	}
	for i := range deed.Silences {
		one := &deed.Silences[i]
		if wrong := one.Problems(one.StartsAt); len(wrong) > 0 {
			errs = append(errs, fmt.Errorf("silence: %s: %s", wrong[0].Field, wrong[0].Message))
			continue
		}
		errs = append(errs, d.store.PutSilence(ctx, one))
	}
	d.heed(ctx)
	return errors.Join(errs...)
}
