package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchdog/heartbeat"
)

// stuckAfter is the age of the oldest delivery from which a queue counts as stuck: longer than any
// hiccup of a receiver, and short enough that somebody can be told by another way.
const stuckAfter = 15 * time.Minute

// alive says what hangs: then the process is of no use, and a restart may help.
func (d *daemon) alive() error {
	if d.loop == nil {
		return nil // it is being started
	}
	if hung := d.loop.Hung(time.Now()); len(hung) > 0 {
		return fmt.Errorf("what watches %s hangs", strings.Join(hung, ", "))
	}
	return nil
}

// whole says why not everything was done that alerts depend on: every check ran when it should
// have, was decided and stored, and what was to be said is not stuck.
func (d *daemon) whole(ctx context.Context) error {
	now := time.Now()
	if err := d.alive(); err != nil {
		return err
	}
	if late := d.board.Late(now); len(late) > 0 {
		return fmt.Errorf("check %s of server %s: %s", late[0].Check, late[0].Server, late[0].Why)
	}
	asking, done := context.WithTimeout(ctx, 5*time.Second)
	defer done()
	backlogs, err := d.store.Backlogs(asking)
	if err != nil {
		return err
	}
	inUse := d.now.Load().settings().Sinks
	for _, b := range backlogs {
		if !b.Oldest.IsZero() && now.Sub(b.Oldest) > stuckAfter && slices.Contains(inUse, b.Sink) {
			return fmt.Errorf("the queue of sink %s is stuck for over %s", b.Sink, span(stuckAfter))
		}
	}
	return nil
}

// newHeart is the heartbeat by the config of the moment.
func (d *daemon) newHeart() *heartbeat.Heart {
	return heartbeat.New(heartbeat.Options{
		Spec: func() heartbeat.Spec { return d.now.Load().Heartbeat }, Whole: d.whole, Log: d.log,
	})
}

// tellSystemd says that the service does its work, and again and again that it is alive, until ctx
// ends.
func (d *daemon) tellSystemd(ctx context.Context) {
	d.told(d.systemd.Ready(d.story()))
	every := d.systemd.PetEvery()
	if every == 0 {
		<-ctx.Done()
	} else {
		d.pet(ctx, every)
	}
	d.told(d.systemd.Stopping())
}

// pet keeps systemd from restarting the service, as long as nothing hangs.
func (d *daemon) pet(ctx context.Context, every time.Duration) {
	beat := time.NewTicker(every)
	defer beat.Stop()
	for {
		if err := d.alive(); err == nil {
			d.told(d.systemd.Alive())
		} else {
			d.log.Error("systemd will restart this process", "err", err)
			d.told(d.systemd.Status(err.Error()))
		}
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
	}
}

// story is what the daemon does, in a few words.
func (d *daemon) story() string {
	now := d.now.Load()
	return fmt.Sprintf("watching %s, telling %s", count(len(now.servers), "server"), count(len(now.senders), "sink"))
}

func (d *daemon) told(err error) {
	if err != nil {
		d.log.Warn("systemd is not told how the service does", "err", errors.Unwrap(err))
	}
}
