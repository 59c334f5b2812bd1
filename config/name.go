package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"watchdog/alert"
	"watchdog/diag"
)

// names are those that the config gives to the things of one kind.
type names struct {
	kind  string // "server"
	all   []string
	whole bool // none is missing because it could not be read
}

var nameSyntax = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// define takes the names of items, which must be names, and each another.
func define[T any](l *loader, kind string, items []item[T], nameOf func(T) string) names {
	n := names{kind: kind, whole: !l.torn}
	first := map[string]origin{}
	for _, it := range items {
		name := nameOf(it.spec)
		before, again := first[name]
		switch {
		case name == "":
			n.whole = n.whole && !it.doc.troubled(it.path)
			l.problem(it.origin, diag.Problemf("name", "give it one, to speak of it by", "a %s without a name", kind))
			continue
		case !nameSyntax.MatchString(name):
			l.problem(it.origin, diag.Problemf("name", "use letters, digits, and . _ -", "%q is not a name for a %s", name, kind))
		case again:
			l.problem(it.origin, diag.Problemf("name", "rename or remove one; the first is at "+before.place("name"),
				"the %s %q is defined twice", kind, name))
			continue
		}
		first[name] = it.origin
		if kind == "server" || kind == "sink" {
			l.config.Places[kind+" "+name] = it.where("name")
		}
		n.all = append(n.all, name)
	}
	return n
}

// place is the file, line and column of a field of an item.
func (o origin) place(fieldName string) string {
	d := o.where(fieldName)
	return fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
}

// where is the same as a diagnostic that says nothing yet.
func (o origin) where(fieldName string) diag.Diagnostic {
	f, _ := o.doc.nearest(join(o.path, fieldName))
	d := o.doc.diagnose(o.doc.mark(f), diag.Diagnostic{})
	return diag.Diagnostic{File: d.File, Line: d.Line, Column: d.Column}
}

// resolve are the names that fit the names or globs in a field, in the order of their
// definition. One that fits nothing is a mistake.
func (l *loader) resolve(o origin, field string, patterns []string, n names) []string {
	chosen := map[string]bool{}
	for i, pattern := range patterns {
		glob, found := alert.Glob(pattern), false
		for _, name := range n.all {
			if glob.Match(name) {
				chosen[name], found = true, true
			}
		}
		if !found {
			l.dangling(o, fmt.Sprintf("%s[%d]", field, i), pattern, n)
		}
	}
	return slices.DeleteFunc(slices.Clone(n.all), func(name string) bool { return !chosen[name] })
}

// dangling reports a reference that leads nowhere, unless what it leads to may stand where
// nothing could be read.
func (l *loader) dangling(o origin, field, name string, n names) {
	near := diag.DidYouMean(name, n.all)
	if near == "" && !n.whole {
		return
	}
	message := fmt.Sprintf("there is no %s %q", n.kind, name)
	if !alert.Glob(name).Literal() {
		message = fmt.Sprintf("no %s fits %q", n.kind, name)
	}
	l.problem(o, diag.Problem{Field: field, Message: message, Hint: cmp.Or(near, n.list())})
}

// list says which names there are.
func (n names) list() string {
	const few = 10
	switch {
	case len(n.all) == 0:
		return fmt.Sprintf("no %s is defined", n.kind)
	case len(n.all) > few:
		return fmt.Sprintf("those there are: %s and %d more", strings.Join(n.all[:few], ", "), len(n.all)-few)
	}
	return "those there are: " + strings.Join(n.all, ", ")
}
