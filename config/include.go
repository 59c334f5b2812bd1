package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"watchdog/diag"
)

// include reads the files that the main file includes. Included files include nothing further,
// so the only cycle there can be is a glob that finds the main file.
func (l *loader) include(main *document, patterns []string) {
	for i, pattern := range patterns {
		at := origin{main, fmt.Sprintf("include[%d]", i)}
		if main.troubled(at.path) {
			continue
		}
		for _, path := range l.matches(at, main.dir(), pattern) {
			l.includeFile(at, path)
		}
	}
}

// matches are the files that one element of include stands for, in order. A wildcard leaves out
// rule tests, which stand beside their rules.
func (l *loader) matches(at origin, dir, pattern string) []string {
	path := pattern
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if pattern == "" || !strings.ContainsAny(pattern, "*?[") {
		return []string{path}
	}
	paths, err := l.options.Glob(path)
	if err != nil {
		l.problem(at, diag.Problemf("", "close every [", "%q is not a pattern of files", pattern))
		return nil
	}
	l.config.Globs = append(l.config.Globs, path)
	paths = slices.DeleteFunc(slices.Clone(paths), isRuleTest)
	slices.Sort(paths)
	return paths
}

// isRuleTest reports whether a file holds rule tests, by its name.
func isRuleTest(path string) bool {
	return strings.HasSuffix(path, "_test.yaml") || strings.HasSuffix(path, "_test.yml")
}

func (l *loader) includeFile(at origin, path string) {
	if filepath.Clean(path) == filepath.Clean(l.options.Path) {
		l.problem(at, diag.Problemf("", "put what is included into a folder of its own, as conf.d/*.yaml",
			"the file includes itself"))
		return
	}
	if slices.ContainsFunc(l.docs, func(d *document) bool { return d.path == path }) {
		return
	}
	var part Part
	doc := l.open(path, func(err error) {
		l.problem(at, diag.Problemf("", "the path counts from the folder of this file", "%s: %s", path, notRead(err)))
	}, &part)
	if doc != nil {
		l.collect(doc, part)
	}
}

// collect adds what one file defines to what there is.
func (l *loader) collect(doc *document, part Part) {
	l.servers = append(l.servers, itemsOf(doc, "servers", part.Servers)...)
	l.checks = append(l.checks, itemsOf(doc, "checks", part.Checks)...)
	l.rules = append(l.rules, itemsOf(doc, "rules", part.Rules)...)
	l.sinks = append(l.sinks, itemsOf(doc, "sinks", part.Sinks)...)
	l.routes = append(l.routes, itemsOf(doc, "routes", part.Routes)...)
	for _, list := range []string{"servers", "checks", "rules", "sinks", "routes"} {
		if slices.Contains(doc.bad, list) {
			l.torn = true
		}
	}
}

func itemsOf[T any](doc *document, list string, specs []T) []item[T] {
	items := make([]item[T], len(specs))
	for i, spec := range specs {
		items[i] = item[T]{origin{doc, fmt.Sprintf("%s[%d]", list, i)}, spec}
	}
	return items
}

// specs are the items without their places.
func specs[T any](items []item[T]) []T {
	all := make([]T, len(items))
	for i, it := range items {
		all[i] = it.spec
	}
	return all
}
