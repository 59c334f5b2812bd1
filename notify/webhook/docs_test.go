package webhook_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"watchdog/notify/sinktest"
	"watchdog/notify/webhook"
)

const docs = "../../docs/"

// schema is the part of JSON Schema that docs/webhook.schema.json uses.
type schema struct {
	Type                 any                // a name, or a list of names
	Required             []string           //
	Properties           map[string]*schema //
	AdditionalProperties *schema            // nil: a property that is not listed is an error
	Items                *schema            //
	Enum                 []any              //
	Pattern              string             //
	Format               string             //
	Ref                  string             `json:"$ref"`
	Defs                 map[string]*schema `json:"$defs"`
}

// check is what of value is not as s says. It is stricter than JSON Schema: an unlisted property
// is an error, so that the documentation cannot fall behind.
func (s *schema) check(defs map[string]*schema, path string, value any) []string {
	if s.Ref != "" {
		return defs[strings.TrimPrefix(s.Ref, "#/$defs/")].check(defs, path, value)
	}
	var wrong []string
	if !s.allows(typeOf(value)) {
		return []string{fmt.Sprintf("%s is %s, want %v", path, typeOf(value), s.Type)}
	}
	if s.Enum != nil && !slices.Contains(s.Enum, value) {
		wrong = append(wrong, fmt.Sprintf("%s is %v, want one of %v", path, value, s.Enum))
	}
	switch v := value.(type) {
	case string:
		if s.Format == "date-time" {
			if at, err := time.Parse(time.RFC3339, v); err != nil || at.Location() != time.UTC {
				wrong = append(wrong, fmt.Sprintf("%s is %q, want RFC 3339 in UTC", path, v))
			}
		}
		if !regexp.MustCompile(s.Pattern).MatchString(v) {
			wrong = append(wrong, fmt.Sprintf("%s is %q, want %s", path, v, s.Pattern))
		}
	case []any:
		for i, item := range v {
			wrong = append(wrong, s.Items.check(defs, fmt.Sprintf("%s[%d]", path, i), item)...)
		}
	case map[string]any:
		for _, key := range s.Required {
			if _, there := v[key]; !there {
				wrong = append(wrong, fmt.Sprintf("%s.%s is missing", path, key))
			}
		}
		for key, property := range v {
			of, listed := s.Properties[key]
			if !listed {
				of = s.AdditionalProperties
			}
			if of == nil {
				wrong = append(wrong, fmt.Sprintf("%s.%s is not documented", path, key))
				continue
			}
			wrong = append(wrong, of.check(defs, path+"."+key, property)...)
		}
	}
	return wrong
}

func (s *schema) allows(name string) bool {
	names, many := s.Type.([]any)
	if !many {
		names = []any{s.Type}
	}
	return slices.Contains(names, any(name)) || name == "integer" && slices.Contains(names, any("number"))
}

func typeOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	default:
		return "object"
	}
}

func readDoc(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(docs + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheSchemaDescribesWhatIsSent(t *testing.T) {
	var root schema
	if err := json.Unmarshal(readDoc(t, "webhook.schema.json"), &root); err != nil {
		t.Fatal(err)
	}
	full := sinktest.Message(3)
	quiet := full.At
	full.Test, full.Alerts[0].QuietSince = true, &quiet
	bare := sinktest.Message(1)
	bare.Group, bare.Alerts[0].Labels, bare.Alerts[0].ErrorCount = nil, nil, nil
	_, fullBody := receive(t, webhook.Config{}, full)
	_, bareBody := receive(t, webhook.Config{}, bare)
	_, failedBody := receive(t, webhook.Config{Body: `{{ index .alerts 0 | len }}{{ if eq .sink "oncall" }}{{ index .alerts 9 }}{{ end }}`}, bare)
	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(readDoc(t, "webhook.md"))
	for name, body := range map[string][]byte{
		"a full body": fullBody, "a bare body": bareBody, "the body after a failed template": failedBody,
		"the example in webhook.md": example[1],
	} {
		t.Run(name, func(t *testing.T) {
			var value any
			if err := json.Unmarshal(body, &value); err != nil {
				t.Fatal(err)
			}
			for _, wrong := range root.check(root.Defs, "body", value) {
				t.Error(wrong)
			}
		})
	}
}

func TestTheTemplateInTheDocumentationWorks(t *testing.T) {
	example := regexp.MustCompile("(?s)```yaml\n(webhook:.*?)```").FindSubmatch(readDoc(t, "webhook.md"))
	var file struct{ Webhook webhook.Config }
	if err := yaml.Unmarshal(example[1], &file); err != nil {
		t.Fatal(err)
	}
	file.Webhook.URL = ""
	_, body := receive(t, file.Webhook, sinktest.Message(2))
	var got struct {
		Text  string
		Lines []string
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Text != "2 alerts" || len(got.Lines) != 2 {
		t.Errorf("body: got %s (%v), want 2 alerts with a line each", body, err)
	}
}
