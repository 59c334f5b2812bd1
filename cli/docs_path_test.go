package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"watchdog/config"
)

// The configs that the path through docs/ shows load, without a lint, once they say who is told.
func TestConfigsOfTheDocsLoad(t *testing.T) {
	for _, page := range []string{"first-rule.md", "many-servers.md"} {
		text, err := os.ReadFile("../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
			if m[1] != "yaml" {
				continue
			}
			n++
			block := strings.ReplaceAll(m[2], "include: [servers/*.yaml]", "include: []") +
				"sinks: [{name: here, terminal: {}}]\nroutes: [{to: [here]}]\n"
			path := filepath.Join(t.TempDir(), "watchdog.yaml")
			if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}
			if c, found := config.Load(config.Options{Path: path, Env: noEnv}); c == nil || len(found) > 0 {
				t.Errorf("docs/%s: the block\n%s\nhas mistakes or lints: %v", page, block, found)
			}
		}
		if n == 0 {
			t.Errorf("docs/%s: no config is shown", page)
		}
	}
}
