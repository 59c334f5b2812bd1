package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"watchdog/alert"
	"watchdog/diag"
	"watchdog/notify"
)

// bodyTemplate is a config's body.
type bodyTemplate struct {
	compiled *template.Template
	// makesJSON is found by trying it on a sample.
	makesJSON bool
}

func parseTemplate(text string) (*template.Template, error) {
	return template.New("body").Option("missingkey=zero").Funcs(template.FuncMap{"json": toJSON}).Parse(text)
}

// toJSON is the function json of templates.
func toJSON(v any) (string, error) {
	text, err := notify.PlainJSON(v)
	return string(text), err
}

// newTemplate compiles the body of a config without problems.
func newTemplate(text string) (*bodyTemplate, error) {
	compiled, err := parseTemplate(text)
	if err != nil {
		return nil, err
	}
	sample, err := execute(compiled, sampleDocument(1, ""))
	return &bodyTemplate{compiled: compiled, makesJSON: err == nil && isJSON(sample)}, nil
}

// isJSON reports whether text is an object or a list: a bare number or word is just text.
func isJSON(text []byte) bool {
	text = bytes.TrimSpace(text)
	return (bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("["))) && json.Valid(text)
}

var errNotJSON = errors.New("the template did not make JSON: write values by the function json, as {{ json .id }}")

// render is the body that the template makes of d.
func (t *bodyTemplate) render(d *notify.Document) ([]byte, error) {
	body, err := execute(t.compiled, d)
	if err == nil && t.makesJSON && !isJSON(body) {
		return nil, errNotJSON
	}
	return body, err
}

func (t *bodyTemplate) contentType() string {
	if t.makesJSON {
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}

func execute(t *template.Template, d *notify.Document) ([]byte, error) {
	fields, err := fields(d)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, fields); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// templateProblems are the mistakes in a body, found by making one of a sample.
func templateProblems(text string) []diag.Problem {
	if text == "" {
		return nil
	}
	compiled, err := parseTemplate(text)
	if err != nil {
		return []diag.Problem{templateProblem(text, err)}
	}
	plain, err := execute(compiled, sampleDocument(1, ""))
	if err != nil {
		return []diag.Problem{templateProblem(text, err)}
	}
	if bytes.Contains(plain, []byte("<no value>")) { // what a template writes for an unknown key
		if _, err := execute(compiled.Option("missingkey=error"), sampleDocument(1, "")); err != nil {
			return []diag.Problem{templateProblem(text, err)}
		}
	}
	if !isJSON(plain) {
		return nil
	}
	return jsonProblems(compiled)
}

// jsonProblems are lints for a template whose body is JSON on a good day only.
func jsonProblems(t *template.Template) []diag.Problem {
	lint := diag.Problem{Field: "body", Level: diag.Lint, ID: "webhook-body-json"}
	if body, err := execute(t, sampleDocument(1, `"`)); err == nil && !isJSON(body) {
		lint.Message = "the body is no JSON any more when an error holds a quotation mark"
		lint.Hint = `write values by the function json and without quotation marks, as "text": {{ json .summary }}`
		return []diag.Problem{lint}
	}
	if body, err := execute(t, sampleDocument(2, "")); err == nil && !isJSON(body) {
		lint.Message = "the body is no JSON any more when a message has two alerts"
		lint.Hint = `write a comma between them: {{ range $i, $a := .alerts }}{{ if $i }}, {{ end }}…{{ end }}`
		return []diag.Problem{lint}
	}
	return nil
}

var (
	// templateErrorPlace finds the line and, in errors of execution, the byte in the line.
	templateErrorPlace = regexp.MustCompile(`^template: body:(\d+):(?:(\d+):)? *`)
	templateErrorNoise = regexp.MustCompile(`^executing "body" at <(.*?)>: `)
	unknownKey         = regexp.MustCompile(`map has no entry for key "(.*)"`)
)

// templateProblem places an error of text/template in the text.
func templateProblem(text string, err error) diag.Problem {
	message := err.Error()
	p := diag.Problem{Field: "body", Message: message}
	place := templateErrorPlace.FindStringSubmatch(message)
	if place == nil {
		return p
	}
	p.Message = message[len(place[0]):]
	line, _ := strconv.Atoi(place[1])
	lines := strings.SplitAfter(text, "\n")
	if line < 1 || line > len(lines) {
		return p
	}
	for _, before := range lines[:line-1] {
		p.Offset += len(before)
	}
	p.Length = max(1, len(strings.TrimRight(lines[line-1], "\n")))
	if at := templateErrorNoise.FindStringSubmatch(p.Message); at != nil {
		p.Message = p.Message[len(at[0]):]
		column, _ := strconv.Atoi(place[2])
		p.Offset, p.Length = p.Offset+column, len(at[1])
	}
	if key := unknownKey.FindStringSubmatch(p.Message); key != nil {
		p.Message, p.Hint = `the body has no field "`+key[1]+`"`, diag.DidYouMean(key[1], fieldNames())
	}
	return p
}

// fieldNames are all keys that a template can name.
func fieldNames() []string {
	fields, err := fields(sampleDocument(1, ""))
	if err != nil {
		return nil
	}
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	for name := range fields["alerts"].([]any)[0].(map[string]any) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// sampleDocument has so many alerts and a value in each field; texts hold what is given.
func sampleDocument(alerts int, within string) *notify.Document {
	at, count, text := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), int64(1), "sample"+within
	one := alert.Transition{Reason: alert.ReasonNew, At: at, Alert: alert.Alert{
		Status: alert.StatusFiring, Rule: "sample", Severity: alert.Critical, Fingerprint: "0123456789abcdef",
		Server: "sample", Database: text, DocID: text, ReplicationID: text, Source: text, Target: text,
		State: text, PreviousState: text, ErrorCount: &count, Error: text, Summary: text, Description: text,
		RunbookURL: text, StartsAt: at, EndsAt: &at, QuietSince: &at, URL: text,
	}}
	return notify.NewDocument(&notify.Message{
		ID: "dlv_sample", Sink: "sample", Group: map[string]string{"server": "sample", "rule": "sample"},
		URL: "https://watchdog.example.com/", Test: true, Alerts: slices.Repeat([]alert.Transition{one}, alerts),
	}, at)
}

// fields is the document as a template sees it, by the keys of its JSON. Labels and groups are
// maps of strings, so that one which is missing reads as empty.
func fields(d *notify.Document) (map[string]any, error) {
	text, err := d.JSON()
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // error_count stays 12, and never becomes 1.2e+01
	var fields map[string]any
	if err := dec.Decode(&fields); err != nil {
		return nil, fmt.Errorf("read back the standard body: %w", err)
	}
	fields["group"] = maps.Clone(d.Group)
	for i, a := range fields["alerts"].([]any) {
		a.(map[string]any)["labels"] = maps.Clone(d.Alerts[i].Labels)
	}
	return fields, nil
}
