package cli_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

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
