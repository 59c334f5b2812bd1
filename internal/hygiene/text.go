package hygiene

import (
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"
)

var (
	// machinePath is a path on the machine of whoever wrote it.
	machinePath = regexp.MustCompile(`(?:^|[^\w./-])(/(?:work|root|home)/\w[\w./-]*)`)
	// unfinished is written so that it does not find itself.
	unfinished = regexp.MustCompile(`\b(TO[D]O|FIX[M]E|XX[X])\b`)

	codeSpan = regexp.MustCompile("`[^`]*`")
	link     = regexp.MustCompile(`\]\(<?([^)\s>]+)`)
	linkLine = regexp.MustCompile(`^\s*\[[^\]]+\]:\s*<?([^\s>]+)`)
)

func (t *tree) checkText(file, text string) {
	if path.Ext(file) == ".sum" {
		return // hashes may spell anything
	}
	for n, line := range lines(text) {
		if found := machinePath.FindStringSubmatch(line); found != nil {
			t.report(file, n, "%s is a path of one machine", found[1])
		}
		if found := unfinished.FindString(line); found != "" {
			t.report(file, n, "%s: finish it, or file an issue", found)
		}
	}
}

// checkDecision looks whether the number of a decision in docs/adr is its own, and the one that its
// title says.
func (t *tree) checkDecision(file, text string) {
	number, _, numbered := strings.Cut(path.Base(file), "-")
	if path.Dir(file) != "docs/adr" || !numbered {
		return
	}
	if other, taken := t.adrs[number]; taken {
		t.report(file, 1, "%s has its number: take the next free one", other)
	}
	t.adrs[number] = file
	if title := "# " + strings.TrimLeft(number, "0") + ". "; !strings.HasPrefix(text, title) {
		t.report(file, 1, "the title does not begin with %q", title)
	}
}

// checkLinks follows the links of a Markdown file that lead to other files of the tree.
func (t *tree) checkLinks(file, text string) {
	fenced := false
	for n, line := range lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
			continue
		}
		if fenced {
			continue
		}
		line = codeSpan.ReplaceAllString(line, "")
		for _, found := range append(link.FindAllStringSubmatch(line, -1), linkLine.FindAllStringSubmatch(line, -1)...) {
			if !t.leads(file, found[1]) {
				t.report(file, n, "the link to %s leads nowhere", found[1])
			}
		}
	}
}

// leads reports whether a link of a file leads to a file, or out of the tree, or into the page.
func (t *tree) leads(file, target string) bool {
	u, err := url.Parse(target)
	if err != nil {
		return false
	}
	if u.IsAbs() || u.Host != "" || u.Path == "" {
		return true
	}
	to := path.Join(path.Dir(file), u.Path)
	if path.IsAbs(u.Path) {
		to = path.Clean(u.Path)[1:]
	}
	_, err = fs.Stat(t.files, to)
	return err == nil
}
