package config

import (
	"net/url"
	"reflect"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// hide keeps every scalar of a tree from being shown, but the keys only if keys is set.
func (d *document) hide(n *yaml.Node, keys bool) {
	if n = target(n); d.hidden[n] {
		return
	}
	d.hidden[n] = true
	for i, child := range n.Content {
		if keys || n.Kind != yaml.MappingNode || i%2 == 1 {
			d.hide(child, keys)
		}
	}
}

// sealSecrets works out where the hidden scalars stand. Nothing of the file may be shown before.
func (d *document) sealSecrets() {
	for _, f := range d.fields {
		if n := target(f.value); n.Kind == yaml.ScalarNode && isBadURL(n.Value) {
			d.hidden[n] = true
		}
	}
	for n := range d.hidden {
		if n.Kind != yaml.ScalarNode || bareReference(n.Value) {
			continue
		}
		start := d.offset(n.Line, n.Column)
		if n.Value != "" { // else its anchor may have been meant for a value
			start = skipProperties(d.text, start)
		}
		l, ok := d.layOut(n)
		if !ok {
			l.end = len(d.text) // rather too much than too little
		}
		d.secrets = append(d.secrets, span{start, l.end})
	}
}

// isBadURL reports whether text is a URL in which it cannot be told where a password would stand,
// or one with a password that looks like the end of the URL.
func isBadURL(text string) bool {
	if !strings.Contains(text, "://") {
		return false
	}
	if at := strings.LastIndexByte(text, '@'); at >= 0 && strings.ContainsAny(text[:at], "\"'<> \t") {
		return true
	}
	_, err := url.Parse(anyReference.ReplaceAllString(text, "x"))
	return err != nil
}

var anyReference = regexp.MustCompile(`\$\{[^{}]*\}`)

// credentials are what stands before an @ in a word with a colon in it: a user and a password,
// in a URL that may be misspelt.
var credentials = regexp.MustCompile(`[^\s"'<>]*:[^\s"'<>]*@`)

// findCredentials are the places of credentials in text, behind the :// of their URL.
func findCredentials(text string) []span {
	var all []span
	for _, m := range credentials.FindAllStringIndex(text, -1) {
		at := span{m[0], m[1] - 1}
		if scheme := strings.Index(text[at.start:at.end], "://"); scheme >= 0 {
			at.start += scheme + len("://")
		}
		if at.start < at.end {
			all = append(all, at)
		}
	}
	return all
}

// commentedSecret is a comment with something like the key of a secret in it.
var commentedSecret = regexp.MustCompile(`(?:^|\s)#.*?(?i:pass|secret|token|key|auth|credential|bearer)\w*["']?\s*[:=]`)

// findCommentedSecret is the place of what follows such a key, if there is one.
func findCommentedSecret(text string) (at span, found bool) {
	m := commentedSecret.FindStringIndex(text)
	if m == nil || m[1] == len(text) {
		return span{}, false
	}
	return span{m[1], len(text)}, true
}

// danger is what a key of the config may have for its value.
type danger int

const (
	harmless danger = iota + 1
	nested          // a mapping, or a list of them, with dangerous keys in it
	dangerous
)

// keyOrWord is a word that may be a key, with the colon and the blanks behind it, or a colon that
// no word is before.
var keyOrWord = regexp.MustCompile(`(\w[\w.-]*)(["']?:\s*)?|:\s+`)

// startOfLine is what stands before the first word of a line.
var startOfLine = regexp.MustCompile(`^[ \t]*(?:- +)*[{\["']*[\w.-]`)

// harmlessPart is how much of a line of a file that is not YAML can be shown: up to the first
// key that may have a secret for its value, or that may be the rest of one which was torn, and
// nothing of a line that does not begin with a key that the file's shape has, since it may be in
// the midst of a secret.
func harmlessPart(row string, shape reflect.Type) int {
	known := map[string]danger{}
	collectKeys(shape, known)
	if !startOfLine.MatchString(row) {
		return 0
	}
	word := -1 // where the word before ends, if it is no key
	for i, m := range keyOrWord.FindAllStringSubmatchIndex(row, -1) {
		end, isKey, is := m[1], m[4] >= 0 || m[2] < 0, danger(0)
		if m[2] >= 0 {
			is = known[row[m[2]:m[3]]]
		}
		switch {
		case i == 0 && is == 0:
			return 0
		case is == dangerous,
			isKey && word >= 0 && !strings.Contains(row[word:m[0]], ","),
			is == nested && isKey && !strings.ContainsAny((row[end:] + "{")[:1], "{["),
			is == 0 && isKey:
			return end
		}
		if word = end; isKey {
			word = -1
		}
	}
	return len(row)
}

// collectKeys notes every key that a type has in YAML.
func collectKeys(t reflect.Type, known map[string]danger) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collectKeys(t.Elem(), known)
	case reflect.Struct:
		for _, f := range structFields(t) {
			is := harmless
			switch {
			case f.name == "store", strings.HasSuffix(f.name, "url"):
				is = dangerous
			case holdsSecret(f.kind) && holdsStructs(f.kind):
				is = nested
			case holdsSecret(f.kind):
				is = dangerous
			}
			known[f.name] = max(known[f.name], is)
			collectKeys(f.kind, known)
		}
	}
}

// holdsStructs reports whether values of a type are mappings with keys of their own.
func holdsStructs(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return holdsStructs(t.Elem())
	}
	return t.Kind() == reflect.Struct
}
