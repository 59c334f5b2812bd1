package config_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/config"
	"watchdog/diag"
	"watchdog/rules"
	"watchdog/scheduler"
)

// folder is a folder of files in memory, in place of the disk.
type folder map[string]string

func (f folder) read(path string) ([]byte, error) {
	text, ok := f[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

func (f folder) glob(pattern string) ([]string, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, err
	}
	var found []string
	for name := range f {
		if ok, _ := path.Match(pattern, name); ok {
			found = append(found, name)
		}
	}
	return found, nil
}

// variables are the environment in a test.
type variables map[string]string

func (v variables) lookup(name string) (string, bool) {
	value, set := v[name]
	return value, set
}

func (f folder) load(v variables) (*config.Config, diag.List) {
	return config.Load(config.Options{Path: "watchdog.yaml", Env: v.lookup, ReadFile: f.read, Glob: f.glob})
}

// mustLoad loads what must be good, lints aside.
func (f folder) mustLoad(t *testing.T, v variables) *config.Config {
	t.Helper()
	c, list := f.load(v)
	if list.Failed() {
		t.Fatalf("Load gave\n%s", pretty(list))
	}
	return c
}

// oneServer is the least that a config must say.
const oneServer = "servers: [{name: prod, url: \"http://localhost:5984\"}]\n"

func ruleNames(all []*rules.Rule) []string {
	var names []string
	for _, r := range all {
		names = append(names, r.Name)
	}
	return names
}

func serverNames(all []scheduler.Spec) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

func sinkNames(all []config.Sink) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

func TestExampleOfTheContractLoads(t *testing.T) {
	c, list := load(t, "testdata/spec.yaml")
	if c == nil {
		t.Fatalf("Load gave\n%s", pretty(list))
	}
	server := c.Servers[0]
	if got, want := server.Auth.Password.Reveal(), "hunter2hunter2"; got != want {
		t.Errorf("password is %q, want that of the file, %q", got, want)
	}
	check := c.Checks[0]
	type summary struct {
		Files, Servers, Rules, CheckRules, CheckServers, Sinks []string
		Kinds                                                  []string
		Schedule                                               string
		Retention, Timeout, Jitter, GiveUpAfter                time.Duration
		Location                                               string
	}
	got := summary{
		Files: c.Files, Servers: serverNames(c.Servers), Rules: ruleNames(c.Rules),
		CheckRules: ruleNames(check.Rules), CheckServers: check.Servers, Sinks: sinkNames(c.Sinks),
		Kinds:    []string{c.Sinks[0].Kind(), c.Sinks[1].Kind()},
		Schedule: check.Schedule.Text, Retention: c.Retention, Timeout: check.Timeout, Jitter: check.Jitter,
		GiveUpAfter: c.Sinks[0].GiveUpAfter, Location: c.Location.String(),
	}
	want := summary{
		Files:        []string{"testdata/spec.yaml", filepath.Join("testdata", "secrets", "couchdb")},
		Servers:      []string{"prod"},
		Rules:        []string{"replication-failed", "replication-erroring", "replication-stalled", "server-unreachable"},
		CheckRules:   []string{"replication-failed", "replication-erroring", "replication-stalled", "server-unreachable"},
		CheckServers: []string{"prod"},
		Sinks:        []string{"oncall", "hook"},
		Kinds:        []string{"slack", "webhook"},
		Schedule:     "@every 30s",
		Retention:    90 * 24 * time.Hour, Timeout: 2 * time.Minute, Jitter: 0, GiveUpAfter: 24 * time.Hour,
		Location: "UTC",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the example is understood differently (-want +got):\n%s", diff)
	}
}

func TestRateLimits(t *testing.T) {
	for _, c := range []struct {
		name, sink string
		want       config.Rate
	}{
		{"slack takes one message a second", `slack: {token: xoxb-1, channel: "#a"}`, config.Rate{Count: 1, Per: time.Second}},
		{"slack may be asked more often", `rate_limit: 5/s, slack: {token: xoxb-1, channel: "#a"}`, config.Rate{Count: 5, Per: time.Second}},
		{"slack may have no limit", `rate_limit: none, slack: {token: xoxb-1, channel: "#a"}`, config.Rate{}},
		{"others have none", `terminal: {}`, config.Rate{}},
		{"so many a minute", `rate_limit: 30/m, terminal: {}`, config.Rate{Count: 30, Per: time.Minute}},
		{"so many an hour, with blanks", `rate_limit: 100 / h, terminal: {}`, config.Rate{Count: 100, Per: time.Hour}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := oneServer + "sinks: [{name: a, " + c.sink + "}]\nroutes: [{to: [a]}]\n"
			got := folder{"watchdog.yaml": text}.mustLoad(t, nil).Sinks[0].RateLimit
			if got != c.want {
				t.Errorf("RateLimit: got %v, want %v", got, c.want)
			}
		})
	}
}

