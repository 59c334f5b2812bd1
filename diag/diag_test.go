package diag_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/diag"
)

func TestNearest(t *testing.T) {
	keys := []string{"state", "status", "severity", "when"}
	tests := []struct{ word, want string }{
		{"stat", "state"},
		{"statsu", "status"}, // a swap is one edit
		{"severty", "severity"},
		{"wehn", "when"},
		{"x", ""},
		{"colour", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := diag.Nearest(tt.word, keys); got != tt.want {
			t.Errorf("Nearest(%q): got %q, want %q", tt.word, got, tt.want)
		}
	}
}

func TestPrettyMarksThePlace(t *testing.T) {
	tests := []struct {
		name string
		d    diag.Diagnostic
		want string
	}{
		{
			"the place is marked below the line",
			diag.Diagnostic{File: "w.yaml", Line: 12, Column: 11, Message: `unknown field "stat"`, Hint: `did you mean "state"?`, Text: `    when: stat == "failed"`, Width: 4},
			"w.yaml:12:11: unknown field \"stat\"; did you mean \"state\"?\n   12 |     when: stat == \"failed\"\n      |           ^^^^\n",
		},
		{
			"characters are counted, not bytes",
			diag.Diagnostic{File: "w.yaml", Line: 1, Column: 7, Message: "no", Text: `søren: x`, Width: 1},
			"w.yaml:1:7: no\n    1 | søren: x\n      |       ^\n",
		},
		{
			"a tab keeps its width",
			diag.Diagnostic{File: "w.yaml", Line: 1, Column: 3, Message: "no", Text: "a\tb", Width: 1},
			"w.yaml:1:3: no\n    1 | a\tb\n      |  \t^\n",
		},
		{
			"a mark ends with the line",
			diag.Diagnostic{File: "w.yaml", Line: 1, Column: 3, Message: "no", Text: "abc", Width: 99},
			"w.yaml:1:3: no\n    1 | abc\n      |   ^\n",
		},
		{
			"a place behind the line is marked at its end",
			diag.Diagnostic{File: "w.yaml", Line: 1, Column: 9, Message: "no", Text: "abc"},
			"w.yaml:1:9: no\n    1 | abc\n      |    ^\n",
		},
		{
			"a lint says so, and how it is disabled",
			diag.Diagnostic{File: "w.yaml", Line: 1, Column: 1, Level: diag.Lint, ID: "sure", Message: "really?"},
			"w.yaml:1:1: lint: really? (sure)\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.d.Pretty()); diff != "" {
				t.Errorf("Pretty (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListFailsByErrorsAlone(t *testing.T) {
	lint, bad := diag.Diagnostic{Level: diag.Lint, Line: 1}, diag.Diagnostic{Line: 2}
	if (diag.List{lint}).Failed() || (diag.List{}).Failed() {
		t.Error("a list of lints failed")
	}
	list := diag.List{bad, lint}
	if !list.Failed() {
		t.Error("a list with an error did not fail")
	}
	if list.Sort(); list[0].Line != 1 {
		t.Errorf("Sort: got line %d first, want 1", list[0].Line)
	}
}
