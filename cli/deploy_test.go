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

	"github.com/google/go-cmp/cmp"
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

// The config of the cluster loads, keeps its state on the volume of the one pod, listens where the
// probes ask, and needs no variable that the Secret is not said to have.
func TestKubernetesManifests(t *testing.T) {
	text := shipped(t, "kubernetes/base/config.yaml")
	c := configLoads(t, "kubernetes/base/config.yaml", text)
	_, port, _ := strings.Cut(c.HTTP.Listen, ":")
	one, several := "kubernetes/watchdog.yaml", "kubernetes/replicas/watchdog.yaml"
	for file, wanted := range map[string][]string{
		one:     {"mountPath: " + filepath.Dir(c.Store) + "}", "replicas: 1"},
		several: {"key: WATCHDOG_STORE", "replicas: 2"},
	} {
		for _, want := range append(wanted, "containerPort: "+port, "path: /healthz", "path: /readyz") {
			if !strings.Contains(shipped(t, file), want) {
				t.Errorf("%s: no %q", file, want)
			}
		}
		said := shipped(t, filepath.Join(filepath.Dir(file), "kustomization.yaml"))
		for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(text, -1) {
			if !strings.Contains(said, "--from-literal="+m[1]+"=") {
				t.Errorf("%s: what is said of the Secret does not have %s, which the config reads", file, m[1])
			}
		}
	}
	if said := shipped(t, "kubernetes/replicas/kustomization.yaml"); !strings.Contains(said, "--from-literal=WATCHDOG_STORE=postgres://") {
		t.Error("kubernetes/replicas: nothing is said of WATCHDOG_STORE, which the pods read")
	}
}

// podTemplate is a template of a pod, as far as one pod and several differ.
type podTemplate struct {
	Spec struct {
		SecurityContext map[string]any `yaml:"securityContext"`
		Spread          []any          `yaml:"topologySpreadConstraints"`
		Containers      []struct {
			Env          []any
			VolumeMounts []map[string]any `yaml:"volumeMounts"`
			More         map[string]any   `yaml:",inline"`
		}
		More map[string]any `yaml:",inline"`
	}
	Metadata map[string]any
}

// object is one of a manifest.
type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		MinAvailable int `yaml:"minAvailable"`
		Template     podTemplate
	}
}

// objects are those of a manifest, by kind.
func objects(t *testing.T, file string) map[string]object {
	t.Helper()
	all := map[string]object{}
	for decoder := yaml.NewDecoder(strings.NewReader(shipped(t, file))); ; {
		var one object
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil || one.APIVersion == "" || one.Kind == "" || one.Metadata.Name != "watchdog" {
			t.Errorf("%s: got %+v and error %v, want an object named watchdog", file, one, err)
			return all
		}
		all[one.Kind] = one
	}
}

// A pod that shares the work is the pod that does it alone, but that it keeps no state on a volume
// and is not to stand beside another.
func TestKubernetesReplicasAreThePodsOfTheBase(t *testing.T) {
	alone, shared := objects(t, "kubernetes/watchdog.yaml")["StatefulSet"].Spec.Template, objects(t, "kubernetes/replicas/watchdog.yaml")
	pod := shared["Deployment"].Spec.Template
	if len(pod.Spec.Spread) == 0 || shared["PodDisruptionBudget"].Spec.MinAvailable != 1 {
		t.Error("kubernetes/replicas: nothing keeps the pods apart, or one of them up")
	}
	pod.Spec.Spread = nil
	delete(alone.Spec.SecurityContext, "fsGroup")
	for _, one := range []*podTemplate{&alone, &pod} {
		c := &one.Spec.Containers[0]
		c.Env = nil
		c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m map[string]any) bool { return m["name"] == "state" })
	}
	if diff := cmp.Diff(alone, pod); diff != "" {
		t.Errorf("the pod (-alone +of several):\n%s", diff)
	}
	for kind := range map[string]bool{"Service": true, "NetworkPolicy": true} {
		if _, found := objects(t, "kubernetes/base/network.yaml")[kind]; !found {
			t.Errorf("kubernetes/base/network.yaml: no %s", kind)
		}
	}
}

// What is there is what kustomize is told of.
func TestKustomizationsNameWhatIsThere(t *testing.T) {
	for dir, want := range map[string][]string{
		"kubernetes":          {"base", "watchdog.yaml"},
		"kubernetes/base":     {"network.yaml"},
		"kubernetes/replicas": {"../base", "watchdog.yaml"},
	} {
		var k struct{ Resources []string }
		if err := yaml.Unmarshal([]byte(shipped(t, dir+"/kustomization.yaml")), &k); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, k.Resources); diff != "" {
			t.Errorf("%s: resources (-want +got):\n%s", dir, diff)
		}
		for _, one := range k.Resources {
			if _, err := os.Stat(filepath.Join("../deploy", dir, one)); err != nil {
				t.Errorf("%s: %v", dir, err)
			}
		}
	}
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
