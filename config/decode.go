package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"watchdog/diag"
)

// decoder reads a document into Go values, strictly: what it does not know, cannot use or finds
// twice is a mistake, and it goes on to find the others. It knows structs with yaml tags (names,
// and ",inline"), pointers to them, slices, maps by string, strings, booleans, numbers,
// durations and secrets.
type decoder struct {
	doc        *document
	expands    *expander
	report     func(at span, d diag.Diagnostic)
	keepSecret func(value string) // told of the value of every secret
}

// fail reports a mistake in the value at a path.
func (d *decoder) fail(path string, at span, message, hint string) {
	d.doc.bad = append(d.doc.bad, path)
	d.report(at, diag.Diagnostic{Message: message, Hint: hint})
}

// decode reads the value n, which stands at a path, into out. Key is nil for an element of a
// list and for the whole file.
func (d *decoder) decode(key, n *yaml.Node, path string, out reflect.Value) {
	f := field{key: key, value: n}
	if _, again := d.doc.fields[path]; !again { // a duplicate does not hide the first
		d.doc.fields[path] = f
	}
	n = target(n)
	kind := out.Type()
	if kind.Kind() == reflect.Pointer {
		fresh := reflect.New(kind.Elem())
		out.Set(fresh)
		out, kind = fresh.Elem(), kind.Elem()
	}
	if kind == secretType {
		d.doc.hide(n, true)
	}
	if !d.suits(f, path, kind) {
		if holdsSecret(kind) {
			d.doc.hide(n, true)
		}
		return
	}
	switch kind.Kind() {
	case reflect.Struct:
		d.mapping(n, path, out)
	case reflect.Map:
		d.dictionary(n, path, out)
	case reflect.Slice:
		d.list(n, path, out)
	default:
		d.scalar(f, path, out)
	}
}

// suits reports whether a value is of the kind that a type needs, and says so if not.
func (d *decoder) suits(f field, path string, kind reflect.Type) bool {
	n := target(f.value)
	fits, hint := false, ""
	switch kind.Kind() {
	case reflect.Struct, reflect.Map:
		fits = n.Kind == yaml.MappingNode
	case reflect.Slice:
		fits = n.Kind == yaml.SequenceNode || isScalar(kind.Elem()) && n.Kind == yaml.ScalarNode
		if n.Kind == yaml.MappingNode && !isScalar(kind.Elem()) {
			// A list type with a name of its own may be written as its one element.
			fits, hint = kind.Name() != "", "begin each element with -"
		}
	default:
		fits = n.Kind == yaml.ScalarNode
	}
	at := d.doc.mark(f)
	switch {
	case isNull(n):
		d.fail(path, at, title(f, path)+" has no value", d.emptyHint(f, kind))
		if f.key != nil && holdsSecret(kind) { // it may stand in a comment
			rest := d.doc.rest(at.end)
			d.doc.secrets = append(d.doc.secrets, span{min(rest.start+1, rest.end), rest.end})
		}
		return false
	case n.Kind == yaml.ScalarNode && n.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(n.Tag, "!!"):
		start := d.doc.offset(n.Line, n.Column)
		d.fail(path, span{start, start + 1}, "a value that begins with ! needs quotes", "")
		return false
	case !fits:
		d.fail(path, at, fmt.Sprintf("%s must be %s, not %s", title(f, path), wanted(kind), given(n)), hint)
		return false
	}
	return true
}

// emptyHint says what to write where there is nothing.
func (d *decoder) emptyHint(f field, kind reflect.Type) string {
	switch {
	case f.key != nil && commented.MatchString(d.doc.text[d.doc.at(f.key).end:]):
		return `a # begins a comment: put the value into quotes`
	case kind.Kind() == reflect.Slice:
		return "leave it out, or write []"
	case kind.Kind() == reflect.Struct, kind.Kind() == reflect.Map:
		return "leave it out, write {}, or indent what belongs to it"
	case kind.Kind() == reflect.String:
		return `leave it out, or write ""`
	}
	return "leave it out, or write " + wanted(kind)
}

