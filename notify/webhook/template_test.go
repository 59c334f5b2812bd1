package webhook_test

import (
	"encoding/json"
	"strings"
	"testing"

	"watchdog/diag"
	"watchdog/notify/sinktest"
	"watchdog/notify/webhook"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

func TestTemplates(t *testing.T) {
	for _, c := range []struct {
		name, body, want, contentType string
	}{
		{
			"the keys of the standard body", `{{ .id }} {{ .sink }} {{ len .alerts }} {{ .group.rule }}`,
			"dlv_01JGK3ZQ5V8R4M2N6P7S9T0WXY oncall 2 replication-failed", "text/plain; charset=utf-8",
		},
		{
			"a body of JSON", `{"text": {{ json (index .alerts 0).summary }}, "count": {{ (index .alerts 0).error_count }}}`,
			`{"text": "orders failed", "count": 1}`, "application/json",
		},
		{
			"all alerts", `[{{ range $i, $a := .alerts }}{{ if $i }},{{ end }}{{ json $a.doc_id }}{{ end }}]`,
			`["orders","orders-001"]`, "application/json",
		},
		{
			"JSON keeps < and > as they are", `{{ json (index .alerts 0).labels }} {{ json "<a&b>" }}`,
			`{"team":"data"} "<a&b>"`, "text/plain; charset=utf-8",
		},
		{
			"a label that is missing is empty", `[{{ (index .alerts 0).labels.region }}]`,
			`[]`, "application/json",
		},
		{
			"a large number is not rounded", `{{ range .alerts }}{{ .error_count }} {{ end }}`, "1 123456789 ", "text/plain; charset=utf-8",
		},
		{
			"null is null", `[{{ json (index .alerts 0).ends_at }}]`, "[null]", "application/json",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, large := sinktest.Message(2), int64(123_456_789)
			m.Alerts[1].ErrorCount = &large
			r, body := receive(t, webhook.Config{Body: c.body}, m)
			if got := string(body); got != c.want {
				t.Errorf("body: got %s, want %s", got, c.want)
			}
			if got := r.Header.Get("Content-Type"); got != c.contentType {
				t.Errorf("Content-Type: got %s, want %s", got, c.contentType)
			}
		})
	}
}

func TestATemplateThatFailsSendsTheStandardBody(t *testing.T) {
	for _, c := range []struct {
		name, body string
		alerts     int
		wantError  string
	}{
		{"there is no second alert", `{{ (index .alerts 0).rule }}{{ if eq .sink "oncall" }}{{ index .alerts 1 }}{{ end }}`, 1, "index out of range"},
		{"what should be JSON is none", `{{ if eq .sink "oncall" }}{{ .id }}{{ else }}{}{{ end }}`, 1, "did not make JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, body := receive(t, webhook.Config{Body: c.body}, sinktest.Message(c.alerts))
			var got struct {
				Version   string
				ID        string
				Alerts    []any
				BodyError string `json:"body_error"`
			}
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatalf("body: got %s, want the standard body", body)
			}
			if got.Version != "1" || got.ID == "" || len(got.Alerts) != c.alerts || !contains(got.BodyError, c.wantError) {
				t.Errorf("body: got %s, want the standard one with %q in body_error", body, c.wantError)
			}
			if got := r.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type: got %s, want application/json", got)
			}
		})
	}
}

func TestTemplateProblems(t *testing.T) {
	for _, c := range []struct {
		name, body string
		where      string // the marked part of the body
		want       diag.Problem
	}{
		{"a fine one", `{"text": {{ json .alerts }}}`, "", diag.Problem{}},
		{"a label that may be missing", `{{ range .alerts }}{{ .labels.team }}{{ end }}`, "", diag.Problem{}},
		{"a field that may be null", `{{ range .alerts }}{{ .ends_at }}{{ .quiet_since }}{{ end }}`, "", diag.Problem{}},
		{
			"a syntax error is placed by its line", "{{ .id }}\n{{ if }}\n", "{{ if }}",
			diag.Problem{Message: "missing value for if"},
		},
		{
			"an unknown function", "a {{ jsn .id }}", "a {{ jsn .id }}",
			diag.Problem{Message: `function "jsn" not defined`},
		},
		{
			"an unknown field", "{{ .id }}\n{{ .allerts }}", ".allerts",
			diag.Problem{Message: `the body has no field "allerts"`, Hint: `did you mean "alerts"?`},
		},
		{
			"an unknown field of an alert", "{{ range .alerts }}\n  {{ .docid }}{{ end }}", ".docid",
			diag.Problem{Message: `the body has no field "docid"`, Hint: `did you mean "doc_id"?`},
		},
		{
			"a value that cannot be used so", `{{ index .alerts "x" }}`, `index .alerts "x"`,
			diag.Problem{Message: `error calling index: cannot index slice/array with type string`},
		},
		{
			"quotation marks around a value", `{"text": "{{ (index .alerts 0).error }}"}`, "",
			diag.Problem{
				Level: diag.Lint, ID: "webhook-body-json",
				Message: "the body is no JSON any more when an error holds a quotation mark",
				Hint:    `write values by the function json and without quotation marks, as "text": {{ json .summary }}`,
			},
		},
		{
			"a list without commas", `[{{ range .alerts }}{{ json .doc_id }}{{ end }}]`, "",
			diag.Problem{
				Level: diag.Lint, ID: "webhook-body-json",
				Message: "the body is no JSON any more when a message has two alerts",
				Hint:    `write a comma between them: {{ range $i, $a := .alerts }}{{ if $i }}, {{ end }}…{{ end }}`,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems := webhook.Config{URL: "https://a", Body: c.body}.Problems()
			if c.want == (diag.Problem{}) {
				if len(problems) > 0 {
					t.Errorf("Problems(): got %+v, want none", problems)
				}
				return
			}
			if len(problems) != 1 {
				t.Fatalf("Problems(): got %+v, want one", problems)
			}
			got := problems[0]
			if where := c.body[got.Offset:][:got.Length]; where != c.where {
				t.Errorf("marked: got %q, want %q", where, c.where)
			}
			c.want.Field, c.want.Offset, c.want.Length = "body", got.Offset, got.Length
			if got != c.want {
				t.Errorf("Problems():\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}
