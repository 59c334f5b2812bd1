package cli

import (
	"cmp"
	"regexp"
	"strings"
)

// fold is an error without what is one replication's own, so that all that have the same cause
// read alike: <url>, <id>, <host>, <pid> and <n> stand for what differs. The status codes of HTTP
// stay: they are the cause.
func fold(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, f := range folds {
		text = f.pattern.ReplaceAllString(text, f.by)
	}
	text = numbers.ReplaceAllStringFunc(text, func(found string) string {
		if found[0] < '0' || found[0] > '9' {
			return found
		}
		return "<n>"
	})
	return cmp.Or(oneLine(text), "(CouchDB says no reason)")
}

// folds are applied in this order.
var folds = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`, ([{["<])`), ",$1"}, // Erlang's terms, broken or not broken into lines
	{regexp.MustCompile("\\b[a-z][a-z0-9+.-]*://[^\\s\"'`<>{},]*[^\\s\"'`<>{},.:;)]"), "<url>"},
	{regexp.MustCompile("`[^`]*`"), "<id>"},
	{regexp.MustCompile("_design/[^\\s\"'`<>{},]+"), "_design/<id>"},
	{regexp.MustCompile(`<\d+\.\d+\.\d+>`), "<pid>"},
	{regexp.MustCompile(`[\w.-]+@[\w.-]+\w`), "<host>"}, // a node
	{regexp.MustCompile(`\[[0-9a-fA-F:]*:[0-9a-fA-F:]*\](?::\d+)?`), "<host>"},
	{regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b`), "<host>"},
	{regexp.MustCompile(`\b(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?\.)+[a-zA-Z]{2,}(?::\d+)?\b`), "<host>"},
	{regexp.MustCompile(`\b[a-zA-Z][a-zA-Z0-9-]*:\d{2,5}\b`), "<host>"}, // localhost:5984
	{regexp.MustCompile(`\b[0-9a-f]{16,}\b(?:\+[a-z_]+)*`), "<id>"},
}

// numbers are all but those that say which HTTP status it was.
var numbers = regexp.MustCompile(`(?:code,|status |HTTP )\d{3}\b|\d+(?:\.\d+)?`)
