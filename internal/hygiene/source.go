package hygiene

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// documented is a package and whether it has a package comment.
type documented struct {
	name string
	file string // its first
	doc  bool
}

// checkSource looks at one Go file, and keeps what is asked of packages and of the module.
func (t *tree) checkSource(file string, source []byte) error {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	formatted, err := format.Source(source)
	if err != nil {
		return err
	}
	if !bytes.Equal(formatted, source) {
		t.report(file, firstDifference(source, formatted), "not formatted: run gofmt")
	}
	for _, spec := range parsed.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		t.imports[imported] = true
	}
	if strings.HasSuffix(file, "_test.go") {
		t.checkTest(file, fset, parsed)
		return nil
	}
	p := t.packages[path.Dir(file)]
	if p == nil {
		p = &documented{name: parsed.Name.Name, file: file}
		t.packages[path.Dir(file)] = p
	}
	if parsed.Doc != nil {
		p.doc = p.doc || parsed.Name.Name == "main" || strings.HasPrefix(parsed.Doc.Text(), "Package "+parsed.Name.Name+" ")
	}
	return nil
}

// checkTest looks for sleeps outside a synctest bubble, and for skips that would also skip in CI.
func (t *tree) checkTest(file string, fset *token.FileSet, parsed *ast.File) {
	bubble := slices.ContainsFunc(parsed.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
	for _, decl := range parsed.Decls {
		asksForCI := false
		ast.Inspect(decl, func(n ast.Node) bool {
			asksForCI = asksForCI || isCall(n, "os", "Getenv", `"CI"`)
			return true
		})
		ast.Inspect(decl, func(n ast.Node) bool {
			switch {
			case isCall(n, "time", "Sleep") && !bubble:
				t.report(file, fset.Position(n.Pos()).Line, "time.Sleep outside a synctest bubble: wait for what is to happen")
			case isSkip(n) && !asksForCI:
				t.report(file, fset.Position(n.Pos()).Line, `a test that can be skipped: where os.Getenv("CI") is set it must fail`)
			}
			return true
		})
	}
}

// isCall reports whether n calls receiver.name with these literals first.
func isCall(n ast.Node, receiver, name string, literals ...string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) < len(literals) {
		return false
	}
	function, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || function.Sel.Name != name {
		return false
	}
	for i, want := range literals {
		if got, ok := call.Args[i].(*ast.BasicLit); !ok || got.Value != want {
			return false
		}
	}
	x, ok := function.X.(*ast.Ident)
	return ok && x.Name == receiver
}

// isSkip reports whether n skips the test, which by custom is called t, b, f or tb.
func isSkip(n ast.Node) bool {
	for _, receiver := range []string{"t", "b", "f", "tb"} {
		for _, name := range []string{"Skip", "Skipf", "SkipNow"} {
			if isCall(n, receiver, name) {
				return true
			}
		}
	}
	return false
}

func (t *tree) checkPackageComments() {
	for _, p := range t.packages {
		if !p.doc {
			t.report(p.file, 1, `package %s has no comment that begins with "Package %s"`, p.name, p.name)
		}
	}
}

// firstDifference is the number of the first line in which two texts differ.
func firstDifference(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return 1 + bytes.Count(a[:n], []byte("\n"))
}