// commented is a value that is lost since a # begins a comment.
var commented = regexp.MustCompile(`^[ \t]*:[ \t]+#[^ \t\n]`)

// title is what a field is called in a message: by its key, where that looks like one.
func title(f field, path string) string {
	switch list, _, _ := strings.Cut(path[strings.LastIndexByte(path, '.')+1:], "["); {
	case path == "":
		return "the file"
	case f.key != nil && plainKey.MatchString(f.key.Value):
		return strconv.Quote(f.key.Value)
	case f.key == nil && plainKey.MatchString(list):
		return "an element of " + strconv.Quote(list)
	}
	return "what stands here"
}

// list reads a list, or one scalar, or one mapping where mappings are listed, as a list of one.
func (d *decoder) list(n *yaml.Node, path string, out reflect.Value) {
	elements := n.Content
	if n.Kind != yaml.SequenceNode {
		elements = []*yaml.Node{n}
	}
	all := reflect.MakeSlice(out.Type(), len(elements), len(elements))
	for i, e := range elements {
		d.decode(nil, e, fmt.Sprintf("%s[%d]", path, i), all.Index(i))
	}
	out.Set(all)
}

// dictionary reads a mapping whose keys are the user's.
func (d *decoder) dictionary(n *yaml.Node, path string, out reflect.Value) {
	all := reflect.MakeMap(out.Type())
	for _, e := range d.entries(n, path) {
		if !plainKey.MatchString(e.key.Value) && holdsSecret(out.Type()) {
			d.doc.hide(e.key, true) // a value may have slipped into it
			d.keepSecret(e.key.Value)
		}
		value := reflect.New(out.Type().Elem()).Elem()
		d.decode(e.key, e.value, join(path, e.key.Value), value)
		if !e.again {
			all.SetMapIndex(reflect.ValueOf(e.key.Value).Convert(out.Type().Key()), value)
		}
	}
	out.Set(all)
}

// mapping reads a mapping whose keys are the fields of a struct.
func (d *decoder) mapping(n *yaml.Node, path string, out reflect.Value) {
	known := structFields(out.Type())
	for _, e := range d.entries(n, path) {
		i := slices.IndexFunc(known, func(f structField) bool { return f.name == e.key.Value })
		if i < 0 {
			d.unknown(e, path, out.Type())
			continue
		}
		into := out.FieldByIndex(known[i].index)
		if e.again {
			into = reflect.New(into.Type()).Elem()
		}
		d.decode(e.key, e.value, join(path, e.key.Value), into)
	}
}

// unknown reports a key that no field has. Its value may be a secret under a misspelt name, and
// so may a key that does not look like one.
func (d *decoder) unknown(e entry, path string, shape reflect.Type) {
	known := structFields(shape)
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.name
	}
	key := e.key.Value
	near := slices.Index(names, diag.Nearest(key, names))
	if near < 0 || holdsSecret(known[near].kind) || target(e.value).Kind != yaml.ScalarNode {
		d.doc.hide(e.value, false)
	}
	looksFine := plainKey.MatchString(key) && (near >= 0 || !isNull(target(e.value))) // {username: a, hunter2} has such a key
	message, hint := fmt.Sprintf("unknown key %q", key), "the keys here are "+strings.Join(names, ", ")
	switch {
	case key == "":
		message = "a colon without a key before it"
	case !looksFine:
		message, hint = "a key that is no word", `part a key and its value by a colon and a space: "key: value"`
		d.doc.hide(e.key, true)
	case near >= 0:
		hint = fmt.Sprintf("did you mean %q?", names[near])
	case shape == reflect.TypeFor[Part]() && hasField(reflect.TypeFor[File](), key):
		hint = "it belongs into the main file"
	}
	d.fail(join(path, key), d.doc.at(e.key), message, hint)
}

// plainKey is what a key looks like.
var plainKey = regexp.MustCompile(`^[\w.-]{1,40}$`)

// join is the path of a key inside the mapping at a path.
func join(path, key string) string {
	if path == "" || strings.HasPrefix(key, "[") {
		return path + key
	}
	if key == "" {
		return path
	}
	return path + "." + key
}
