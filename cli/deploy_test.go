package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"watchdog/cli"
	"watchdog/config"
)

// shipped is a file of deploy/.
func shipped(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mustRun runs a program of somebody else's over what we ship.
func mustRun(t *testing.T, stdin, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), installed(t, name), args...)
	cmd.Dir, cmd.Stdin = "../deploy", strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s %q: %v\n%s", name, args, err, out)
	}
}

// scrape gives the metrics of a running demo, once they have all that is wanted, or after a while.
func scrape(t *testing.T, wanted []string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Main(ctx, []string{"demo", "--listen", "127.0.0.1:0"}, cli.IO{Stdout: in, Stderr: io.Discard, Env: noEnv})
		in.Close()
	}()
	defer func() { stop(); <-ended }()
	page := regexp.MustCompile(`http://127\S+`)
	url := ""
	lines := bufio.NewScanner(out)
	for url == "" && lines.Scan() {
		url = page.FindString(lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	for {
		text, err := get(ctx, url+"metrics")
		if err != nil || !slices.ContainsFunc(wanted, func(name string) bool { return !exposed(text, name) }) {
			return text
		}
		select {
		case <-ctx.Done():
			return text
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(res.Body)
	return string(text), errors.Join(err, res.Body.Close())
}

// exposed reports whether a scrape has a sample of that name.
func exposed(scraped, name string) bool {
	return regexp.MustCompile(`(?m)^` + name + `[ {]`).MatchString(scraped)
}

// What the dashboard and the alerts of Prometheus ask for is what the daemon exposes, and
// Prometheus's own tool finds nothing in any of it.
func TestMonitoringAsksForWhatIsExposed(t *testing.T) {
	names := map[string]bool{}
	for _, file := range []string{"prometheus/rules.yaml", "grafana/watchdog.json"} {
		for _, name := range regexp.MustCompile(`\b(watchdog|process|go)_[a-z_]+\b`).FindAllString(shipped(t, file), -1) {
			names[name] = true
		}
	}
	if len(names) < 15 {
		t.Fatalf("deploy/: found %d names of metrics, want those of the dashboard", len(names))
	}
	wanted := slices.Sorted(maps.Keys(names))
	scraped := scrape(t, wanted)
	for _, name := range wanted {
		if !exposed(scraped, name) {
			t.Errorf("deploy/ asks for %s, which the daemon does not expose", name)
		}
	}
	mustRun(t, scraped, "promtool", "check", "metrics")
	mustRun(t, "", "promtool", "check", "rules", "prometheus/rules.yaml")
	mustRun(t, "", "promtool", "test", "rules", "prometheus/rules_test.yaml")
}

// Each alert of Prometheus has a case that fires it.
func TestEveryAlertOfPrometheusIsTested(t *testing.T) {
	tests := shipped(t, "prometheus/rules_test.yaml")
	for _, m := range regexp.MustCompile(`(?m)- alert: (\w+)`).FindAllStringSubmatch(shipped(t, "prometheus/rules.yaml"), -1) {
		if !regexp.MustCompile(`alertname: ` + m[1] + `\n\s+exp_alerts:`).MatchString(tests) {
			t.Errorf("rules_test.yaml: no case fires %s", m[1])
		}
	}
}

// systemd finds no mistake in the unit, and little that an attacker could do from inside.
func TestSystemdUnit(t *testing.T) {
	unit := strings.ReplaceAll(shipped(t, "systemd/watchdog.service"), "/usr/local/bin/watchdog", "/bin/true")
	unit = strings.Replace(unit, "Documentation=man:watchdog(1)\n", "", 1) // it is not installed here
	path := filepath.Join(t.TempDir(), "watchdog.service")
	if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "", "systemd-analyze", "verify", path)
	mustRun(t, "", "systemd-analyze", "security", "--offline=true", "--threshold=15", path)
}

// configLoads says what is wrong with a config that is shipped inside something else.
func configLoads(t *testing.T, where, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "watchdog.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, found := config.Load(config.Options{Path: path, Env: func(name string) (string, bool) {
		if name == "WATCHDOG_STORE" {
			return "", false
		}
		return "https://hooks.slack.com/services/T0/B0/" + name, true
	}})
	if c == nil || len(found) > 0 {
		t.Fatalf("%s: the config has mistakes or lints: %v", where, found)
	}
	return c
}

// The config inside the compose file loads, and what it mounts is what it names.
func TestComposeFile(t *testing.T) {
	var compose struct {
		Services map[string]struct {
			Configs []struct{ Source, Target string }
			Build   struct{ Context, Dockerfile string }
		}
		Configs map[string]struct{ Content string }
	}
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(shipped(t, "compose.yaml"))))
	if err := decoder.Decode(&compose); err != nil {
		t.Fatal(err)
	}
	configLoads(t, "compose.yaml", compose.Configs["watchdog"].Content)
	for name, service := range compose.Services {
		for _, used := range service.Configs {
			if compose.Configs[used.Source].Content == "" {
				t.Errorf("compose.yaml: %s has a config %q that is not there", name, used.Source)
			}
		}
	}
	w := compose.Services["watchdog"]
	if _, err := os.Stat(filepath.Join("../deploy", w.Build.Context, w.Build.Dockerfile)); err != nil {
		t.Errorf("compose.yaml: %v", err)
	}
	if target := w.Configs[0].Target; !strings.Contains(shipped(t, "Dockerfile"), `"--config", "`+target+`"`) {
		t.Errorf("Dockerfile: does not read %s, where compose.yaml puts the config", target)
	}
}
