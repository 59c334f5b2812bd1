package config_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"watchdog/config"
)

func TestChanges(t *testing.T) {
	const before = `
servers: [{name: prod, url: "http://couch:5984"}]
rules:
  - {name: failed, when: state == "failed"}
  - {name: crashing, when: state == "crashing"}
sinks: [{name: hook, webhook: {url: "${HOOK}"}}]
routes: [{to: [hook]}]
`
	read := func(t *testing.T, text, hook string) *config.Config {
		t.Helper()
		files := fstest.MapFS{"w.yaml": {Data: []byte(text)}}
		c, list := config.Load(config.Options{Path: "w.yaml", ReadFile: files.ReadFile, Env: func(string) (string, bool) { return hook, true }})
		if c == nil {
			t.Fatalf("Load gave\n%s", pretty(list))
		}
		return c
	}
	for _, tt := range []struct {
		name, after, hook string
		want              []string
	}{
		{"the same", before, "http://a.example.com/", nil},
		{"the same in other words", "# a comment\n" + before, "http://a.example.com/", nil},
		{"a secret", before, "http://b.example.com/", []string{"sinks ~1"}},
		{
			"rules come, go and change", `
servers: [{name: prod, url: "http://couch:5984"}]
rules:
  - {name: failed, when: state == "failed", severity: critical}
  - {name: error, when: state == "error"}
  - {name: pending, when: state == "pending"}
sinks: [{name: hook, webhook: {url: "${HOOK}"}}]
routes: [{to: [hook]}]
`, "http://a.example.com/", []string{"rules +2 -1 ~1"},
		},
		{
			"the order of rules, and settings", `
retention: 30d
servers: [{name: prod, url: "http://couch:5984"}]
rules:
  - {name: crashing, when: state == "crashing"}
  - {name: failed, when: state == "failed"}
sinks: [{name: hook, webhook: {url: "${HOOK}"}}]
routes: [{to: [hook], group_by: [server]}]
`, "http://a.example.com/", []string{"retention changed", "rules changed", "routes changed"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := config.Changes(read(t, before, "http://a.example.com/"), read(t, tt.after, tt.hook))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Changes (-want +got):\n%s", diff)
			}
		})
	}
}
