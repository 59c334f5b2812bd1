package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"watchdog/diag"
)

func FuzzLoad(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("a: &a [*a]\nservers: *a\nrules: &r\n  - <<: *r\n"))
	f.Add([]byte("\xef\xbb\xbfservers: {}\r\nrules: |\u0085 x\u2028\r\tb"))
	f.Fuzz(func(t *testing.T, text []byte) {
		v := variables{"SECRET": "hunter2hunter2", "EMPTY": "", "WORD": "word"}
		files := folder{"watchdog.yaml": string(text), "nothing-here": "hunter2hunter2"}
		c, list := files.load(v)
		if (c == nil) != list.Failed() {
			t.Errorf("Load gave a config: %t, and errors: %t", c != nil, list.Failed())
		}
		lines := strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n")
		for _, d := range list {
			if d.File != "watchdog.yaml" || d.Line < 1 || d.Line > len(lines) || d.Message == "" {
				t.Errorf("%+v is nowhere", d)
				continue
			}
			if end := utf8.RuneCountInString(lines[d.Line-1]) + 1; d.Column < 1 || d.Column > end {
				t.Errorf("%+v is not on a line of %d characters", d, end-1)
			}
			if strings.ContainsAny(d.Pretty(), "\x1b\r\x00") {
				t.Errorf("%q can confuse a terminal", d.Pretty())
			}
		}
		if s := shown(list); strings.Contains(s, "hunter2hunter2") && !strings.Contains(string(text), "hunter2hunter2") {
			t.Errorf("a secret is shown:\n%s", s)
		}
		if c != nil {
			if _, err := c.YAML(); err != nil {
				t.Errorf("a good config cannot be shown: %v", err)
			}
		}
	})
}

// A reference that cannot be filled in is marked where it stands in the file, in whatever style
// the value around it is written.
func FuzzPlaces(f *testing.F) {
	for _, around := range [][2]string{
		{"", ""},
		{"a ", " b"},
		{"it's \"ö\" ", "\n"},
		{"a\n\n  b\n", "\n\n\nc\n"},
		{"  a\n b\n", ""},
		{"a: b # c\n", " d"},
		{"\ta\\n\t", "\t"},
		{strings.Repeat("word ", 40), strings.Repeat(" word", 40)},
		{"\n\na\n ", "\n b\n\n c"},
		{"\u2028 ", " \u0085"},
		{"- ", ""},
		{"'", "'"},
		{"\x1b\x00", "\U0001f600"},
		{"%", "@"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before+after, "$") || !utf8.ValidString(before+after) {
			return
		}
		for _, style := range []yaml.Style{0, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle} {
			value := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: style, Value: before + "${MISSING}" + after}
			rule, err := yaml.Marshal([]map[string]*yaml.Node{{"description": &value}})
			if err != nil {
				return
			}
			text := oneServer + "rules:\n" + string(rule)
			var understood struct {
				Rules []struct{ Description string }
			}
			if err := yaml.Unmarshal([]byte(text), &understood); err != nil || understood.Rules[0].Description != value.Value {
				continue // yaml.v3 cannot read what it wrote
			}
			_, list := folder{"watchdog.yaml": text}.load(nil)
			lines := strings.Split(text[:strings.Index(text, "${MISSING}")], "\n")
			line, column := len(lines), 1+utf8.RuneCountInString(lines[len(lines)-1])
			found := slices.ContainsFunc(list, func(d diag.Diagnostic) bool {
				return d.Line == line && d.Column == column && strings.Contains(d.Message, "MISSING")
			})
			if !found {
				t.Errorf("style %d: ${MISSING} stands at %d:%d of\n%s\nLoad gave\n%s", style, line, column, text, pretty(list))
			}
		}
	})
}
