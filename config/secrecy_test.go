package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"watchdog/diag"
)

// shown is all that anybody could see of diagnostics.
func shown(list diag.List) string { return pretty(list) + list.Error() + fmt.Sprintf("%+v", list) }

// scalars are the values of a document, not its keys.
func scalars(n *yaml.Node) []*yaml.Node {
	var all []*yaml.Node
	if n.Kind == yaml.ScalarNode {
		return []*yaml.Node{n}
	}
	for i, child := range n.Content {
		if n.Kind != yaml.MappingNode || i%2 == 1 {
			all = append(all, scalars(child)...)
		}
	}
	return all
}

func TestNoSecretOfTheEnvironmentIsShownWhereverItIsPut(t *testing.T) {
	text, err := os.ReadFile("testdata/spec.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{
		"hunter22", "hunter22 hunter22", "http://user:hunter22@host/?hunter22", "http://user:hunter22/x@host",
		"https://hooks.example.com/hunter22", `state == "hunter22"`, "hunter22 > 3", "@every hunter22", "xapp-hunter22",
		"whsec_hunter22", "{{ .hunter22 }}", "TZ=hunter22 * * * * *", "\x1b[31mhunter22",
	} {
		putEverywhere(t, string(text), value, "hunter22")
	}
}

// putEverywhere puts a variable with the value in place of each value of a config in turn, and
// looks for word in what is shown.
func putEverywhere(t *testing.T, text, value, word string) {
	t.Helper()
	env := variables{
		"SECRET": value, "COUCHDB_URL": "http://a:5984", "SLACK_BOT_TOKEN": "xoxb-1-2-3",
		"HOOK_URL": "https://example.com/", "HOOK_SECRET": "",
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	for _, n := range scalars(&root) {
		before := *n
		*n = yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: "${SECRET}"}
		changed, err := yaml.Marshal(&root)
		*n = before
		if err != nil {
			t.Fatal(err)
		}
		f := folder{"watchdog.yaml": string(changed), "secrets/couchdb": "another password"}
		if _, list := f.load(env); strings.Contains(shown(list), word) {
			t.Errorf("SECRET=%q in place of %q is shown:\n%s", value, before.Value, pretty(list))
		}
	}
}

// A file with secrets in it, of every kind and in every style.
const withSecrets = `
store: postgres://watchdog:hunter2hunter2@localhost/watchdog
servers:
  - name: prod
    url: http://watchdog:hunter2hunter2@localhost:5984
    auth: {username: watchdog, password: hunter2hunter2, basic: true}
sinks:
  - name: chat
    slack:
      token: 'xoxb-hunter2hunter2'
      channel: "#x"
  - name: hook
    webhook: {url: "https://example.com/hunter2hunter2", secret: [hunter2hunter2], headers: {Authorization: "hunter2hunter2"}}
  - name: other
    webhook:
      url: >-
        https://example.com/hunter2hunter2
  - name: pager
    pagerduty:
      routing_key: hunter2hunter2
  - name: am
    alertmanager: {urls: ["http://u:hunter2hunter2@am"], headers: {A: hunter2hunter2}}
  - name: mail
    email:
      username: u
      password: hunter2hunter2
  - name: script
    exec: {env: {TOKEN: hunter2hunter2}}
`

func TestNoSecretOfTheFileIsShownWhateverIsMistyped(t *testing.T) {
	load := func(text string) {
		t.Helper()
		if _, list := (folder{"watchdog.yaml": text}).load(nil); strings.Contains(shown(list), "hunter2hunter2") {
			t.Errorf("a secret is shown:\n%s", pretty(list))
		}
	}
	load(withSecrets)
	typed := []string{"x", " ", "\t", "\n", ":", "'", `"`, "[", "}", "#", "- ", "*", "&", "|", ",", "${"}
	for i := range withSecrets {
		load(withSecrets[:i] + withSecrets[i+1:])
		for k := range 2 { // all of them, over the places
			load(withSecrets[:i] + typed[(3*i+k)%len(typed)] + withSecrets[i:])
		}
	}
}

func TestNoSecretIsShownOfWhatLooksLikeSomethingElse(t *testing.T) {
	for _, tt := range []struct{ name, text string }{
		{"a reference tears the key of a secret inside braces", "sinks:\n  - {name: p, pagerduty: {routing_${key: hunter2hunter2}}\n"},
		{"a blank tears it, and a brace is not closed", "sinks:\n  - {name: p, pagerduty: {routing_ key: hunter2hunter2}\n"},
		{"a quote before a name swallows a password", "servers:\n  - name: \"prod\n    auth: {username: u, password: hunter2hunter2}\n    labels: {team: \" #x\"}\n"},
		{"a comment holds two secrets", "servers:\n  - # {auth: {password: hunter2hunter2}, tls: {key: x}}\n"},
		{"a password has a quote in it", "servers:\n  - {name: prod, url: \"http://u:it's-hunter2hunter2@h:5984\", tls: {ca: /nowhere}}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, list := folder{"watchdog.yaml": tt.text}.load(nil)
			if len(list) == 0 || strings.Contains(shown(list), "hunter2hunter2") {
				t.Errorf("load(%q): got %q, want mistakes without the secret", tt.text, pretty(list))
			}
		})
	}
}
