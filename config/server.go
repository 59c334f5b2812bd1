package config

import (
	"watchdog/diag"
	"watchdog/scheduler"
)

func serverName(s scheduler.Spec) string { return s.Name }

func (l *loader) buildServers() {
	var servers choice[scheduler.Spec]
	for i := range l.servers {
		it := &l.servers[i]
		it.spec = it.spec.WithDefaults()
		if it.spec.Optional && it.spec.URL == "" {
			servers.leaveOut("server", it.spec.Name, "it is optional, and its url is empty")
			continue
		}
		for _, p := range it.spec.Problems() {
			if p.Field != "name" { // define looks at that
				l.problem(it.origin, p)
			}
		}
		servers.add(it.spec, it.spec.Fallback)
	}
	l.serverNames = define(l, "server", l.servers, serverName)
	l.config.Understood.Servers = specs(l.servers)

	var leftOut []LeftOut
	l.config.Servers, leftOut = servers.settle("server", serverName)
	l.config.LeftOut = append(l.config.LeftOut, leftOut...)
	if len(l.config.Servers) > 0 || l.torn {
		return
	}
	none := diag.Problemf("servers", "add one, as servers: [{name: prod, url: http://localhost:5984}]", "no server is there to watch")
	if len(l.servers) > 0 {
		none = diag.Problemf("servers", "give one a url, or add one with fallback: true", "every server is left out: each is optional and has no url")
	}
	l.problem(origin{l.docs[0], ""}, none)
}
