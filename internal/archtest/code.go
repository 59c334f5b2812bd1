package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
)

// impureImports are what pure packages may not import, with all below them.
var impureImports = []string{
	"crypto/rand", "database/sql", "io/ioutil", "log", "math/rand", "net/http", "net/rpc",
	"net/smtp", "os", "plugin", "syscall",
}

// impure reports whether pure packages may not import a package. Of net it is net itself, since
// net/url and net/netip are as pure as strings.
func impure(imported string) bool {
	return imported == "net" || slices.ContainsFunc(impureImports, func(i string) bool { return within(imported, i) })
}

// impureNames are what pure packages may not use of packages that they may import: all that
// reads the clock or the machine's time zone.
var impureNames = map[string][]string{
	"time":    {"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep", "Local"},
	"context": {"WithTimeout", "WithTimeoutCause", "WithDeadline", "WithDeadlineCause"},
}

// checkCode looks for init functions and for package variables that change, and in pure packages
// for goroutines and clocks.
func (p *parsed) checkCode(m Map) {
	entry, _ := m.entry(p.path)
	uses := p.uses()
	for _, file := range p.files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					p.report(n.Pos(), "%s has an init function: call it where it is needed", p.path)
				}
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					p.checkAssigned(uses, n.Lhs...)
				}
			case *ast.IncDecStmt:
				p.checkAssigned(uses, n.X)
			case *ast.RangeStmt:
				if n.Tok == token.ASSIGN {
					p.checkAssigned(uses, n.Key, n.Value)
				}
			case *ast.GoStmt:
				if entry.Pure {
					p.report(n.Pos(), "%s starts a goroutine, but it is pure", p.path)
				}
			case *ast.SelectorExpr:
				if entry.Pure {
					p.checkPure(uses, n)
				}
			}
			return true
		})
	}
}

// checkAssigned reports those targets of an assignment that are package variables, or a part of
// one, of this package or another.
func (p *parsed) checkAssigned(uses map[*ast.Ident]types.Object, targets ...ast.Expr) {
	for _, target := range targets {
		name := root(target)
		if name == nil {
			continue
		}
		switch used := uses[name].(type) {
		case *types.PkgName:
			p.report(target.Pos(), "%s changes a variable of package %s", p.path, used.Imported().Path())
		case *types.Var:
			if used.Pkg() != nil && used.Parent() == used.Pkg().Scope() {
				p.report(target.Pos(), "%s changes the package variable %s: state has one owner, which is a value", p.path, name.Name)
			}
		}
	}
}

func (p *parsed) checkPure(uses map[*ast.Ident]types.Object, s *ast.SelectorExpr) {
	name := root(s.X)
	if name == nil {
		return
	}
	if used, ok := uses[name].(*types.PkgName); ok && slices.Contains(impureNames[used.Imported().Path()], s.Sel.Name) {
		p.report(s.Pos(), "%s uses %s.%s, but it is pure: time is an argument", p.path, used.Imported().Path(), s.Sel.Name)
	}
}

// root is the variable that an expression is a part of, nil when it is not of one.
func root(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.ParenExpr:
		return root(e.X)
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	}
	return nil
}

// uses says what each name stands for. Imported packages are taken as empty, so it knows nothing
// of their names; all it is asked for is which names are packages and package variables.
func (p *parsed) uses() map[*ast.Ident]types.Object {
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: hollow{}, Error: func(error) {}}
	_, _ = config.Check(p.path, p.fset, p.files, &info) // it fails for what hollow leaves out
	return info.Uses
}

// hollow imports every package as an empty one.
type hollow struct{}

func (hollow) Import(imported string) (*types.Package, error) {
	pkg := types.NewPackage(imported, path.Base(imported))
	pkg.MarkComplete()
	return pkg, nil
}
