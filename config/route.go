package config

import (
	"fmt"
	"slices"
	"strings"

	"watchdog/notify"
)

// buildRoutes checks all routes, and keeps of each what leads to a sink in use.
func (l *loader) buildRoutes() {
	_, problems := notify.NewRouter(specs(l.routes))
	for _, p := range problems {
		var i int
		if _, err := fmt.Sscanf(p.Field, "[%d]", &i); err != nil || i >= len(l.routes) {
			panic("config: a problem of no route: " + p.Field)
		}
		_, p.Field, _ = strings.Cut(p.Field, "]")
		p.Field = strings.TrimPrefix(p.Field, ".")
		l.problem(l.routes[i].origin, p)
	}
	l.config.Understood.Routes = specs(l.routes)

	for _, it := range l.routes {
		for i, name := range it.spec.To {
			if !slices.Contains(l.sinkNames.all, name) {
				l.dangling(it.origin, fmt.Sprintf("to[%d]", i), name, l.sinkNames)
			}
		}
		kept := it.spec
		kept.To = slices.DeleteFunc(slices.Clone(kept.To), func(name string) bool { return !l.sinkInUse(name) })
		if len(kept.To) == 0 {
			l.config.LeftOut = append(l.config.LeftOut, LeftOut{"route", it.place(""), "none of its sinks is in use"})
			continue
		}
		l.keptRoutes = append(l.keptRoutes, kept)
	}
	router, _ := notify.NewRouter(l.keptRoutes)
	l.config.Router = router.WithLink(l.config.ExternalURL)
}

func (l *loader) sinkInUse(name string) bool {
	return slices.ContainsFunc(l.config.Sinks, func(s Sink) bool { return s.Name == name })
}
