// Package archtest holds the import map of this module as a test: which package may import
// what, and what else may not stand in its sources.
//
// It reads the sources itself, so that `go test` sees which files it depends on and caches its
// result rightly. Test files are not judged.
package archtest

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Finding is one line that breaks the map.
type Finding struct {
	File string // from the top of the module
	Line int
	Text string
}

func (f Finding) String() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text) }

// Check reads a module from its top and returns all that breaks the map or the rules for all
// packages, ordered by place. What it cannot parse is an error.
func Check(module fs.FS, m Map) ([]Finding, error) {
	gomod, err := fs.ReadFile(module, "go.mod")
	if err != nil {
		return nil, err
	}
	name := regexp.MustCompile(`(?m)^module (\S+)$`).FindSubmatch(gomod)
	if name == nil {
		return nil, fmt.Errorf("go.mod: no module line")
	}
	packages, err := parse(module)
	if err != nil {
		return nil, err
	}
	var findings []Finding
	for _, p := range packages {
		p.checkImports(m, string(name[1]))
		p.checkCode(m)
		findings = append(findings, p.findings...)
	}
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	return findings, nil
}

// parsed is one package, without its tests.
type parsed struct {
	path     string // below the module; "main" for its top
	fset     *token.FileSet
	files    []*ast.File
	findings []Finding
}

func (p *parsed) report(at token.Pos, format string, args ...any) {
	place := p.fset.Position(at)
	p.findings = append(p.findings, Finding{place.Filename, place.Line, fmt.Sprintf(format, args...)})
}

// parse reads all packages of the module, by path. It stays out of what the go command ignores,
// and of modules inside the module.
func parse(module fs.FS) ([]*parsed, error) {
	byPath, fset := map[string]*parsed{}, token.NewFileSet()
	err := fs.WalkDir(module, ".", func(file string, entry fs.DirEntry, err error) error {
		switch base := path.Base(file); {
		case err != nil:
			return err
		case entry.IsDir():
			return skipIgnored(module, file)
		case path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") || strings.ContainsAny(base[:1], "._"):
			return nil
		}
		source, err := fs.ReadFile(module, file)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(file)
		if dir == "." {
			dir = "main"
		}
		if byPath[dir] == nil {
			byPath[dir] = &parsed{path: dir, fset: fset}
		}
		byPath[dir].files = append(byPath[dir].files, tree)
		return nil
	})
	packages := make([]*parsed, 0, len(byPath))
	for _, p := range byPath {
		packages = append(packages, p)
	}
	return packages, err
}

func skipIgnored(module fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	_, err := fs.Stat(module, path.Join(dir, "go.mod"))
	if base := path.Base(dir); err == nil || base == "testdata" || base == "vendor" || strings.ContainsAny(base[:1], "._") {
		return fs.SkipDir
	}
	return nil
}

// checkImports compares every import with the map.
func (p *parsed) checkImports(m Map, module string) {
	entry, found := m.entry(p.path)
	if !found {
		p.report(p.files[0].Package, "package %s is not on the map: put it there, with what it may import (internal/archtest/map.go)", p.path)
		return
	}
	for _, file := range p.files {
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if why := entry.forbids(m, p.path, imported, module); why != "" {
				p.report(spec.Pos(), "%s imports %s, %s", p.path, imported, why)
			}
		}
	}
}
