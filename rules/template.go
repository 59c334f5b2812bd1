package rules

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"text/template"
	"time"

	"watchdog/diag"
)

// maxRendered bounds one rendered text, so that no template can fill a store.
const maxRendered = 8 << 10

// text is a compiled template of a rule: a summary, description or runbook URL. A nil text is "".
type text struct {
	field    string
	template *template.Template
}

// templateFuncs are what templates may use beside Go's own.
var templateFuncs = template.FuncMap{
	"humanizeDuration": humanizeDuration,
	"humanize":         humanize,
	"truncate":         truncate,
	"join":             func(sep string, parts []string) string { return strings.Join(parts, sep) },
	"upper":            strings.ToUpper,
	"lower":            strings.ToLower,
}

// humanizeDuration is a duration in whole seconds; what is unknown stays the word.
func humanizeDuration(v any) string {
	if d, ok := v.(time.Duration); ok {
		return d.Round(time.Second).String()
	}
	return fmt.Sprint(v)
}

// humanize is a number in thousands, as Prometheus has it: 950, 1.25k, 3.4M. What is unknown
// stays the word.
func humanize(v any) string {
	var n float64
	switch v := v.(type) {
	case int64:
		n = float64(v)
	case int:
		n = float64(v)
	case float64:
		n = v
	default:
		return fmt.Sprint(v)
	}
	suffix := ""
	for _, next := range []string{"k", "M", "G", "T", "P"} {
		if math.Abs(n) < 1000 {
			break
		}
		n, suffix = n/1000, next
	}
	return strconv.FormatFloat(n, 'g', 4, 64) + suffix
}

// truncate cuts text to n characters, the last of which says that it was cut.
func truncate(n int, s string) string {
	runes := []rune(s)
	if n < 1 || len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}

// compileText parses a template and tries it on a subject that has every field.
func compileText(field, source string, s scope) (*text, []diag.Problem) {
	if source == "" {
		return nil, nil
	}
	t, err := template.New(field).Funcs(templateFuncs).Option("missingkey=error").Parse(source)
	if err != nil {
		return nil, []diag.Problem{diag.Problemf(field, "", "bad template: %s", templateMessage(err))}
	}
	out := &text{field: field, template: t}
	if _, err := out.execute(sampleData(s)); err != nil && !missingLabel(err) {
		return nil, []diag.Problem{diag.Problemf(field, templateHint(err, s), "bad template: %s", templateMessage(err))}
	}
	t.Option("missingkey=zero") // a label that a server does not have is ""
	return out, nil
}

// missingLabel reports whether a template failed only for a label that the sample lacks.
func missingLabel(err error) bool {
	return strings.Contains(err.Error(), "labels.") && strings.Contains(err.Error(), "no entry for key")
}

// templateMessage leaves out what a person who wrote the template cannot use.
func templateMessage(err error) string {
	message := strings.TrimPrefix(err.Error(), "template: ")
	if i := strings.Index(message, ">: "); i >= 0 {
		message = message[i+len(">: "):]
	}
	return message
}

func templateHint(err error, s scope) string {
	_, rest, found := strings.Cut(err.Error(), `no entry for key "`)
	if !found {
		return ""
	}
	key, _, _ := strings.Cut(rest, `"`)
	names := make([]string, 0, len(s.fields))
	for name := range s.fields {
		names = append(names, name)
	}
	return diag.DidYouMean(key, names)
}

// render gives the text, or, where the template fails, a plain text that says so: an alert is
// never lost to its template.
func (t *text) render(data map[string]any) string {
	if t == nil {
		return ""
	}
	s, err := t.execute(data)
	if err != nil {
		return fmt.Sprintf("(the template of %s failed: %s)", t.field, templateMessage(err))
	}
	return s
}

func (t *text) execute(data map[string]any) (string, error) {
	var b limitedBuilder
	if err := t.template.Execute(&b, data); err != nil {
		return "", err
	}
	return strings.TrimSpace(b.String()), nil
}

// limitedBuilder stops a template that writes without end.
type limitedBuilder struct{ strings.Builder }

func (b *limitedBuilder) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxRendered {
		return 0, fmt.Errorf("the text is longer than %d bytes", maxRendered)
	}
	return b.Builder.Write(p)
}

// sampleData has every field of the scope, with a value of its type.
func sampleData(s scope) map[string]any {
	data := map[string]any{}
	env := reflect.ValueOf(s.env)
	for i := range env.NumField() {
		if name := env.Type().Field(i).Tag.Get("expr"); name != "" {
			data[name] = env.Field(i).Interface()
		}
	}
	data["labels"] = map[string]string{}
	return data
}

// replicationData are the fields of a replication for a template. A text that is unknown is
// "", anything else that is unknown is the word.
func replicationData(env *replicationEnv, known needs) map[string]any {
	return templateData(reflect.ValueOf(env).Elem(), replicationNeeds, known)
}

func serverData(env *serverEnv, known needs) map[string]any {
	return templateData(reflect.ValueOf(env).Elem(), serverNeeds, known)
}

func templateData(env reflect.Value, fields map[string]needs, known needs) map[string]any {
	data := make(map[string]any, len(fields))
	for i := range env.NumField() {
		name := env.Type().Field(i).Tag.Get("expr")
		if name == "" {
			continue
		}
		switch need := fields[name]; {
		case known&need == need:
			data[name] = env.Field(i).Interface()
		case env.Field(i).Kind() == reflect.String:
			data[name] = ""
		default:
			data[name] = "unknown"
		}
	}
	return data
}
