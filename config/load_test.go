package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/config"
	"watchdog/diag"
)

var update = flag.Bool("update", false, "write the golden files")

// environment is what the variables in testdata are set to.
var environment = map[string]string{
	"COUCHDB_URL":     "http://couchdb.example.com:5984",
	"SLACK_BOT_TOKEN": "xoxb-1234567890-abcdefghij",
	"HOOK_URL":        "https://hooks.example.com/watchdog",
	"HOOK_SECRET":     "whsec_c2VjcmV0c2VjcmV0c2VjcmV0",
	"EMPTY":           "",
	"WORD":            "word",
}

func env(name string) (string, bool) {
	value, set := environment[name]
	return value, set
}

func load(t *testing.T, path string) (*config.Config, diag.List) {
	t.Helper()
	return config.Load(config.Options{Path: path, Env: env})
}

// pretty is all diagnostics as `check` prints them.
func pretty(list diag.List) string {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(d.Pretty())
	}
	return b.String()
}

func TestMistakesAreShownWhereTheyAre(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			c, list := load(t, path)
			if (c == nil) != list.Failed() {
				t.Errorf("Load(%s) gave a config: %t, and errors: %t", path, c != nil, list.Failed())
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".golden", pretty(list))
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
