package config

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"watchdog/rules"
	"watchdog/scheduler"
)

// Changes is what differs between two configs, for a log: "rules +2 -1 ~3" says that two rules are
// new, one is gone and three are not as they were; what has no name is only "changed". It is empty
// when they mean the same. No value is shown.
func Changes(before, after *Config) []string {
	a, b := &before.Understood, &after.Understood
	named := map[string]string{
		"servers": difference(a.Servers, b.Servers, func(s scheduler.Spec) string { return s.Name }),
		"checks":  difference(a.Checks, b.Checks, func(c CheckSpec) string { return c.Name }),
		"rules":   difference(a.Rules, b.Rules, func(r rules.Spec) string { return r.Name }),
		"sinks":   difference(a.Sinks, b.Sinks, sinkName),
		"windows": difference(a.Windows, b.Windows, func(w WindowSpec) string { return w.Name }),
	}
	var changes []string
	x, y := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for _, f := range structFields(x.Type()) {
		if reflect.DeepEqual(x.FieldByIndex(f.index).Interface(), y.FieldByIndex(f.index).Interface()) {
			continue
		}
		changes = append(changes, f.name+cmp.Or(named[f.name], " changed"))
	}
	return changes
}

// difference is what differs between two lists whose elements have names: " +2 -1 ~3", or "" where
// only their order does.
func difference[T any](before, after []T, name func(T) string) string {
	old := map[string]T{}
	for _, one := range before {
		old[name(one)] = one
	}
	var added, changed int
	for _, one := range after {
		was, found := old[name(one)]
		switch {
		case !found:
			added++
		case !reflect.DeepEqual(was, one):
			changed++
		}
		delete(old, name(one))
	}
	var b strings.Builder
	for _, part := range []struct {
		sign string
		n    int
	}{{"+", added}, {"-", len(old)}, {"~", changed}} {
		if part.n > 0 {
			fmt.Fprintf(&b, " %s%d", part.sign, part.n)
		}
	}
	return b.String()
}
