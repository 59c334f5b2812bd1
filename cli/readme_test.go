package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchdog/cli"
	"watchdog/config"
)

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// blocks are the fenced blocks of the README in one language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		if m[1] == language {
			found = append(found, m[2])
		}
	}
	if len(found) == 0 {
		t.Fatalf("README.md: no block of %s", language)
	}
	return found
}

// twoCommands are those that the README shows first.
func twoCommands(t *testing.T) (run, test string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(blocks(t, "sh")[0]), "\n")
	if len(lines) != 2 {
		t.Fatalf("README.md: the first block has %d lines, want the two commands", len(lines))
	}
	command := func(line string) string {
		before, _, _ := strings.Cut(line, "#")
		return strings.TrimSpace(before)
	}
	return command(lines[0]), command(lines[1])
}

// What the first command promises: on a machine with nothing configured a replication fails,
// one crashes and recovers, one stalls and moves again, all of it told on the terminal; and
// the signal of a terminal ends it in order.
func TestReadmeFirstCommandShowsAlerts(t *testing.T) {
	run, _ := twoCommands(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	words := strings.Fields(run)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = ".."
	cmd.Env = withoutConfig(os.Environ())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", run, err)
	}
	missing := map[string]bool{
		"FIRING replication-failed": true, "FIRING replication-crashing": true, "RESOLVED replication-crashing": true,
		"FIRING demo-stalled": true, "RESOLVED demo-stalled": true,
	}
	for lines := bufio.NewScanner(out); len(missing) > 0 && lines.Scan(); {
		for what := range missing {
			status, rule, _ := strings.Cut(what, " ")
			if strings.Contains(lines.Text(), status) && strings.Contains(lines.Text(), rule) {
				delete(missing, what)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("%s: not told: %v\n%s", run, missing, &log)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Errorf("interrupt: %v", err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Errorf("read what else it told: %v", err)
	}
	_ = cmd.Wait() // `go run` itself exits with 1 when it was interrupted, whatever its program did
	if !strings.Contains(log.String(), "msg=stopped") {
		t.Errorf("%s, interrupted: got no word of having stopped\n%s", run, &log)
	}
}

// withoutConfig is the environment without the variables that watchdog.yaml reads.
func withoutConfig(env []string) []string {
	var kept []string
	for _, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		switch {
		case strings.HasPrefix(name, "COUCHDB_"), strings.HasPrefix(name, "SLACK_"),
			strings.HasPrefix(name, "HOOK_"), strings.HasPrefix(name, "WATCHDOG_"):
		default:
			kept = append(kept, pair)
		}
	}
	return kept
}

func TestReadmeSecondCommandIsWhatCIRuns(t *testing.T) {
	_, test := twoCommands(t)
	script, err := os.ReadFile("../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)(^|\s)` + regexp.QuoteMeta(test) + `\s*$`).Match(script) {
		t.Errorf(".ci/run: does not run %q", test)
	}
}

const around = `
servers: [{name: prod, url: "http://127.0.0.1:5984"}]
sinks: [{name: here, terminal: {}}]
routes: [{to: [here]}]
`

func TestReadmeRulesLoad(t *testing.T) {
	for _, block := range blocks(t, "yaml") {
		if isTest(block) {
			continue
		}
		path := filepath.Join(t.TempDir(), "watchdog.yaml")
		if err := os.WriteFile(path, []byte(block+around), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, found := config.Load(config.Options{Path: path}); c == nil || len(found) > 0 {
			t.Errorf("README.md: the block\n%s\nhas mistakes or lints: %v", block, found)
		}
	}
}

// isTest reports whether a block is a file of rule tests.
func isTest(block string) bool { return strings.Contains(block, "\ntests:\n") }

// The test that the README shows passes with the rule it shows, and fails as it shows with
// another window.
func TestReadmeTestIsWhatTestSays(t *testing.T) {
	var rule, test, shown string
	for _, block := range blocks(t, "yaml") {
		switch {
		case isTest(block):
			test = block
		case strings.Contains(block, "replication-stalled"):
			rule = block
		}
	}
	for _, block := range blocks(t, "console") {
		if rest, found := strings.CutPrefix(block, "$ watchdog test\n"); found {
			shown = rest
		}
	}
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		window, want string
		code         int
	}{
		{"10m", "ok    watchdog_test.yaml\n  ok    a stall is told after ten minutes, and ends with the next document\n", 0},
		{"20m", shown, 1},
	} {
		for name, text := range map[string]string{
			"watchdog.yaml": strings.ReplaceAll(rule, `"10m"`, strconv.Quote(tt.window)) + around, "watchdog_test.yaml": test,
		} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var out, log bytes.Buffer
		code := cli.Main(t.Context(), []string{"test"}, cli.IO{Stdout: &out, Stderr: &log, Env: noEnv})
		if code != tt.code || out.String() != tt.want {
			t.Errorf("test with a window of %s: got exit code %d and\n%s%s\nwant %d and\n%s",
				tt.window, code, &out, &log, tt.code, tt.want)
		}
	}
}

// The mistake that the README shows is what `check` says of it.
func TestReadmeMistakeIsWhatCheckSays(t *testing.T) {
	var shown string
	for _, block := range blocks(t, "console") {
		if rest, found := strings.CutPrefix(block, "$ watchdog check\n"); found {
			shown = rest
		}
	}
	t.Chdir(t.TempDir())
	head := "store: watchdog.db" + around + "rules:\n" + strings.Repeat("  # comment\n", 6) // 11 lines
	text := head[:len(head)-len("  # comment\n")] + "  - name: replication-failed\n    when: stat == \"failed\"\n"
	if got := strings.Count(head, "\n"); got != 11 {
		t.Fatalf("the config has %d lines before the mistake, want 11", got)
	}
	if err := os.WriteFile("watchdog.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	code := cli.Main(t.Context(), []string{"check"}, cli.IO{
		Stdout: &out, Stderr: &log, Env: func(string) (string, bool) { return "", false },
	})
	if code != 2 || out.String() != shown {
		t.Errorf("check: got exit code %d and\n%s\nwant 2 and what README.md shows:\n%s", code, out.String(), shown)
	}
}
