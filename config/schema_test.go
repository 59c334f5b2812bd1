package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"watchdog/alert"
	"watchdog/config"
	"watchdog/notify/webhook"
	"watchdog/secret"
	"watchdog/snapshot"
)

// madeSchema is the schema as the types and their comments say now.
func madeSchema(t *testing.T) []byte {
	t.Helper()
	r := &jsonschema.Reflector{
		FieldNameTag: "yaml", ExpandedStruct: true, RequiredFromJSONSchemaTags: true, Mapper: mapType, Namer: nameOf,
	}
	readComments(t, r)
	for key, text := range r.CommentMap {
		r.CommentMap[key] = strings.Join(strings.Fields(text), " ")
	}
	s := r.Reflect(&config.File{})
	s.ID = "https://watchdog.invalid/schema.json"
	s.Title = "watchdog.yaml"
	narrow(s.Definitions)
	for _, def := range s.Definitions {
		def.Description = aboutType(def.Description)
		for key := range def.Properties.KeysFromOldest() {
			p, _ := def.Properties.Get(key)
			p.Description = aboutKey(key, p.Description)
		}
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// readComments takes the comments of the types' sources, of which paths count from the root.
func readComments(t *testing.T, r *jsonschema.Reflector) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(".."); err != nil {
		t.Fatal(err)
	}
	defer os.Chdir(here)
	for _, dir := range []string{"config", "scheduler", "rules", "notify", "web/gate", "heartbeat"} {
		if err := r.AddGoComments("watchdog", dir, jsonschema.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
}

// nameOf tells apart the types of one name that different packages have.
func nameOf(t reflect.Type) string {
	if t.Name() == "" || t.PkgPath() == "" {
		return "" // a list, a map
	}
	pkg := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
	return strings.ToUpper(pkg[:1]) + pkg[1:] + t.Name()
}

// expandable is a value that may come from the environment or a file instead.
const expandable = `\$\{`

// mapType gives the schema of what YAML writes otherwise than Go does.
func mapType(t reflect.Type) *jsonschema.Schema {
	text := &jsonschema.Schema{Type: "string"}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ms|[smhdwy]))+$|^0$|` + expandable, Examples: []any{"30s", "10m", "1h30m", "90d"}}
	case t == reflect.TypeFor[secret.String]():
		return text
	case t == reflect.TypeFor[webhook.Secrets](), t == reflect.TypeFor[[]secret.String](), t == reflect.TypeFor[[]string]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{text, {Type: "array", Items: text}}}
	case t.Kind() == reflect.Bool:
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "boolean"}, {Type: "string", Pattern: expandable}}}
	case t.Kind() == reflect.Int:
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "integer"}, {Type: "string", Pattern: expandable}}}
	}
	return nil
}

// narrow adds what the types cannot say: the words that a value may be.
func narrow(defs jsonschema.Definitions) {
	rule := defs["RulesSpec"].Properties
	for field, words := range map[string][]string{
		"severity": alert.Severities(), "scope": {"replication", "server"}, "on_unknown": {"hold", "fire", "resolve"},
	} {
		p, _ := rule.Get(field)
		p.Enum = anys(words)
	}
	steps := defs["NotifyEscalation"] // one step may stand for a list of one
	*steps = jsonschema.Schema{Description: steps.Description, OneOf: []*jsonschema.Schema{steps.Items, {Type: "array", Items: steps.Items}}}

	var states []any
	for _, state := range snapshot.States {
		states = append(states, string(state))
	}
	for _, field := range []string{"from", "to"} {
		p, _ := defs["RulesEventSpec"].Properties.Get(field)
		p.OneOf[0], p.OneOf[1].Items = &jsonschema.Schema{Type: "string", Enum: states}, &jsonschema.Schema{Type: "string", Enum: states}
	}
}

var (
	goSubject = regexp.MustCompile(`^\w+ (is|are|says) `)
	goAside   = regexp.MustCompile(`(,? as it is written in YAML|, not checked yet)`)
)

// aboutType says of a type what its comment does, to people who do not know its name.
func aboutType(comment string) string {
	text := goAside.ReplaceAllString(goSubject.ReplaceAllString(comment, ""), "")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// aboutKey begins with the key where the comment of a field begins with the field.
func aboutKey(key, comment string) string {
	first, rest, _ := strings.Cut(comment, " ")
	if strings.EqualFold(first, strings.ReplaceAll(key, "_", "")) && rest != "" {
		return key + " " + rest
	}
	return comment
}

func anys(words []string) []any {
	var out []any
	for _, w := range words {
		out = append(out, w)
	}
	return out
}

func TestSchemaIsUpToDateAndComplete(t *testing.T) {
	made := madeSchema(t)
	if *update {
		if err := os.WriteFile("schema.json", made, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(made, config.Schema()) {
		t.Error("schema.json is not what the types say: run go test ./config -run Schema -update")
	}
	var s struct {
		Properties map[string]json.RawMessage
		Defs       map[string]struct {
			Properties map[string]struct{ Description string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(made, &s); err != nil {
		t.Fatal(err)
	}
	for name, d := range s.Defs {
		for field, p := range d.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s: has no description", name, field)
			}
		}
	}
}

func TestSchemaTakesWhatLoadTakes(t *testing.T) {
	compiled := compileSchema(t)
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, path := range append(files, "../watchdog.yaml") {
		c, _ := config.Load(config.Options{Path: path, Env: func(string) (string, bool) { return "x", true }})
		if c == nil {
			continue
		}
		if err := compiled.Validate(document(t, path)); err != nil {
			t.Errorf("%s: Load takes it, the schema does not: %v", path, err)
		}
		taken++
	}
	if taken < 2 {
		t.Errorf("configs that load: got %d, want more", taken)
	}
}

func TestSchemaRefusesMistakes(t *testing.T) {
	compiled := compileSchema(t)
	for name, text := range map[string]string{
		"an unknown key":         "colour: blue",
		"an unknown key inside":  "rules: [{name: a, wen: active}]",
		"a severity":             "rules: [{name: a, when: active, severity: grave}]",
		"a state":                "rules: [{name: a, on: {to: [done]}}]",
		"a duration":             "retention: soon",
		"a list for a text":      "store: [a]",
		"a number for a server":  "servers: [5]",
		"a text for a list":      "checks: replications",
		"a check without a dash": "checks: {name: a}",
	} {
		path := filepath.Join(t.TempDir(), "watchdog.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(document(t, path)); err == nil {
			t.Errorf("%s: the schema takes %q", name, text)
		}
	}
}

// Every block of YAML in the docs that is a whole config, or part of one, fits the schema.
func TestSchemaTakesTheExamplesOfTheDocs(t *testing.T) {
	compiled := compileSchema(t)
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	top := regexp.MustCompile(`(?m)^(store|servers|checks|rules|sinks|routes|include):`)
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	for _, path := range append(files, "../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			if !top.MatchString(m[1]) || strings.Contains(m[1], "\ntests:") {
				continue
			}
			file := filepath.Join(t.TempDir(), "watchdog.yaml")
			if err := os.WriteFile(file, []byte(m[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := compiled.Validate(document(t, file)); err != nil {
				t.Errorf("%s: the schema does not take\n%s\n%v", path, m[1], err)
			}
		}
	}
}

func compileSchema(t *testing.T) *validator.Schema {
	t.Helper()
	doc, err := validator.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// document is a YAML file as JSON has it.
func document(t *testing.T, path string) any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	back, err := validator.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return back
}
