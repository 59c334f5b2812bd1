package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/cli"
)

// installed is the path of a program that a bare machine may lack; CI has it.
func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("no %s here", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// completions asks a shell, in a folder with the shipped config, to complete a command line.
func completions(t *testing.T, shell, line string) []string {
	t.Helper()
	var script bytes.Buffer
	if code := cli.Main(t.Context(), []string{"completion", shell}, cli.IO{Stdout: &script, Stderr: os.Stderr, Env: noEnv}); code != 0 {
		t.Fatalf("completion %s: exit %d", shell, code)
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "watchdog")); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("../watchdog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"script": script.Bytes(), "watchdog.yaml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	words := strings.Split(line, " ")
	asks := map[string][]string{
		"bash": {"--norc", "-c", `. ./script; complete -p watchdog >/dev/null && COMP_WORDS=("$@") COMP_CWORD=$(($#-1)) && _watchdog && printf '%s\n' "${COMPREPLY[@]}"`, "bash"},
		"zsh": {"-f", "-c", `compdef() { }; _describe() { print -l -- "${(@P)4}" }; _files() { print -l -- * }
			. ./script; words=("$@"); CURRENT=$#; _watchdog`, "zsh"},
		"fish": {"--no-config", "-c", `source ./script; complete -C "$argv"`},
	}
	args := asks[shell]
	if shell == "bash" { // it takes = for a word of its own
		words = strings.Split(strings.ReplaceAll(line, "=", " = "), " ")
	}
	cmd := exec.CommandContext(t.Context(), installed(t, shell), append(args, words...)...)
	cmd.Dir = dir
	cmd.Env = append(withoutConfig(os.Environ()), "WATCHDOG_TEST_MAIN=1", "HOME="+dir, "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s, completing %q: %v\n%s", shell, line, err, out)
	}
	var found []string
	for one := range strings.Lines(string(out)) {
		one, _, _ = strings.Cut(strings.TrimSpace(one), "\t")
		if shell == "zsh" {
			one, _, _ = strings.Cut(one, ":")
		}
		found = append(found, one)
	}
	slices.Sort(found) // each shell has an order of its own
	return found
}

func TestCompletion(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       []string
	}{
		{"commands", "re", []string{"record", "replay", "replicas", "replicate", "restart"}},
		{"commands of a command", "silence ", []string{"add", "list", "expire"}},
		{"flags, those of every command too", "docs --conf", []string{"--config"}},
		{"the values that a flag can have", "docs -o js", []string{"json", "jsonl"}},
		{"those of an argument", "completion z", []string{"zsh"}},
		{"servers of the config", "docs --server d", []string{"demo"}},
		{"rules of the config", "message replication-f", []string{"replication-failed", "replication-flapping"}},
		{"sinks of the config, after an argument", "message replication-failed --sink ter", []string{"terminal"}},
		{"names of files", "check --config watchdog.y", []string{":files"}},
		{"another config that is not there has no names", "--config none.yaml docs --server d", nil},
		{"nothing after --, where no argument is", "docs -- --o", nil},
		{"no hidden command", "comple", []string{"completion"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			t.Setenv("WATCHDOG_CONFIG", "../watchdog.yaml")
			args := append([]string{"complete", "--"}, strings.Split(tt.line, " ")...)
			if code := cli.Main(t.Context(), args, cli.IO{Stdout: &out, Stderr: os.Stderr, Env: noEnv}); code != 0 {
				t.Fatalf("complete: exit %d", code)
			}
			var got []string
			for one := range strings.Lines(out.String()) {
				one, _, _ = strings.Cut(strings.TrimSpace(one), "\t")
				got = append(got, one)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.line, diff)
			}
		})
	}
}

// Each shell shows its own names of files where the program says so.
func TestCompletionOfFiles(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			if got := completions(t, shell, "watchdog check --config watchdog.y"); !slices.Contains(got, "watchdog.yaml") {
				t.Errorf("got %q, want watchdog.yaml among them", got)
			}
		})
	}
}

// A value behind a = is completed where it stands: bash takes the value for a word of its own.
func TestCompletionBehindAnEqualsSign(t *testing.T) {
	for shell, want := range map[string][]string{
		"bash": {"json", "jsonl"}, "zsh": {"--output=json", "--output=jsonl"}, "fish": {"--output=json", "--output=jsonl"},
	} {
		t.Run(shell, func(t *testing.T) {
			if diff := cmp.Diff(want, completions(t, shell, "watchdog docs --output=js")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestManualPage(t *testing.T) {
	var page bytes.Buffer
	if code := cli.Main(t.Context(), []string{"man"}, cli.IO{Stdout: &page, Stderr: os.Stderr, Env: noEnv}); code != 0 {
		t.Fatalf("man: exit %d", code)
	}
	for _, want := range []string{
		"\n.SS \\fBwatchdog silence add\\fR", "\n\\fB\\-c, \\-\\-config FILE\\fR", "\n.SH EXIT STATUS",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("man: got no %q", want)
		}
	}
	if strings.Contains(page.String(), "watchdog complete\\fR") {
		t.Error("man: the hidden command is shown")
	}
	lint := exec.CommandContext(t.Context(), installed(t, "mandoc"), "-T", "lint", "-W", "warning")
	lint.Stdin = &page
	out, _ := lint.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "missing date") { // a page made of the program has that of the program
			t.Errorf("mandoc: %s", line)
		}
	}
}
