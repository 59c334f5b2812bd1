package cli

import (
	"context"
	"time"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/config"
	"watchdog/outbox"
	"watchdog/secret"
	"watchdog/store"
	"watchdog/watch"
	"watchdog/web"
)

// listen opens the page of a daemon, before anything is watched: an address that is taken is
// known at once. Without an address in the config there is no page.
func (d *daemon) listen(ctx context.Context, cfg *config.Config) error {
	if cfg.HTTP.Listen == "" {
		return nil
	}
	var shown []board.Server
	for _, s := range cfg.Servers {
		one := board.Server{Name: s.Name, URL: secret.MaskURLs(s.URL)}
		for _, c := range cfg.Checks {
			for _, name := range c.Servers {
				if name == s.Name {
					one.Checks = append(one.Checks, c.Name)
				}
			}
		}
		shown = append(shown, one)
	}
	var sinks []string
	for _, s := range cfg.Sinks {
		sinks = append(sinks, s.Name)
	}
	build := thisBuild()
	build.Store = d.storeKind
	d.board = board.New(shown)
	d.web = web.New(web.Options{
		Gate: cfg.HTTP, ExternalURL: cfg.ExternalURL, Board: d.board, Archive: archive{d.store, d.wake},
		Histories: d.history, Explain: d.explainer(plan{cfg}),
		ComeDue: func(server, check string) bool { return d.loop.ComeDue(server, check) },
		Said:    said{d.store, d.heed},
		List:    func(all []alert.Alert) []web.Listed { return listed(cfg, all, d.standing.last.Load()) },
		Windows: cfg.Router.Windows,
		Sinks:   sinks, ConfigPath: absolute(cfg.Path), Build: build, Log: d.log,
	})
	d.web.ConfigLoaded(time.Now(), nil)
	err := d.web.Listen(ctx)
	switch {
	case err == nil:
		d.log.Info("the page is open", "url", d.web.URL())
	case cfg.HTTP.Optional:
		d.log.Warn("going on without the page", "err", err)
		d.board, d.web, err = nil, nil, nil
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
	if d.web != nil {
		d.web.Publish(d.board.Report(r))
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
