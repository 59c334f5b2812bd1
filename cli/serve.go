package cli

import (
	"context"
	"time"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/store"
	"watchdog/watch"
	"watchdog/web"
)

// listen opens the page of a daemon, before anything is watched: an address that is taken is
// known at once. Without an address in the config there is no page.
func (d *daemon) listen(ctx context.Context) error {
	p := d.now.Load().plan
	if p.HTTP.Listen == "" {
		return nil
	}
	build := thisBuild()
	build.Store = d.storeKind
	options := web.Options{
		Settings: p.settings(), Board: d.board, Archive: archive{d.store, d.senders.wake},
		ComeDue:   d.comeDue,
		Histories: d.history, Explain: d.explain,
		Said: said{d.store, d.heed},
		List: func(all []alert.Alert) []web.Listed {
			said, _ := d.standing.known()
			return listed(d.now.Load().Config, all, said)
		},
		Windows: func(now time.Time) []notify.WindowState { return d.now.Load().Router.Windows(now) },
		Alive:   d.alive, Heartbeat: d.heart.Last,
		ConfigPath: absolute(p.Path), Build: build, Log: d.log,
	}
	if d.reloader != nil {
		options.Reload = d.reloader.ask
	}
	if d.elsewhere != nil {
		options.Replicas = d.elsewhere
	}
	d.web = web.New(options)
	d.web.ConfigLoaded(time.Now(), web.Reloaded{})
	err := d.web.Listen(ctx)
	switch {
	case err == nil:
		d.log.Info("the page is open", "url", d.web.URL())
	case p.HTTP.Optional:
		d.log.Warn("going on without the page", "err", err)
		d.web, err = nil, nil
	default:
		d.web = nil
	}
	return err
}

// archive is the store as the page knows it: what is to be tried again is tried at once.
type archive struct {
	*store.DB
	wake func()
}

func (a archive) RetryDead(ctx context.Context, at time.Time, ids ...string) error {
	err := a.DB.RetryDead(ctx, at, ids...)
	if err == nil {
		a.wake()
	}
	return err
}

// reported shows what became of a check to the page's readers, and to history.
func (d *daemon) reported(r *watch.Report) {
	if r.Snapshot != nil {
		d.history.Observe(r.Snapshot)
	}
	change := d.board.Report(r)
	if d.teller != nil {
		d.teller.seen(r.Server)
	}
	if d.web != nil {
		d.web.Publish(change)
	}
}

// noted makes attempts to deliver known to the page's readers.
func (d *daemon) noted(sink string, deliver outbox.Deliver) outbox.Deliver {
	return func(ctx context.Context, item outbox.Item) ([]byte, error) {
		began := time.Now()
		memory, err := deliver(ctx, item)
		if d.web != nil {
			d.web.Attempted(sink, err, time.Since(began))
		}
		return memory, err
	}
}
