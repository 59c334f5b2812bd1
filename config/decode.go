package config

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"watchdog/diag"
	"watchdog/rules"
	"watchdog/secret"
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

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[secret.String]()
)

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
			hint = "begin each element with -"
		}
	default:
		fits = n.Kind == yaml.ScalarNode
	}
	at := d.doc.mark(f)
	switch {
	case isNull(n):
		d.fail(path, at, title(path)+" has no value", d.emptyHint(f, kind))
		return false
	case n.Kind == yaml.ScalarNode && n.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(n.Tag, "!!"):
		start := d.doc.offset(n.Line, n.Column)
		d.fail(path, span{start, start + 1}, "a value that begins with ! needs quotes", "")
		return false
	case !fits:
		d.fail(path, at, fmt.Sprintf("%s must be %s, not %s", title(path), wanted(kind), given(n)), hint)
		return false
	}
	return true
}

// isNull reports whether n is nothing: null, ~, or a key with nothing behind it.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
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

// title is what a field is called in a message: its key, or "the file".
func title(path string) string {
	if path == "" {
		return "the file"
	}
	name := path[strings.LastIndexByte(path, '.')+1:]
	if open := strings.IndexByte(name, '['); open >= 0 {
		return "an element of " + strconv.Quote(name[:open])
	}
	return strconv.Quote(name)
}

func isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Pointer:
		return false
	}
	return true
}

// holdsSecret reports whether a value of the type can hold a secret.
func holdsSecret(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return holdsSecret(t.Elem())
	case reflect.Struct:
		return slices.ContainsFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return holdsSecret(f.Type) })
	}
	return t == secretType
}

// wanted is what a type is called in YAML.
func wanted(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a duration such as 10m"
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		return "a mapping"
	case t.Kind() == reflect.Slice && isScalar(t.Elem()):
		return "a string or a list"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Float64:
		return "a number"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "a whole number"
	}
	return "a string"
}

// given is what a node is called in YAML.
func given(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	}
	return "a string"
}

// list reads a list, or one scalar as a list of one.
func (d *decoder) list(n *yaml.Node, path string, out reflect.Value) {
	elements := n.Content
	if n.Kind == yaml.ScalarNode {
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
			d.unknown(e, path, known)
			continue
		}
		into := out.FieldByIndex(known[i].index)
		if e.again {
			into = reflect.New(into.Type()).Elem()
		}
		d.decode(e.key, e.value, join(path, e.key.Value), into)
	}
}

// unknown reports a key that no field has. Its value may be a secret under a misspelt name.
func (d *decoder) unknown(e entry, path string, known []structField) {
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.name
	}
	near := diag.Nearest(e.key.Value, names)
	hint := "the keys here are " + strings.Join(names, ", ")
	switch {
	case near != "":
		hint = fmt.Sprintf("did you mean %q?", near)
	case path == "" && slices.ContainsFunc(structFields(reflect.TypeFor[File]()), func(f structField) bool { return f.name == e.key.Value }):
		hint = "it belongs into the main file"
	}
	i := slices.Index(names, near)
	if i < 0 || holdsSecret(known[i].kind) || target(e.value).Kind != yaml.ScalarNode {
		d.doc.hide(e.value, false)
	}
	message := fmt.Sprintf("unknown key %q", e.key.Value)
	if e.key.Value == "" {
		message = "a colon without a key before it"
	}
	d.fail(join(path, e.key.Value), d.doc.at(e.key), message, hint)
}

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

// structField is a field of a struct by the key it has in YAML.
type structField struct {
	name  string
	index []int
	kind  reflect.Type
}

// structFields are the fields that have a yaml tag, those of inline structs included, in order.
func structFields(t reflect.Type) []structField {
	var all []structField
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			for _, inner := range structFields(f.Type) {
				inner.index = append(slices.Clone(f.Index), inner.index...)
				all = append(all, inner)
			}
		case name != "" && name != "-":
			all = append(all, structField{name, f.Index, f.Type})
		}
	}
	return all
}

// entry is one key of a mapping and its value.
type entry struct {
	key, value *yaml.Node
	again      bool // the key was there before
}

