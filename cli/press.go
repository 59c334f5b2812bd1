package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/config"
	"watchdog/notify"
	"watchdog/notify/slack"
	"watchdog/secret"
)

// ear hears the buttons of one app of Slack.
type ear struct {
	name    string // of the first sink that has it
	app     slack.Config
	buttons *slack.Buttons
	leave   context.CancelFunc // once it hears
}

// openEars makes what hears the buttons in Slack: one for each app, however many sinks post by
// it, since an app's presses come by one connection. One that is there and as it was is kept.
func (d *daemon) openEars(sinks []config.Sink, before []*ear) []*ear {
	var apps []secret.String
	var ears []*ear
	for _, c := range sinks {
		if c.Slack == nil || c.Slack.AppToken == "" || slices.Contains(apps, c.Slack.AppToken) {
			continue
		}
		apps = append(apps, c.Slack.AppToken)
		kept := slices.IndexFunc(before, func(e *ear) bool { return reflect.DeepEqual(e.app, *c.Slack) })
		if kept >= 0 {
			ears = append(ears, before[kept])
			continue
		}
		log := d.log.With("sink", c.Name)
		ears = append(ears, &ear{name: c.Name, app: *c.Slack, buttons: slack.NewButtons(*c.Slack, slack.ButtonsOptions{
			Log: log, Pressed: func(ctx context.Context, p slack.Press) string { return d.pressed(ctx, &p, log) },
		})})
	}
	return ears
}

// hear makes ears hear until ctx ends, in place of those before.
func (d *daemon) hear(ctx context.Context, before, next []*ear) {
	for _, e := range before {
		if !slices.Contains(next, e) {
			e.leave()
		}
	}
	for _, e := range next {
		if e.leave != nil {
			continue // it hears
		}
		hearing, leave := context.WithCancel(ctx)
		e.leave = leave
		d.hearing.Go(func() { defer leave(); d.hold(hearing, earLease+e.name, e.buttons.Run) })
	}
}

func (d *daemon) pressed(ctx context.Context, p *slack.Press, log *slog.Logger) string {
	answer, err := d.press(ctx, d.now.Load().Router, p)
	if err != nil {
		log.Error("a press of a button came to nothing", "action", p.Action, "by", p.By, "err", err)
		return "That did not work, and the log of Watchdog says why. Press again in a moment."
	}
	log.Info("button pressed", "action", p.Action, "by", p.By, "answer", answer)
	return answer
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
