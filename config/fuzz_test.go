package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
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