func TestWithoutChecksEverythingIsCheckedEvery30Seconds(t *testing.T) {
	c := folder{"watchdog.yaml": oneServer + "rules: [{name: a, when: active}]\n"}.mustLoad(t, nil)
	if len(c.Checks) != 1 {
		t.Fatalf("Load gave %d checks, want 1", len(c.Checks))
	}
	check := c.Checks[0]
	if check.Name != "default" || check.Schedule.Text != "@every 30s" {
		t.Errorf("the check is %q, %q; want default, @every 30s", check.Name, check.Schedule.Text)
	}
	if diff := cmp.Diff([]string{"a", "server-unreachable"}, ruleNames(check.Rules)); diff != "" {
		t.Errorf("its rules (-want +got):\n%s", diff)
	}
}

func TestRulesOfACheck(t *testing.T) {
	const defined = `
rules:
  - {name: failed, when: state == "failed"}
  - {name: failing, when: error_count > 3}
  - {name: stalled, when: stalled("10m")}
`
	for name, c := range map[string]struct {
		check, more string
		want        []string
	}{
		"none named are all":                       {"", "", []string{"failed", "failing", "stalled", "server-unreachable"}},
		"a glob takes those that fit":              {"rules: [fail*]", "", []string{"failed", "failing", "server-unreachable"}},
		"a rule that two globs fit is there once":  {"rules: [fail*, '*ed']", "", []string{"failed", "failing", "stalled", "server-unreachable"}},
		"one name needs no brackets":               {"rules: stalled", "", []string{"stalled", "server-unreachable"}},
		"the built-in rule is there even for none": {"rules: []", "", []string{"server-unreachable"}},
		"the built-in rule can be redefined": {
			"rules: [failed]", "  - {name: server-unreachable, scope: server, when: failures > 9}\n",
			[]string{"failed", "server-unreachable"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := oneServer + defined + c.more + "checks:\n  - name: a\n    schedule: \"@every 30s\"\n    " + c.check + "\n"
			got := ruleNames(folder{"watchdog.yaml": text}.mustLoad(t, nil).Checks[0].Rules)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("rules of the check (-want +got):\n%s", diff)
			}
		})
	}
}

const optionalParts = `
servers:
  - {name: prod, url: "${COUCHDB_URL:-}", auth: {username: watchdog, password: "${COUCHDB_PASSWORD:-}"}, optional: true}
  - {name: demo, url: "demo://", fallback: true}
checks:
  - {name: all, schedule: "@every 30s"}
  - {name: prod-only, schedule: "@hourly", servers: prod}
sinks:
  - name: slack
    slack: {token: "${SLACK_BOT_TOKEN:-}", channel: "#oncall"}
    optional: true
  - name: hook
    webhook: {url: "${HOOK_URL:-}"}
    optional: true
  - {name: screen, terminal: {}, fallback: true}
routes:
  - {match: {severity: critical}, to: slack, continue: true}
  - {to: [slack, hook, screen]}
`

