package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"watchdog/config"
	"watchdog/diag"
)

// prober can be asked whether it is there, without telling anybody anything.
type prober interface {
	// Probe says what it found.
	Probe(ctx context.Context) (found string, err error)
}

// probed is one server or sink that was asked.
type probed struct {
	what  string // "server prod"
	found string
	err   error
}

// probe asks all servers and sinks of a config at the same time, each within its own time-out.
// What was asked comes in the order of the config; what does not answer is a diagnostic too.
func (s *session) probe(cfg *config.Config) ([]probed, diag.List, error) {
	readers, err := openReaders(cfg.Servers, cfg.Sources)
	if err != nil {
		return nil, nil, err
	}
	defer readers.close()
	all := make([]probed, len(cfg.Servers)+len(cfg.Sinks))
	var asking sync.WaitGroup
	ask := func(into *probed, timeout time.Duration, p prober) {
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(s.ctx, timeout)
			defer cancel()
			into.found, into.err = p.Probe(ctx)
		})
	}
	for i, spec := range cfg.Servers {
		all[i].what = "server " + spec.Name
		ask(&all[i], spec.Timeout, readers.byName[spec.Name])
	}
	for i, c := range cfg.Sinks {
		into := &all[len(cfg.Servers)+i]
		into.what, into.found = "sink "+c.Name, "there is nothing to ask"
		sink, err := s.openSink(c)
		if err != nil {
			into.err = err
			continue
		}
		if p, ok := sink.(prober); ok {
			ask(into, c.Timeout, p)
		}
	}
	asking.Wait()
	var failed diag.List
	for _, p := range all {
		if p.err != nil {
			d := cfg.Places[p.what]
			d.Level, d.ID, d.Message = diag.Error, "probe", fmt.Sprintf("%s: %v", p.what, p.err)
			failed = append(failed, d)
		}
	}
	return all, failed, nil
}
