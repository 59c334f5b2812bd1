package config

import (
	"fmt"
	"slices"
	"strings"

	"watchdog/diag"
	"watchdog/notify"
)

// buildRoutes checks who hears what, and keeps of each route what leads to a sink in use.
func (l *loader) buildRoutes(main *document) {
	written := notify.Spec{
		Routes: specs(l.routes), Inhibit: l.config.Understood.Inhibit,
		Windows: l.buildWindows(main), Link: l.config.ExternalURL, Followers: l.followers(),
	}
	var problems []diag.Problem
	l.config.Written, problems = notify.NewRouter(written)
	for _, p := range problems {
		l.problem(l.routeOrigin(main, &p.Field), p)
	}
	l.config.Understood.Routes = specs(l.routes)

	for _, it := range l.routes {
		l.checkSinks(it)
		kept := it.spec
		kept.To = l.inUse(kept.To)
		kept.Escalate = nil
		for _, step := range it.spec.Escalate {
			if step.To = l.inUse(step.To); len(step.To) > 0 {
				kept.Escalate = append(kept.Escalate, step)
			}
		}
		if len(kept.To) == 0 {
			l.config.LeftOut = append(l.config.LeftOut, LeftOut{"route", it.place(""), "none of its sinks is in use"})
			continue
		}
		l.keptRoutes = append(l.keptRoutes, kept)
	}
	written.Routes = l.keptRoutes
	l.config.Router, _ = notify.NewRouter(written)
}

// followers are the sinks that show what people say.
func (l *loader) followers() []string {
	var names []string
	for _, s := range l.config.Sinks {
		for _, kind := range s.all() {
			if f, ok := kind.config.(interface{ Follows() bool }); ok && kind.set && f.Follows() {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// routeOrigin is where the route, or the inhibition, of a problem stands; the rest of its field
// is left in field.
func (l *loader) routeOrigin(main *document, field *string) origin {
	list, rest, _ := strings.Cut(*field, "[")
	number, rest, _ := strings.Cut(rest, "]")
	*field = strings.TrimPrefix(rest, ".")
	var i int
	if _, err := fmt.Sscanf(number, "%d", &i); err != nil {
		panic("config: a problem of no place: " + list)
	}
	if list == "routes" {
		return l.routes[i].origin
	}
	return origin{main, fmt.Sprintf("%s[%d]", list, i)}
}

func (l *loader) checkSinks(it item[notify.RouteSpec]) {
	check := func(field string, sinks []string) {
		for i, name := range sinks {
			if !slices.Contains(l.sinkNames.all, name) {
				l.dangling(it.origin, fmt.Sprintf("%s[%d]", field, i), name, l.sinkNames)
			}
		}
	}
	check("to", it.spec.To)
	for i, step := range it.spec.Escalate {
		check(fmt.Sprintf("escalate[%d].to", i), step.To)
	}
}

// inUse are those of the sinks that are.
func (l *loader) inUse(sinks []string) []string {
	return slices.DeleteFunc(slices.Clone(sinks), func(name string) bool { return !l.sinkInUse(name) })
}

func (l *loader) sinkInUse(name string) bool {
	return slices.ContainsFunc(l.config.Sinks, func(s Sink) bool { return s.Name == name })
}