func TestWhatIsInUse(t *testing.T) {
	const (
		couch = "http://couchdb.example.com:5984"
		token = "xoxb-123456789012-abcdefgh"
		hook  = "https://example.com/hook"
	)
	type used struct{ Servers, Checks, Sinks, LeftOut []string }
	for name, c := range map[string]struct {
		env  variables
		want used
	}{
		"a fallback is used where nothing else is": {nil, used{
			[]string{"demo"},
			[]string{"all"},
			[]string{"screen"},
			[]string{
				"server prod: it is optional, and its url is empty",
				"sink slack: it is optional, and has no address",
				"sink hook: it is optional, and has no address",
				"route watchdog.yaml:17:5: none of its sinks is in use",
				"check prod-only: none of its servers is in use",
			},
		}},
		"a variable that is empty counts as none": {variables{"COUCHDB_URL": "", "HOOK_URL": hook}, used{
			[]string{"demo"},
			[]string{"all"},
			[]string{"hook"},
			[]string{
				"server prod: it is optional, and its url is empty",
				"sink slack: it is optional, and has no address",
				"sink screen: it is a fallback, and others are in use",
				"route watchdog.yaml:17:5: none of its sinks is in use",
				"check prod-only: none of its servers is in use",
			},
		}},
		"a fallback is left out where something else is": {variables{"COUCHDB_URL": couch, "COUCHDB_PASSWORD": "geheim", "SLACK_BOT_TOKEN": token, "HOOK_URL": hook}, used{
			[]string{"prod"},
			[]string{"all", "prod-only"},
			[]string{"slack", "hook"},
			[]string{
				"server demo: it is a fallback, and others are in use",
				"sink screen: it is a fallback, and others are in use",
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			loaded := folder{"watchdog.yaml": optionalParts}.mustLoad(t, c.env)
			got := used{Servers: serverNames(loaded.Servers), Sinks: sinkNames(loaded.Sinks)}
			for _, check := range loaded.Checks {
				got.Checks = append(got.Checks, check.Name)
			}
			for _, l := range loaded.LeftOut {
				got.LeftOut = append(got.LeftOut, l.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("in use (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIncludedFilesAreMerged(t *testing.T) {
	f := folder{
		"watchdog.yaml": oneServer + `
include: [conf.d/*.yaml, further/sinks.yaml, none/*.yaml, conf.d/a.yaml]
rules: [{name: own, when: active}]
routes: [{to: screen}]
`,
		"conf.d/b.yaml":      "rules: [{name: b, when: active}]\n",
		"conf.d/a.yaml":      "rules: [{name: a, when: active}]\nroutes: [{to: hook, match: {severity: critical}}]\n",
		"conf.d/a_test.yaml": "tests: []\n",
		"conf.d/c.yaml":      "",
		"further/sinks.yaml": "sinks:\n  - {name: screen, terminal: {}}\n  - {name: hook, webhook: {url: \"${file:hook-url}\"}}\n",
		"further/hook-url":   "https://example.com/hook\n",
	}
	c := f.mustLoad(t, nil)
	if diff := cmp.Diff([]string{"own", "a", "b", "server-unreachable"}, ruleNames(c.Rules)); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	wantFiles := []string{"watchdog.yaml", "conf.d/a.yaml", "conf.d/b.yaml", "conf.d/c.yaml", "further/sinks.yaml", "further/hook-url"}
	if diff := cmp.Diff(wantFiles, c.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"conf.d/*.yaml", "none/*.yaml"}, c.Globs); diff != "" {
		t.Errorf("globs (-want +got):\n%s", diff)
	}
	if got := c.Sinks[1].Webhook.URL.Reveal(); got != "https://example.com/hook" {
		t.Errorf("${file:…} in an included file gave %q, want the file beside it", got)
	}
	if got := c.Understood.Include; got != nil {
		t.Errorf("what is understood includes %q, want nothing: it is merged", got)
	}
	if got := c.Understood.Routes[0].To; !slices.Equal(got, []string{"hook"}) {
		t.Errorf("the first route leads to %q, want that of the included file before the default of the main one", got)
	}
}

func TestReferencesAreFilledIn(t *testing.T) {
	v := variables{"NAME": "value", "EMPTY": "", "N": "7", "YES": "true", "SPAN": "90d", "REF": "${NAME}", "Q": `"#: {`}
	f := folder{"secret": "two\nlines\r\n\n"}
	for text, want := range map[string]string{
		"${NAME}":                      "value",
		"a ${NAME} and ${NAME}":        "a value and value",
		"${NAME:-other}":               "value",
		"${UNSET:-other}":              "other",
		"${EMPTY:-other}":              "other",
		"${EMPTY}":                     "",
		"${UNSET:-}":                   "",
		"${UNSET:-${NAME}}":            "value",
		"${UNSET:-a:-b}":               "a:-b",
		"${file:secret}":               "two\nlines",
		"${file:${UNSET:-secret}}":     "two\nlines",
		"$${NAME}":                     "${NAME}",
		"$$${NAME}":                    "$${NAME}",
		"$NAME $ {NAME} $$":            "$NAME $ {NAME} $$",
		"${REF}":                       "${NAME}",
		"${Q}":                         `"#: {`,
		"{{ .doc_id }} of ${NAME}":     "{{ .doc_id }} of value",
		"${UNSET:-$${NAME}}":           "${NAME}",
		"${NAME:-${UNSET_AS_WELL}}":    "value",
		"ends with a dollar $":         "ends with a dollar $",
		"a brace } alone and ${NAME}}": "a brace } alone and value}",
	} {
		for _, quoted := range []string{"'" + text + "'", `"` + text + `"`, "|-\n      " + text} {
			if strings.HasPrefix(quoted, `"`) && strings.Contains(text, `"`) {
				continue
			}
			f["watchdog.yaml"] = oneServer + "rules:\n  - name: a\n    when: active\n    description: " + quoted + "\n"
			if got := f.mustLoad(t, v).Understood.Rules[0].Description; got != want {
				t.Errorf("description: %s gave %q, want %q", quoted, got, want)
			}
		}
	}
}

func TestWhatAReferenceGivesHasTheTypeThatIsNeeded(t *testing.T) {
	f := folder{"watchdog.yaml": `
retention: ${SPAN}
servers:
  - name: prod
    url: http://localhost:5984
    max_concurrent: "${N}"
    optional: ${YES}
    replicator_dbs: ${DB}
`}
	c := f.mustLoad(t, variables{"SPAN": "10d", "N": "7", "YES": "true", "DB": "_replicator"})
	s := c.Servers[0]
	if c.Retention != 240*time.Hour || s.MaxConcurrent != 7 || !s.Optional || !slices.Equal(s.ReplicatorDBs, []string{"_replicator"}) {
		t.Errorf("Load gave %v, %d, %t, %q; want 240h, 7, true, [_replicator]", c.Retention, s.MaxConcurrent, s.Optional, s.ReplicatorDBs)
	}
}

func TestAnchorsAndMergeKeys(t *testing.T) {
	c := folder{"watchdog.yaml": `
servers:
  - &base
    name: a
    url: http://a:5984
    auth: &login {username: watchdog, password: geheim}
    labels: {team: data, tier: gold}
  - <<: *base
    name: b
    labels: {<<: [{tier: silver, zone: x}, {zone: y}], team: web}
  - name: c
    url: http://c:5984
    auth: {<<: *login, username: other}
`}.mustLoad(t, nil)
	b, third := c.Servers[1], c.Servers[2]
	if b.URL != "http://a:5984" || b.Name != "b" {
		t.Errorf("the second server is %q at %q, want b at the merged url", b.Name, b.URL)
	}
	if diff := cmp.Diff(map[string]string{"team": "web", "tier": "silver", "zone": "x"}, b.Labels); diff != "" {
		t.Errorf("merged labels (-want +got):\n%s", diff)
	}
	if third.Auth.Username != "other" || third.Auth.Password.Reveal() != "geheim" {
		t.Errorf("merged auth is %q with %q, want other with geheim", third.Auth.Username, third.Auth.Password.Reveal())
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a missing one": {
			&fs.PathError{Op: "open", Path: "watchdog.yaml", Err: fs.ErrNotExist},
			"watchdog.yaml:1:1: there is no such file; name another: --config FILE, or begin with the demo's: watchdog demo --print > watchdog.yaml\n",
		},
		"a folder": {
			&fs.PathError{Op: "read", Path: "watchdog.yaml", Err: errors.New("is a directory")},
			"watchdog.yaml:1:1: the file cannot be read: is a directory; name another: --config FILE\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, list := config.Load(config.Options{
				Path: "watchdog.yaml", Env: variables{}.lookup, Glob: folder{}.glob,
				ReadFile: func(string) ([]byte, error) { return nil, c.err },
			})
			if got := pretty(list); got != c.want {
				t.Errorf("Load gave\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestUnderstoodConfigHasDefaultsAndNoSecrets(t *testing.T) {
	c, _ := load(t, "testdata/spec.yaml")
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"retention: 90d\n",
		"time_zone: UTC\n",
		"      username: watchdog\n      password: '*****'\n",
		"    schedule: '@every 30s'\n    servers: [prod]\n    rules: [replication-*]\n    timeout: 2m\n    jitter: 0s\n",
		"  - name: server-unreachable\n    severity: critical\n    scope: server\n    when: failures >= 3\n",
		"    slack:\n      token: '*****'\n      channel: '#oncall'\n    timeout: 10s\n    give_up_after: 1d\n    rate_limit: 1/s\n    digest_above: 10\n",
		"    webhook:\n      url: '*****'\n      secret: ['*****']\n",
		"routes:\n  - to: [oncall, hook]\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("what was understood lacks\n%s", want)
		}
	}
	if t.Failed() {
		t.Logf("it is\n%s", text)
	}
}

func TestUnderstoodConfigCanBeLoaded(t *testing.T) {
	first, err := folder{"watchdog.yaml": optionalParts + `
rules:
  - name: a
    when: 'doc_id != "$${x}" && error_count > 3'
    for: 90s
    match: {team: [data, "web*"]}
    on_unknown: fire
`}.mustLoad(t, nil).YAML()
	if err != nil {
		t.Fatal(err)
	}
	second, err := folder{"watchdog.yaml": string(first)}.mustLoad(t, nil).YAML()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(first), string(second)); diff != "" {
		t.Errorf("what was understood is not understood the same (-first +second):\n%s", diff)
	}
}

func TestDiagnosticsAreOrderedAndMarshal(t *testing.T) {
	_, list := load(t, "testdata/everything-wrong.yaml")
	if len(list) < 15 {
		t.Errorf("Load gave %d diagnostics, want 15 or more", len(list))
	}
	for i := 1; i < len(list); i++ {
		if list[i-1].File == list[i].File && list[i-1].Line > list[i].Line {
			t.Errorf("%v comes before %v", list[i-1], list[i])
		}
	}
	text, err := json.Marshal(list[1])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"file":"testdata/everything-wrong.yaml","line":3,"column":1,"severity":"error","id":"",` +
		`"message":"unknown key \"retension\"","hint":"did you mean \"retention\"?"}`
	if string(text) != want {
		t.Errorf("a diagnostic marshals as\n%s, want\n%s", text, want)
	}
}
