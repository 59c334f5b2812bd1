package hygiene_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"watchdog/internal/hygiene"
)

func TestTheRepositoryIsClean(t *testing.T) {
	findings, err := hygiene.Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

const gomod = `module house

go 1.26

require github.com/google/go-cmp v0.7.0

require (
	github.com/google/go-cmp/v2 v2.0.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)
`

// usesCmp imports what gomod says is imported.
const usesCmp = "package house_test\n\nimport _ \"github.com/google/go-cmp/cmp\"\n"

func TestCheck(t *testing.T) {
	home := "/" + "home/alex/house" // in two, or it would be found here

	for _, tt := range []struct {
		name string
		file string // beside go.mod and a test that imports what it requires
		text string
		want string
	}{
		{"a formatted package with a comment is clean", "a/a.go", "// Package a is an example.\npackage a\n\nvar v = 1\n", ""},
		{
			"a source that is not formatted", "a/a.go", "// Package a is an example.\npackage a\n\nvar v  = 1\n",
			"a/a.go:4: not formatted: run gofmt",
		},
		{"a test that is not formatted", "a/a_test.go", "package a\n\n\n\nvar v = 1\n", "a/a_test.go:3: not formatted: run gofmt"},
		{"a package without a comment", "a/a.go", "package a\n", `a/a.go:1: package a has no comment that begins with "Package a"`},
		{
			"a comment that speaks of something else", "a/a.go", "// Helpers.\npackage a\n",
			`a/a.go:1: package a has no comment that begins with "Package a"`,
		},
		{"a command may begin its comment as it likes", "main.go", "// Watchdog watches.\npackage main\n", ""},
		{
			"a command needs a comment all the same", "main.go", "package main\n",
			`main.go:1: package main has no comment that begins with "Package main"`,
		},
		{"a package of tests alone needs none", "a/a_test.go", "package a\n", ""},

		{
			"a test that sleeps", "a_test.go", "package a\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n",
			"a_test.go:5: time.Sleep outside a synctest bubble: wait for what is to happen",
		},
		{
			"a test that sleeps in a bubble", "a_test.go",
			"package a\n\nimport (\n\t_ \"testing/synctest\"\n\t\"time\"\n)\n\nfunc f() { time.Sleep(1) }\n", "",
		},
		{
			"a test that is skipped", "a_test.go", "package a\n\nfunc TestA(t T) { t.Skip(\"later\") }\n",
			`a_test.go:3: a test that can be skipped: where os.Getenv("CI") is set it must fail`,
		},
		{
			"a benchmark that is skipped", "a_test.go", "package a\n\nfunc BenchmarkA(b B) { b.Skipf(\"%d\", 1) }\n",
			`a_test.go:3: a test that can be skipped: where os.Getenv("CI") is set it must fail`,
		},
		{
			"a test that is not skipped in CI", "a_test.go",
			"package a\n\nimport \"os\"\n\nfunc TestA(t T) {\n\tif os.Getenv(\"CI\") == \"\" {\n\t\tt.Skip(\"no Chromium\")\n\t}\n}\n", "",
		},
		{"skipping a value is not skipping a test", "a_test.go", "package a\n\nfunc f(decoder D) { decoder.Skip() }\n", ""},

		{
			"a path of somebody's machine in the docs", "docs/a.md", "See\n`" + home + "/a.go`.\n",
			"docs/a.md:2: " + home + "/a.go is a path of one machine",
		},
		{"a path of somebody's machine in a script", ".ci/run", "cd " + home + "\n", ".ci/run:1: " + home + " is a path of one machine"},
		{"a path of a URL is none", "docs/a.md", "https://example.com" + home + "\n", ""},
		{"a binary may contain anything", "a.db", home + "\x00", ""},
		{"something left unfinished", "a.yaml", "a: 1 # TO" + "DO: b\n", "a.yaml:1: TO" + "DO: finish it, or file an issue"},
		{"a word that only contains it", "a.yaml", "a: XX" + "XX" + "X\n", ""},

		{"a link to a file", "docs/a.md", "[mod](../go.mod)\n", ""},
		{"a link to a file from the top", "docs/a.md", "[mod](/go.mod#L3)\n", ""},
		{"a link to a folder", "docs/adr/a.md", "[docs](..)\n", ""},
		{
			"a link to a file that is not there", "docs/a.md", "Two:\n[mod](../go.mod), [work](../go.work)\n",
			"docs/a.md:2: the link to ../go.work leads nowhere",
		},
		{
			"a picture that is not there", "README.md", "![page](docs/page.png \"the page\")\n",
			"README.md:1: the link to docs/page.png leads nowhere",
		},
		{"a link by reference that is not there", "README.md", "[rfc]: docs/rfc\n", "README.md:1: the link to docs/rfc leads nowhere"},
		{"a link out of the tree", "README.md", "[up](../house.md)\n", "README.md:1: the link to ../house.md leads nowhere"},
		{"a link within the page", "README.md", "[rules](#rules)\n", ""},
		{"a link to the web", "README.md", "[couch](https://couchdb.apache.org/nowhere), [mail](mailto:a@example.com)\n", ""},
		{"code is no link", "README.md", "`a[0](x)`\n\n```\n[a](b)\n```\n", ""},
		{"after code links count again", "README.md", "```\n```\n[a](b)\n", "README.md:3: the link to b leads nowhere"},

		{"a decision with a number of its own", "docs/adr/0002-b.md", "# 2. B\n", ""},
		{
			"a decision with the number of another", "docs/adr/0001-b.md", "# 1. B\n",
			"docs/adr/0001-b.md:1: docs/adr/0001-a.md has its number: take the next free one",
		},
		{
			"a decision whose title has another number", "docs/adr/0012-b.md", "# 2. B\n",
			`docs/adr/0012-b.md:1: the title does not begin with "# 12. "`,
		},

		{
			"an import that go.mod calls indirect", "a_test.go", "package a\n\nimport _ \"golang.org/x/time/rate\"\n",
			"go.mod:9: golang.org/x/time is imported, but marked as indirect: run go mod tidy",
		},
		{
			"an import is of the module with the longest name", "a_test.go", "package a\n\nimport _ \"github.com/google/go-cmp/v2/cmp\"\n",
			"go.mod:8: github.com/google/go-cmp/v2 is imported, but marked as indirect: run go mod tidy",
		},
		{
			"a requirement that nothing imports", "house_test.go", "package house_test\n",
			"go.mod:5: github.com/google/go-cmp is not imported, and not marked as indirect: run go mod tidy",
		},

		{"testdata is not judged", "a/testdata/a.go", "package a;", ""},
		{"nor is .git", ".git/a.md", "[a](b)\n", ""},
		{"nor what .gitignore names at the top", "house.db-wal", home, ""},
		{"which it does not name further down", "a/house.db-wal", home, "a/house.db-wal:1: " + home + " is a path of one machine"},
		{"nor what it names anywhere", "a/cpu.prof", home, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			repository := fstest.MapFS{
				".gitignore":    {Data: []byte("/house.db*\n*.prof\n")},
				"go.mod":        {Data: []byte(gomod)},
				"house_test.go": {Data: []byte(usesCmp)},

				"docs/adr/0001-a.md": {Data: []byte("# 1. A\n")},
			}
			repository[tt.file] = &fstest.MapFile{Data: []byte(tt.text)}
			findings, err := hygiene.Check(repository)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				got = append(got, f.String())
			}
			if got := strings.Join(got, "\n"); got != tt.want {
				t.Errorf("findings:\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestCheckOfASourceThatCannotBeParsed(t *testing.T) {
	_, err := hygiene.Check(fstest.MapFS{"go.mod": {Data: []byte(gomod)}, "a.go": {Data: []byte("package")}})
	if want := "a.go:1:8: expected 'IDENT', found 'EOF'"; err == nil || err.Error() != want {
		t.Errorf("Check: got error %v, want %s", err, want)
	}
}
