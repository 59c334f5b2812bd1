package cli

import (
	"slices"

	"watchdog/board"
	"watchdog/secret"
	"watchdog/store"
	"watchdog/watch"
	"watchdog/web"
)

// setup is what one config has made. A reload makes another, which shares with the one before
// what did not change: clients with their sessions, workers with their attempts.
type setup struct {
	plan
	readers *readers
	servers []watch.Server
	senders []*sender
	ears    []*ear
}

// prepare makes a setup. Nothing runs by it yet, and the one before goes on; nil: there is none.
func (d *daemon) prepare(p plan, before *setup) (*setup, error) {
	if before == nil {
		before = &setup{}
	}
	next := &setup{plan: p, ears: d.openEars(p.Sinks, before.ears)}
	var err error
	if next.senders, err = d.openSenders(p.Sinks, before.senders); err != nil {
		return nil, err
	}
	if next.readers, err = openReadersAfter(before.readers, p.Servers, p.Sources); err != nil {
		return nil, err
	}
	for _, spec := range p.Servers {
		client := next.readers.byName[spec.Name]
		next.servers = append(next.servers, watch.Server{Name: spec.Name, Reader: client, Checks: p.checks(spec.Name), Doorbell: client})
	}
	return next, nil
}

// remarks logs what is not mistaken and yet worth a word.
func (d *daemon) remarks(p plan) {
	if len(p.Sinks) == 0 && p.Router != nil {
		d.log.Warn("nobody is told: no sink is in use")
	}
	for _, l := range p.LeftOut {
		d.log.Info("left out", "what", l.Kind, "name", l.Name, "why", l.Why)
	}
}

// dsn is where the state of a plan is kept, and of what kind that is. A simulated server begins
// its story anew at each start: where there is no other, nothing needs to be remembered.
func (p plan) dsn() (dsn, kind string) {
	if len(p.Servers) > 0 && !slices.ContainsFunc(p.Servers, genuine) {
		return store.Memory, "memory"
	}
	if store.IsPostgres(p.Store) {
		return p.Store, "postgres"
	}
	return p.Store, "sqlite"
}

// shown are the servers as the board is to show them.
func (p plan) shown() []board.Server {
	var shown []board.Server
	for _, s := range p.Servers {
		one := board.Server{Name: s.Name, URL: secret.MaskURLs(s.URL)}
		for _, c := range p.Checks {
			if slices.Contains(c.Servers, s.Name) {
				one.Checks = append(one.Checks, c.Name)
			}
		}
		shown = append(shown, one)
	}
	return shown
}

// settings are what the page goes by.
func (p plan) settings() web.Settings {
	s := web.Settings{Gate: p.HTTP, ExternalURL: p.ExternalURL, Vocabulary: p.Vocabulary}
	for _, sink := range p.Sinks {
		s.Sinks = append(s.Sinks, sink.Name)
	}
	return s
}
