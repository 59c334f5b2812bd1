// Package diag is how Watchdog tells people what they wrote wrong: where it is, the line
// itself, a mark under the place, what is wrong and what would be right.
//
// A package that checks its own part of the config returns Problems, which know the field but
// no file. Package config, which knows where each field stands, turns them into Diagnostics.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Level says whether a diagnostic stops the config from loading.
type Level string

// The levels, as `check -o json` spells them.
const (
	Error Level = "error" // the config is not loaded
	Lint  Level = "lint"  // legal, but probably not meant
)

// Problem is a mistake in one field of a spec, found by the package that owns the spec.
type Problem struct {
	// Field is the path of the field from the spec's own top, by its YAML keys: "when",
	// "auth.password", "to[1]". Empty for the spec as a whole.
	Field string
	// Offset and Length bound the mistake inside the field's text, in bytes. A Length of 0
	// means the whole field.
	Offset, Length int
	Level          Level  // empty means Error
	ID             string // of a lint, for the comment that disables it: "error-count-saturates"
	Message        string // what is wrong
	Hint           string // what would be right; may be empty
}

// Problemf is an error of one whole field.
func Problemf(field, hint, format string, args ...any) Problem {
	return Problem{Field: field, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// Diagnostic is a mistake at a place in a file.
type Diagnostic struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1, in characters
	Level   Level  `json:"severity"`
	ID      string `json:"id"`
	Message string `json:"message"`
	Hint    string `json:"hint"`

	// Text is the line itself, secrets masked; empty when it cannot be shown.
	Text string `json:"-"`
	// Mark is the column of Text that the mark begins at, where masking has moved it; 0 means
	// Column.
	Mark int `json:"-"`
	// Width is how many characters of Text are marked; at least one is.
	Width int `json:"-"`
}

// String is `file:line:column: what is wrong; what would be right`, on one line.
func (d Diagnostic) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", d.File, d.Line, d.Column)
	if d.Level == Lint {
		b.WriteString("lint: ")
	}
	b.WriteString(d.Message)
	if d.Hint != "" {
		b.WriteString("; " + d.Hint)
	}
	if d.ID != "" {
		b.WriteString(" (" + d.ID + ")")
	}
	return b.String()
}

// Pretty is String, and below it the line with the place marked:
//
//	watchdog.yaml:12:11: unknown field "stat"; did you mean "state"?
//	   12 |     when: stat == "failed"
//	      |           ^^^^
func (d Diagnostic) Pretty() string {
	if d.Text == "" {
		return d.String() + "\n"
	}
	gutter := fmt.Sprintf("%5d | ", d.Line)
	lead := []rune(d.Text)
	if n := cmp.Or(d.Mark, d.Column) - 1; n < len(lead) {
		lead = lead[:max(n, 0)]
	}
	for i, r := range lead {
		if r != '\t' { // a tab keeps its own width
			lead[i] = ' '
		}
	}
	room := utf8.RuneCountInString(d.Text) - len(lead)
	marks := strings.Repeat("^", max(1, min(d.Width, room)))
	return d.String() + "\n" + gutter + d.Text + "\n" +
		strings.Repeat(" ", 6) + "| " + string(lead) + marks + "\n"
}

// List is every mistake found in one config. It is an error when any is one.
type List []Diagnostic

// Sort orders by file, line and column.
func (l List) Sort() {
	slices.SortStableFunc(l, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Failed reports whether any of them is an error, not a lint.
func (l List) Failed() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Level != Lint })
}

// Error is one line per mistake.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, d := range l {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}
