package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"syscall"
	"time"

	"watchdog/config"
	"watchdog/diag"
	"watchdog/trail"
	"watchdog/web"
)

// source is where a config comes from, again and again.
type source struct {
	session *session
	trail   *trail.Trail // of the last reading
}

// read reads the config, whether that is good or not.
func (s *source) read() (*config.Config, diag.List) {
	s.trail = trail.New()
	cfg, inputs, found := config.LoadInputs(config.Options{
		Path: s.session.configPath, Env: s.session.Env, ReadFile: s.trail.ReadFile, Glob: s.trail.Glob,
	})
	s.trail.Follow(inputs.Files)
	return cfg, found
}

// logLints logs what is legal but wrong.
func logLints(log *slog.Logger, found diag.List) {
	for _, d := range found {
		if d.Level == diag.Lint {
			log.Warn("config lint", "place", fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column), "id", d.ID, "lint", d.Message)
		}
	}
}

// reloader waits for reasons to read the config anew.
type reloader struct {
	source  *source
	hangups chan os.Signal
	asks    chan chan<- reloaded
}

// reloaded is what became of a reload.
type reloaded struct {
	brought *web.Reloaded
	err     error
}

// newReloader keeps a SIGHUP from ending the process from now on, until close.
func newReloader(s *source) *reloader {
	r := &reloader{source: s, hangups: make(chan os.Signal, 1), asks: make(chan chan<- reloaded)}
	signal.Notify(r.hangups, syscall.SIGHUP)
	return r
}

func (r *reloader) close() { signal.Stop(r.hangups) }

// ask makes a running daemon reload, and waits for what comes of it.
func (r *reloader) ask(ctx context.Context) (*web.Reloaded, error) {
	answer := make(chan reloaded, 1)
	select {
	case r.asks <- answer:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-answer:
		return a.brought, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// followConfig reloads whenever there is a reason to, until ctx ends. It does so one time after
// the other.
func (d *daemon) followConfig(ctx context.Context) {
	for ctx.Err() == nil {
		why, answer := d.reloader.wait(ctx, d.log)
		if ctx.Err() != nil {
			return
		}
		d.told(d.systemd.Reloading())
		brought, err := d.reload(ctx)
		d.told(d.systemd.Ready(d.story()))
		if ctx.Err() != nil {
			return
		}
		switch list, bad := errors.AsType[diag.List](err); {
		case bad:
			d.log.Error("config is bad, the one before stays in use", "why", why, "mistakes", len(list), "err", list)
		case err != nil:
			d.log.Error("config could not be put in use, the one before stays", "why", why, "err", err)
		default:
			d.log.Info("config reloaded", "why", why, "changes", brought.Changes)
		}
		if answer != nil {
			answer <- reloaded{brought, err}
		}
	}
}

// wait returns the next reason to reload, and who waits for what comes of it, if anybody does.
func (r *reloader) wait(ctx context.Context, log *slog.Logger) (why string, answer chan<- reloaded) {
	ctx, stop := context.WithCancel(ctx)
	changed, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		err := r.source.trail.Wait(ctx, func(err error) {
			log.Warn("changes of the config's files are seen late", "err", err)
		})
		if err == nil {
			changed <- struct{}{}
		}
	}()
	defer func() { stop(); <-ended }()
	select {
	case <-changed:
		return "a file has changed", nil
	case <-r.hangups:
		return "SIGHUP", nil
	case answer = <-r.asks:
		return "somebody asked for it", answer
	case <-ctx.Done():
		return "", nil
	}
}

// reload reads the config and puts it in use, whole or not at all, and tells the page.
func (d *daemon) reload(ctx context.Context) (*web.Reloaded, error) {
	cfg, found := d.reloader.source.read()
	var brought *web.Reloaded
	var err error
	if cfg == nil {
		err = mistakes(found)
	} else {
		logLints(d.log, found)
		brought, err = d.use(ctx, plan{cfg})
	}
	switch {
	case d.web == nil:
	case err != nil:
		d.web.ConfigRefused(err)
	default:
		d.web.ConfigLoaded(time.Now(), *brought)
	}
	return brought, err
}

// mistakes are those of a list that keep a config from being used.
func mistakes(found diag.List) diag.List {
	var list diag.List
	for _, d := range found {
		if d.Level != diag.Lint {
			list = append(list, d)
		}
	}
	return list
}

// use puts a plan in use in place of the one before. All of it is made before anything changes;
// then every part goes over to it by itself, with what it has in hand finished as it was begun.
func (d *daemon) use(ctx context.Context, p plan) (*web.Reloaded, error) {
	before := d.now.Load()
	brought := &web.Reloaded{Changes: config.Changes(before.Config, p.Config), RestartNeeded: d.restartNeeded(p)}
	if len(brought.Changes) == 0 {
		return brought, nil
	}
	next, err := d.prepare(p, before)
	if err != nil {
		return nil, err
	}
	d.board.Show(p.shown())
	if !next.readers.sameCircle(before.readers) {
		next.readers.introduce()
	}
	if err := d.loop.Reload(ctx, next.servers); err != nil {
		before.readers.introduce()
		d.board.Show(before.shown())
		next.readers.closeBut(before.readers)
		return nil, err
	}
	d.now.Store(next)
	d.park(ctx) // what waits for a sink that is back counts as queued now, before it is sent
	d.senders.run(ctx, next.senders, d.holdSink)
	d.hear(ctx, before.ears, next.ears)
	if d.web != nil {
		settings := p.settings()
		if !d.reachable(p) {
			settings.Gate = d.gate
		}
		d.gate = settings.Gate
		d.web.Change(settings)
	}
	before.readers.closeBut(next.readers)
	d.remarks(p)
	if len(brought.RestartNeeded) > 0 {
		d.log.Warn("a restart is needed for some of what changed in the config; the rest is in use", "keys", brought.RestartNeeded)
	}
	return brought, nil
}

// restartNeeded are the keys of a plan that count from the next start on only.
func (d *daemon) restartNeeded(p plan) []string {
	var keys []string
	if dsn, _ := p.dsn(); dsn != d.dsn {
		keys = append(keys, "store")
	}
	if !d.reachable(p) {
		keys = append(keys, "http")
	}
	return keys
}

// reachable reports whether the page of a plan is where it is now. Where it is not, who may come in
// stays as it was too: what is right for another address may leave this one open to everybody.
func (d *daemon) reachable(p plan) bool {
	return p.HTTP.Listen == d.http.Listen && reflect.DeepEqual(p.HTTP.TLS, d.http.TLS)
}
