// Package hygiene holds as a test what a careful reader would otherwise have to look for: that
// the sources are formatted and documented, that go.mod says what is imported, that links in the
// docs lead somewhere, that no two decisions have one number, that tests neither sleep nor skip, that nothing is left unfinished and no
// path of somebody's machine is left behind.
package hygiene

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Finding is one place that is not clean.
type Finding struct {
	File string // from the top of the tree
	Line int
	Text string
}

func (f Finding) String() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text) }

// tree is a repository that is being read.
type tree struct {
	files    fs.FS
	packages map[string]*documented // by directory
	imports  map[string]bool        // of all sources, tests included
	adrs     map[string]string      // the file of each decision, by its number
	findings []Finding
}

// Check reads a repository from its top and returns all that is not clean, ordered by place. It
// stays out of .git, testdata and what .gitignore at the top names, and takes a file with a zero
// byte for a binary.
func Check(repository fs.FS) ([]Finding, error) {
	t := &tree{files: repository, packages: map[string]*documented{}, imports: map[string]bool{}, adrs: map[string]string{}}
	gitignore, err := fs.ReadFile(repository, ".gitignore")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	err = fs.WalkDir(repository, ".", func(file string, entry fs.DirEntry, err error) error {
		switch base := path.Base(file); {
		case err != nil:
			return err
		case entry.IsDir() && (base == ".git" || base == "testdata"):
			return fs.SkipDir
		case base == ".git" || !entry.Type().IsRegular() || ignored(string(gitignore), file):
			return nil
		}
		content, err := fs.ReadFile(repository, file)
		if err != nil {
			return err
		}
		return t.checkFile(file, content)
	})
	if err != nil {
		return nil, err
	}
	t.checkPackageComments()
	t.checkRequires()
	slices.SortFunc(t.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	return t.findings, nil
}

func (t *tree) report(file string, line int, format string, args ...any) {
	t.findings = append(t.findings, Finding{file, line, fmt.Sprintf(format, args...)})
}

func (t *tree) checkFile(file string, content []byte) error {
	if bytes.IndexByte(content, 0) >= 0 {
		return nil
	}
	t.checkText(file, string(content))
	switch path.Ext(file) {
	case ".md":
		t.checkLinks(file, string(content))
		t.checkDecision(file, string(content))
	case ".go":
		return t.checkSource(file, content)
	}
	return nil
}

// ignored reports whether a .gitignore names a file: from the top where a pattern begins with a
// slash, else by its last name. That is all of the syntax that ours needs.
func ignored(gitignore, file string) bool {
	for _, pattern := range lines(gitignore) {
		name := path.Base(file)
		if top, found := strings.CutPrefix(pattern, "/"); found {
			pattern, name = top, file
		}
		if match, _ := path.Match(pattern, name); match {
			return true
		}
	}
	return false
}

// lines are the lines of a text with their numbers.
func lines(text string) func(yield func(n int, line string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range strings.Lines(text) {
			if n++; !yield(n, strings.TrimRight(line, "\r\n")) {
				return
			}
		}
	}
}
