package config

import (
	"fmt"
	"slices"

	"watchdog/diag"
	"watchdog/rules"
)

// Beside is a file that stands beside a config and was read as strictly: one of rule tests.
type Beside struct {
	loader *loader
	doc    *document // nil where the file could not be parsed
}

// DecodeFile reads the file o.Path into a pointer to a struct with yaml tags. All mistakes are
// found at once; those that others find in what was decoded are added by Problem.
func DecodeFile(o Options, into any) *Beside {
	l := newLoader(o)
	doc := l.open(o.Path, func(err error) { l.unplaced(diag.Diagnostic{Message: notRead(err)}) }, into)
	return &Beside{loader: l, doc: doc}
}

// Problem adds what the owner of what was decoded found in it; the field's path is from the top
// of the file. What follows from a mistake in decoding is not told again.
func (b *Beside) Problem(p diag.Problem) {
	if b.doc != nil {
		b.loader.problem(origin{doc: b.doc}, p)
	}
}

// Line is the number of the line, from 1, on which the value at a path begins.
func (b *Beside) Line(path string) int {
	if b.doc == nil {
		return 1
	}
	f, _ := b.doc.nearest(path)
	return b.doc.line(b.doc.mark(f).start)
}

// Diagnostics are all that was found so far, in order.
func (b *Beside) Diagnostics() diag.List { return b.loader.diagnostics() }

// LoadRules reads the rules of files that a config could include, named as include names them,
// and nothing else in them: the built-in rule is among them. The list of rules is nil when
// anything is wrong.
func LoadRules(o Options, patterns []string) ([]*rules.Rule, diag.List) {
	l := newLoader(o)
	here := newDocument(newSource(o.Path, nil))
	for _, pattern := range patterns {
		paths := l.matches(origin{doc: here}, here.dir(), pattern)
		if len(paths) == 0 {
			l.unplaced(diag.Diagnostic{Message: fmt.Sprintf("no file matches %s", pattern)})
		}
		for _, path := range paths {
			if slices.ContainsFunc(l.docs, func(d *document) bool { return d.path == path }) {
				continue
			}
			var part Part
			doc := l.open(path, func(err error) {
				l.unplaced(diag.Diagnostic{File: path, Line: 1, Column: 1, Message: notRead(err), Hint: "named in " + o.Path})
			}, &part)
			if doc != nil {
				l.rules = append(l.rules, itemsOf(doc, "rules", part.Rules)...)
			}
		}
	}
	l.buildRules()
	list := l.diagnostics()
	if list.Failed() {
		return nil, list
	}
	return l.config.Rules, list
}
