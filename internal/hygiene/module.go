package hygiene

import (
	"io/fs"
	"regexp"
	"strings"
)

// require is a line of go.mod that requires a module, alone or in a block.
var require = regexp.MustCompile(`^(?:require |\t)(\S+) v\S+( // indirect)?$`)

// checkRequires compares the modules that go.mod calls direct with what the sources import. What
// `go mod tidy` knows beyond that, it can only know with the network.
func (t *tree) checkRequires() {
	gomod, err := fs.ReadFile(t.files, "go.mod")
	if err != nil {
		t.report("go.mod", 1, "cannot be read: %v", err)
	}
	var modules []string
	for _, line := range lines(string(gomod)) {
		if found := require.FindStringSubmatch(line); found != nil {
			modules = append(modules, found[1])
		}
	}
	direct := map[string]bool{}
	for imported := range t.imports {
		direct[providing(imported, modules)] = true
	}
	for n, line := range lines(string(gomod)) {
		found := require.FindStringSubmatch(line)
		switch {
		case found == nil:
		case direct[found[1]] && found[2] != "":
			t.report("go.mod", n, "%s is imported, but marked as indirect: run go mod tidy", found[1])
		case !direct[found[1]] && found[2] == "":
			t.report("go.mod", n, "%s is not imported, and not marked as indirect: run go mod tidy", found[1])
		}
	}
}

// providing is the module that a package is of: that with the longest path.
func providing(imported string, modules []string) string {
	longest := ""
	for _, m := range modules {
		if (imported == m || strings.HasPrefix(imported, m+"/")) && len(m) > len(longest) {
			longest = m
		}
	}
	return longest
}