// entries are the keys of a mapping, and then those that << merges into it. A key that stands
// twice is reported.
func (d *decoder) entries(n *yaml.Node, path string) []entry {
	var all []entry
	seen := map[string]*yaml.Node{}
	merged := map[*yaml.Node]bool{}
	var collect func(n *yaml.Node)
	collect = func(n *yaml.Node) {
		merged[n] = true
		var merges []*yaml.Node
		own := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := target(n.Content[i]), n.Content[i+1]
			switch {
			case key.Tag == "!!merge":
				merges = append(merges, value)
			case key.Kind != yaml.ScalarNode:
				d.fail(path, d.doc.at(n.Content[i]), "a key must be a plain word, not "+given(key), `put what begins with { or [ into quotes`)
			case own[key.Value]:
				d.twice(key, seen[key.Value], path)
				all = append(all, entry{key, value, true})
			case seen[key.Value] == nil: // a merged key gives way to one that is there
				all = append(all, entry{key, value, false})
				seen[key.Value] = key
				own[key.Value] = true
			}
		}
		for _, m := range merges {
			for _, from := range d.mergeSources(m, path) {
				if !merged[from] {
					collect(from)
				}
			}
		}
	}
	collect(n)
	return all
}

func (d *decoder) twice(key, first *yaml.Node, path string) {
	at := d.doc.offset(first.Line, first.Column)
	d.fail(join(path, key.Value), d.doc.at(key), fmt.Sprintf("the key %q stands here twice", key.Value),
		fmt.Sprintf("remove one; the first is on line %d", d.doc.line(at)))
}

// mergeSources are the mappings that the value of << names.
func (d *decoder) mergeSources(n *yaml.Node, path string) []*yaml.Node {
	var all []*yaml.Node
	candidates := []*yaml.Node{n}
	if t := target(n); t.Kind == yaml.SequenceNode {
		candidates = t.Content
	}
	for _, c := range candidates {
		if target(c).Kind == yaml.MappingNode {
			all = append(all, target(c))
			continue
		}
		d.doc.hide(c, true)
		d.fail(path, d.doc.at(c), "<< must be a mapping or a list of mappings, not "+given(target(c)), "write <<: *anchor")
	}
	return all
}

// scalar reads a string, boolean, number, duration or secret.
func (d *decoder) scalar(f field, path string, out reflect.Value) {
	n := target(f.value)
	text, expanded, ok := d.text(f, path)
	if !ok {
		return
	}
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && !expanded
	if out.Type() == secretType {
		d.keepSecret(text)
	}
	if hint, ok := setScalar(out, text, quoted); !ok {
		what := strconv.Quote(text)
		if expanded {
			what = "what " + n.Value + " gives"
		}
		d.fail(path, d.doc.mark(f), fmt.Sprintf("%s must be %s, not %s", title(path), wanted(out.Type()), what), hint)
	}
}

// setScalar gives out the value that text stands for; where it stands for none, a hint may tell
// what was meant.
func setScalar(out reflect.Value, text string, quoted bool) (hint string, ok bool) {
	var err error
	switch kind := out.Kind(); {
	case out.Type() == durationType:
		var value time.Duration
		if value, err = rules.ParseDuration(text); err != nil {
			return "write it like 30s, 10m, 1h30m or 90d", false
		}
		out.SetInt(int64(value))
		return "", true
	case kind == reflect.String:
		out.SetString(text)
		return "", true
	case kind == reflect.Bool:
		var value bool
		if value, err = parseBool(text); err != nil {
			return boolHint(text), false
		}
		out.SetBool(value)
	case kind == reflect.Float64:
		var value float64
		if value, err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return "", false
		}
		out.SetFloat(value)
	default:
		var value int64
		if value, err = strconv.ParseInt(text, 10, out.Type().Bits()); err != nil {
			return "", false
		}
		out.SetInt(value)
	}
	if quoted { // quotes make a string of it
		return "write it without quotes", false
	}
	return "", true
}

// text is a scalar with its references filled in; not ok if one of them is wrong.
func (d *decoder) text(f field, path string) (text string, expanded, ok bool) {
	n := target(f.value)
	if !hasReference(n.Value) {
		return n.Value, false, true
	}
	text, mistakes := d.expands.expand(n.Value, d.doc.dir())
	for _, m := range mistakes {
		at := d.doc.mark(f)
		if l, ok := d.doc.layOut(n); ok {
			at = l.span(m.offset, m.length)
		}
		d.fail(path, at, m.message, m.hint)
	}
	if known := d.doc.fields[path]; known.value == f.value {
		known.expanded = text
		d.doc.fields[path] = known
	}
	return text, true, len(mistakes) == 0
}

func parseBool(text string) (bool, error) {
	switch text {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, strconv.ErrSyntax
}

func boolHint(text string) string {
	switch strings.ToLower(text) {
	case "yes", "on", "y", "1":
		return "write true"
	case "no", "off", "n", "0":
		return "write false"
	}
	return ""
}
