package cli_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/config"
	"watchdog/diag"
)

// Each page of docs/lints shows three files: one that has the lint, what to write instead, and
// the first with the comment that turns it off.
func TestLintPagesShowWhatCheckFinds(t *testing.T) {
	for _, id := range lintPages(t) {
		t.Run(id, func(t *testing.T) {
			var blocks []string
			for _, m := range fence.FindAllStringSubmatch(readAll(t, "../docs/lints/"+id+".md"), -1) {
				blocks = append(blocks, m[2])
			}
			if len(blocks) != 3 {
				t.Fatalf("got %d blocks, want 3: with the lint, instead of it, and with it turned off", len(blocks))
			}
			for i, want := range [][]string{{id}, nil, nil} {
				var got []string
				for _, d := range lintsOf(t, blocks[i]) {
					got = append(got, d.ID)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("block %d (-want +got):\n%s\n%s", i+1, diff, blocks[i])
				}
			}
		})
	}
}

// lintsOf are the lints of a config, completed by what it needs to be one.
func lintsOf(t *testing.T, text string) diag.List {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(around), "\n") {
		if section, _, _ := strings.Cut(line, ":"); !strings.Contains("\n"+text, "\n"+section+":") {
			text += line + "\n"
		}
	}
	path := filepath.Join(t.TempDir(), "watchdog.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, found := config.Load(config.Options{Path: path, Env: noEnv})
	if c == nil {
		t.Fatalf("the config has mistakes: %v\n%s", found, text)
	}
	return found
}

func TestEveryLintHasAPageAndEveryPageALint(t *testing.T) {
	if diff := cmp.Diff(lintIDs(t), lintPages(t)); diff != "" {
		t.Errorf("ids of lints in the sources against pages in docs/lints (-ids +pages):\n%s", diff)
	}
}

func lintPages(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../docs/lints/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("docs/lints has no pages: %v", err)
	}
	var ids []string
	for _, file := range files {
		id := strings.TrimSuffix(filepath.Base(file), ".md")
		if !strings.HasPrefix(readAll(t, file), "# "+id+"\n") {
			t.Errorf("%s: the page must begin with # %s", file, id)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// lintIDs are those in the sources: constants that begin with Lint, and problems of level Lint
// with an id in their text.
func lintIDs(t *testing.T) []string {
	t.Helper()
	ids := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, id := range lintIDsOf(n) {
				ids[id] = true
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(ids))
}

func lintIDsOf(n ast.Node) (ids []string) {
	switch n := n.(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if i < len(n.Values) && strings.HasPrefix(name.Name, "Lint") && name.Name != "Lint" { // that is the level
				ids = append(ids, literals(n.Values[i])...)
			}
		}
	case *ast.CompositeLit:
		lint, id := false, []string(nil)
		for _, e := range n.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			switch key, _ := kv.Key.(*ast.Ident); {
			case key == nil:
			case key.Name == "Level":
				level, ok := kv.Value.(*ast.SelectorExpr)
				lint = ok && level.Sel.Name == "Lint"
			case key.Name == "ID":
				id = literals(kv.Value)
			}
		}
		if lint {
			ids = id
		}
	}
	return ids
}

// literals is the text of an expression that is one.
func literals(e ast.Expr) []string {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if text, err := strconv.Unquote(lit.Value); err == nil {
			return []string{text}
		}
	}
	return nil
}
