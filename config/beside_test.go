package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/config"
	"watchdog/diag"
)

// writeFiles writes files into the folder that the test then works in.
func writeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDecodeFilePutsTheMistakesOfOthersAtTheirPlace(t *testing.T) {
	type part struct {
		Every time.Duration     `yaml:"every"`
		Names map[string]string `yaml:"names"`
		Wrong int               `yaml:"wrong"`
	}
	writeFiles(t, map[string]string{"a.yaml": "every: 1m30s\nnames:\n  \"odd/na.me\": 'one two'\nwrong: three\n"})
	var got part
	f := config.DecodeFile(config.Options{Path: "a.yaml", Env: env}, &got)
	f.Problem(diag.Problem{Field: "names.odd/na.me", Offset: 4, Length: 3, Message: "two is one too many"})
	f.Problem(diag.Problemf("wrong", "", "told again"))
	want := `a.yaml:3:21: two is one too many
    3 |   "odd/na.me": 'one two'
      |                     ^^^
a.yaml:4:8: "wrong" must be a whole number, not "three"
    4 | wrong: three
      |        ^^^^^
`
	if diff := cmp.Diff(want, pretty(f.Diagnostics())); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(part{Every: 90 * time.Second, Names: map[string]string{"odd/na.me": "one two"}}, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	if line := f.Line("names.odd/na.me"); line != 3 {
		t.Errorf("Line(names.odd/na.me): got %d, want 3", line)
	}
}

func TestDecodeFileThatIsNoYAML(t *testing.T) {
	writeFiles(t, map[string]string{"a.yaml": "a: [\n"})
	for _, path := range []string{"a.yaml", "none.yaml"} {
		var into struct{}
		f := config.DecodeFile(config.Options{Path: path, Env: env}, &into)
		f.Problem(diag.Problemf("a", "", "what follows from that"))
		if list := f.Diagnostics(); len(list) != 1 || list[0].File != path {
			t.Errorf("DecodeFile(%s): got %v, want one mistake of it", path, list)
		}
	}
}

func TestLoadRules(t *testing.T) {
	writeFiles(t, map[string]string{
		"rules/a.yaml":      `rules: [{name: failed, when: state == "failed"}]`,
		"rules/b.yaml":      `rules: [{name: crashing, when: state == "crashing"}]`,
		"rules/b_test.yaml": `tests: []`,
		"rules/again.yml":   `rules: [{name: failed, when: state == "failed"}]`,
		"rules/wrong.yml":   `rules: [{name: failing, when: stat == "failed"}]`,
	})
	for _, tt := range []struct {
		name     string
		patterns []string
		want     []string // names, or the mistakes
	}{
		{"a glob leaves the tests out", []string{"*.yaml"}, []string{"failed", "crashing", "server-unreachable"}},
		{"a file that is named twice is read once", []string{"a.yaml", "*.yaml"}, []string{"failed", "crashing", "server-unreachable"}},
		{"a rule that is defined twice", []string{"a.yaml", "again.yml"}, []string{`the rule "failed" is defined twice`}},
		{"an expression that is wrong", []string{"wrong.yml"}, []string{`unknown field "stat"`}},
		{"a file that is not there", []string{"none.yaml"}, []string{"there is no such file"}},
		{"a glob of nothing", []string{"n*.yaml"}, []string{"no file matches n*.yaml"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, list := config.LoadRules(config.Options{Path: "rules/tests_test.yaml", Env: env}, tt.patterns)
			var got []string
			for _, r := range all {
				got = append(got, r.Name)
			}
			for _, d := range list {
				got = append(got, d.Message)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("LoadRules(%q) (-want +got):\n%s", tt.patterns, diff)
			}
		})
	}
}
