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
		spec, problems := it.spec.FromEnv(l.foreign)
		it.spec = spec.PathsFrom(it.doc.dir()).WithDefaults()
		if it.spec.Optional && it.spec.URL == "" && len(problems) == 0 {
			servers.leaveOut("server", it.spec.Name, "it is optional, and its url is empty")
			continue
		}
		problems = append(problems, it.spec.Problems()...)
		problems = append(problems, it.spec.FileProblems(l.options.ReadFile)...)
		for _, p := range problems {
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

// foreign is a variable of the environment that the file does not name itself. Its value is kept
// out of messages, since it may be a secret in the wrong place.
func (l *loader) foreign(name string) (string, bool) {
	value, ok := l.options.Env(name)
	l.expands.used(value)
	return value, ok
}
