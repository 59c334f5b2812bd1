package config

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"watchdog/secret"
)

// document is one file, parsed, and what decoding it found out.
type document struct {
	*source
	fields map[string]field // by path: "rules[2].when"
	bad    []string         // paths of what could not be decoded
	hidden map[*yaml.Node]bool
}

// field is where one value of the config was written.
type field struct {
	key      *yaml.Node // nil for an element of a list
	value    *yaml.Node
	expanded string // the value, where references were filled in
}

func newDocument(s *source) *document {
	return &document{source: s, fields: map[string]field{}, hidden: map[*yaml.Node]bool{}}
}

// dir is the folder of the file, which relative paths in it count from.
func (d *document) dir() string { return filepath.Dir(d.path) }

// target is the node that an alias stands for, or n itself.
func target(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// at is where a node is marked: a scalar whole, a list or a mapping by what it begins with.
func (d *document) at(n *yaml.Node) span {
	start := d.offset(n.Line, n.Column)
	if n.Kind == yaml.AliasNode {
		return span{start, start + len("*") + len(n.Value)}
	}
	if n.Kind == yaml.ScalarNode {
		start = skipProperties(d.text, start)
		l, ok := d.layOut(n)
		if !ok {
			return span{start, start + 1}
		}
		return span{start, max(l.end, start+1)}
	}
	if n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0 {
		first := d.at(n.Content[0])
		if n.Kind == yaml.MappingNode && n.Content[1].Kind == yaml.ScalarNode {
			if value := d.at(n.Content[1]); d.line(value.start) == d.line(first.start) {
				first.end = max(first.end, value.end)
			}
		}
		return first
	}
	start = skipProperties(d.text, start)
	return span{start, start + 1}
}

// mark is where a field is marked: at its value if that is a scalar, else at its key.
func (d *document) mark(f field) span {
	if f.value == nil { // an empty file
		return span{}
	}
	if f.key != nil && (target(f.value).Kind != yaml.ScalarNode || target(f.value).Tag == "!!null") {
		return d.at(f.key)
	}
	return d.at(f.value)
}

// nearest is the field at a path, or else the innermost one around it; exact says which.
func (d *document) nearest(path string) (f field, exact bool) {
	if f, ok := d.fields[path]; ok {
		return f, true
	}
	for path != "" {
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
		if f, ok := d.fields[path]; ok {
			return f, false
		}
	}
	return d.fields[""], false
}

// troubled reports whether the field at a path, or anything inside it, could not be decoded.
func (d *document) troubled(path string) bool {
	return slices.ContainsFunc(d.bad, func(bad string) bool { return within(bad, path) })
}

// within reports whether the field at a path is the one at outer, or inside it.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

// part is where a mistake in a field's text stands, given by bytes of its value.
func (d *document) part(f field, offset, length int) span {
	if f.value == nil {
		return d.mark(f)
	}
	n := target(f.value)
	if n.Kind != yaml.ScalarNode || hasReference(n.Value) || length == 0 {
		return d.mark(f)
	}
	l, ok := d.layOut(n)
	if !ok {
		return d.mark(f)
	}
	return l.span(offset, length)
}

// withoutValue is a message that quotes what references in a field gave, quoting the references
// instead; or a value that swallowed what follows it, quoting nothing of it.
func (d *document) withoutValue(message string, f field) string {
	if f.value == nil {
		return message
	}
	value, written := f.expanded, target(f.value).Value
	switch {
	case value == "" && d.swallows(target(f.value)):
		value, written = written, secret.Mask
	case value == "":
		return message
	case d.hidden[target(f.value)]:
		written = secret.Mask // it may hold a default
	}
	message = strings.ReplaceAll(message, strconv.Quote(value), strconv.Quote(written))
	if len(value) >= minSecret {
		message = strings.ReplaceAll(message, value, written)
	}
	words := append(strings.FieldsFunc(value, isPunctuation), strings.FieldsFunc(value, isNoLetter)...)
	for _, word := range words {
		if len(word) >= minForeign && !strings.Contains(written, word) {
			message = strings.ReplaceAll(message, word, secret.Mask)
		}
	}
	return message
}

// keyInside is what a key and its value look like in the midst of a text.
var keyInside = regexp.MustCompile(`\w["']?:\s`)

// swallows reports whether a value seems to hold keys that should have come after it, since a quote
// stands where none should: it goes on over lines, and what it swallowed may be secret.
func (d *document) swallows(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 || !keyInside.MatchString(n.Value) {
		return false
	}
	at := d.at(n)
	return strings.Contains(d.text[at.start:at.end], "\n")
}

func isPunctuation(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("\"'`()[]{}<>,;:@=!&|", r)
}

func isNoLetter(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// disabling is a comment that turns lints off, by their ids.
var disabling = regexp.MustCompile(`#\s*watchdog:\s*disable=([\w-]+(?:\s*,\s*[\w-]+)*)`)

// disabled reports whether a comment on one of the lines, or on the line before it, turns a lint
// off.
func (d *document) disabled(id string, lines ...int) bool {
	for _, line := range lines {
		for _, text := range []string{d.lineText(line), d.lineText(line - 1)} {
			m := disabling.FindStringSubmatch(text)
			if m != nil && slices.Contains(strings.FieldsFunc(m[1], isPunctuation), id) {
				return true
			}
		}
	}
	return false
}
