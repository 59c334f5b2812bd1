package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/store"
	"watchdog/watch"
)

// The exit codes of the Nagios plugin convention.
const (
	nagiosOK       = 0
	nagiosWarning  = 1
	nagiosCritical = 2
	nagiosUnknown  = 3
)

var nagiosWords = [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}

type onceCommand struct {
	Notify    bool   `help:"Remember what was seen in the store and tell the sinks, as the daemon does."`
	LogFormat string `enum:"text,json" default:"text" help:"text or json."`
}

// deliverWithin is how long `once --notify` waits for the sinks to take what it told them; the
// rest stays queued.
const deliverWithin = 30 * time.Second

// Run looks once and prints what is wrong, the first line as a Nagios plugin does. Without
// --notify nothing is remembered, so that windows and holds have not begun.
func (c *onceCommand) Run(s *session) error {
	cfg, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	used := *cfg
	if !c.Notify {
		used.Store, used.Sinks, used.Router = store.Memory, nil, nil
	}
	d, err := s.openDaemon(plan{&used}, s.logger(c.LogFormat))
	if err != nil {
		return c.unknown(s, err)
	}
	seen, err := d.once(s.ctx)
	if err := errors.Join(err, d.close()); err != nil {
		return c.unknown(s, err)
	}
	return printSeen(s, seen)
}

// once looks at every server, and tells what there is to tell.
func (d *daemon) once(ctx context.Context) ([]watch.Seen, error) {
	ledger, leave, err := d.seize(ctx)
	if err != nil {
		return nil, err
	}
	seen, err := watch.Once(ctx, d.now.Load().servers, watch.Options{Ledger: ledger, Log: d.log, Standing: d.standing.read})
	if err == nil {
		err = d.deliver(ctx)
	}
	return seen, errors.Join(err, leave(ctx))
}

// unknown says in the plugin's own way that nothing could be found out.
func (c *onceCommand) unknown(s *session, err error) error {
	fmt.Fprintf(s.Stdout, "WATCHDOG UNKNOWN - %s\n", oneLine(err.Error()))
	return exit(nagiosUnknown)
}

// deliver runs the workers until their queues are empty, or for a while.
func (d *daemon) deliver(ctx context.Context) error {
	all := d.now.Load().senders
	if len(all) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	d.senders.run(ctx, all, func(ctx context.Context, _ string, work func(context.Context)) { work(ctx) })
	err := d.drained(ctx)
	cancel()
	return errors.Join(err, d.senders.wait())
}

// drained returns when nothing waits to be sent, or ctx ends.
func (d *daemon) drained(ctx context.Context) error {
	for {
		backlogs, err := d.store.Backlogs(ctx)
		waiting := 0
		for _, b := range backlogs {
			waiting += b.Waiting
		}
		switch {
		case ctx.Err() != nil:
			d.log.Warn("not everything was delivered; the rest stays queued", "deliveries", waiting)
			return nil //nolint:nilerr // what is queued is not lost
		case err != nil || waiting == 0:
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// printSeen prints a line for the plugin's caller, then one for each alert and each server that
// could not be read.
func printSeen(s *session, seen []watch.Seen) error {
	var firing []alert.Alert
	var broken []string
	replications := 0
	for _, one := range seen {
		if one.Snapshot == nil {
			continue
		}
		replications += len(one.Snapshot.Replications)
		if err := one.Snapshot.Err(); err != nil {
			broken = append(broken, fmt.Sprintf("%s cannot be read: %s", one.Server, oneLine(err.Error())))
		}
		for _, a := range one.State.Alerts() {
			if a.Status == alert.StatusFiring {
				firing = append(firing, a)
			}
		}
	}
	slices.SortStableFunc(firing, func(a, b alert.Alert) int { return cmp.Compare(b.Severity, a.Severity) })
	var by [3]int
	for _, a := range firing {
		by[a.Severity]++
	}
	code := verdict(by, len(broken))
	fmt.Fprintf(s.Stdout, "WATCHDOG %s - %d critical, %d warning, %d info; %s on %s, %d unreadable | critical=%d warning=%d info=%d replications=%d unreadable=%d\n",
		nagiosWords[code], by[alert.Critical], by[alert.Warning], by[alert.Info],
		count(replications, "replication"), count(len(seen), "server"), len(broken),
		by[alert.Critical], by[alert.Warning], by[alert.Info], replications, len(broken))
	for _, line := range broken {
		fmt.Fprintln(s.Stdout, line)
	}
	for _, a := range firing {
		fmt.Fprintf(s.Stdout, "%s %s %s: %s\n", a.Severity, a.Rule, a.Subject(), oneLine(cmp.Or(a.Summary, a.Error, a.State)))
	}
	if code == nagiosOK {
		return nil
	}
	return exit(code)
}

// verdict: what is known to be critical counts most, then what could not be found out.
func verdict(by [3]int, broken int) int {
	switch {
	case by[alert.Critical] > 0:
		return nagiosCritical
	case broken > 0:
		return nagiosUnknown
	case by[alert.Warning] > 0:
		return nagiosWarning
	default:
		return nagiosOK
	}
}
