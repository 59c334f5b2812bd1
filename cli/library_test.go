package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"watchdog/cli"
	"watchdog/config"
)

// noEnv is an environment without variables.
func noEnv(string) (string, bool) { return "", false }

func TestTheLibraryPassesItsTests(t *testing.T) {
	var out, log bytes.Buffer
	code := cli.Main(t.Context(), []string{"test", "../library/*_test.yaml"}, cli.IO{Stdout: &out, Stderr: &log, Env: noEnv})
	if code != 0 {
		t.Errorf("test ../library/*_test.yaml: got exit code %d\n%s%s", code, &out, &log)
	}
}

// What is shipped passes on a machine where nothing is set, and where everything is.
func TestTheShippedConfigPassesItsTests(t *testing.T) {
	for name, env := range map[string]func(string) (string, bool){
		"nothing is set": noEnv,
		"all is set": func(name string) (string, bool) {
			value, ok := map[string]string{
				"COUCHDB_URL": "http://127.0.0.1:5984", "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/x",
				"HOOK_URL": "https://hooks.example.com/watchdog",
			}[name]
			return value, ok
		},
	} {
		var out, log bytes.Buffer
		code := cli.Main(t.Context(), []string{"test", "--config", "../watchdog.yaml"}, cli.IO{Stdout: &out, Stderr: &log, Env: env})
		if code != 0 {
			t.Errorf("test of watchdog.yaml where %s: got exit code %d\n%s%s", name, code, &out, &log)
		}
	}
}

// Included into a config the library has neither mistakes nor lints.
func TestTheLibraryCanBeIncluded(t *testing.T) {
	library, err := filepath.Abs("../library")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "watchdog.yaml")
	if err := os.WriteFile(path, []byte("include: ["+library+"/*.yaml]\n"+around), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, found := config.Load(config.Options{Path: path, Env: noEnv}); c == nil || len(found) > 0 {
		t.Errorf("a config that includes the library has mistakes or lints: %v", found)
	}
}

var ruleName = regexp.MustCompile(`(?m)^  - name: (\S+)$`)

// Every rule of the library has a test in which it is told, and a section in the docs; and the
// docs have no section of a rule that is not there.
func TestTheLibraryIsTestedAndExplained(t *testing.T) {
	tests := readAll(t, "../library/*_test.yaml")
	docs := readAll(t, "../docs/rules.md")
	explained := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^### `(\\S+)`$").FindAllStringSubmatch(docs, -1) {
		explained[m[1]] = true
	}
	files, err := filepath.Glob("../library/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.yaml") {
			continue
		}
		for _, m := range ruleName.FindAllStringSubmatch(readAll(t, file), -1) {
			names++
			if !strings.Contains(tests, "{rule: "+m[1]) && !strings.Contains(tests, "rule: "+m[1]+"\n") {
				t.Errorf("%s: no test of the library expects %s", file, m[1])
			}
			if !explained[m[1]] {
				t.Errorf("%s: docs/rules.md has no section for %s", file, m[1])
			}
			delete(explained, m[1])
		}
	}
	if names < 13 {
		t.Errorf("the library has %d rules, want 13 at least: are they still found?", names)
	}
	for name := range explained {
		t.Errorf("docs/rules.md has a section for %s, which is no rule of the library", name)
	}
}

// The test that docs/rules.md shows passes.
func TestTheTestInTheDocsPasses(t *testing.T) {
	tests := 0
	for _, m := range fence.FindAllStringSubmatch(readAll(t, "../docs/rules.md"), -1) {
		if !isTest(m[2]) {
			continue
		}
		tests++
		dir := t.TempDir()
		for name, text := range map[string]string{
			"rules_test.yaml": m[2],
			"watchdog.yaml": `rules: [{name: replication-failed, when: state == "failed"}]` +
				strings.NewReplacer("here", "oncall").Replace(around),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var out, log bytes.Buffer
		code := cli.Main(t.Context(), []string{"test", filepath.Join(dir, "rules_test.yaml")}, cli.IO{Stdout: &out, Stderr: &log, Env: noEnv})
		if code != 0 {
			t.Errorf("docs/rules.md: the test\n%s\nfails:\n%s%s", m[2], &out, &log)
		}
	}
	if tests == 0 {
		t.Error("docs/rules.md shows no test")
	}
}

// readAll is the text of all files that fit a glob.
func readAll(t *testing.T, glob string) string {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no file fits %s: %v", glob, err)
	}
	var b strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String()
}
