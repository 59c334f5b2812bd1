package config

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"watchdog/secret"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[secret.String]()
)

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

// hasField reports whether a struct has a field under a key.
func hasField(t reflect.Type, key string) bool {
	return slices.ContainsFunc(structFields(t), func(f structField) bool { return f.name == key })
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

// isNull reports whether n is nothing: null, ~, or a key with nothing behind it.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}
