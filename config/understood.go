package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"watchdog/secret"
)

// YAML is the config as it was understood, secrets masked: one file that says it all.
func (c *Config) YAML() ([]byte, error) {
	var b strings.Builder
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(encode(reflect.ValueOf(c.Understood))); err != nil {
		return nil, fmt.Errorf("write the config as YAML: %w", err)
	}
	return []byte(b.String()), nil
}

// encode is the counterpart of decoder.decode: the same tags, the same spelling of durations.
func encode(v reflect.Value) *yaml.Node {
	switch kind := v.Kind(); {
	case v.Type() == durationType:
		return scalarNode("!!str", formatDuration(time.Duration(v.Int())))
	case v.Type() == secretType:
		return scalarNode("!!str", secret.String(v.String()).String())
	case kind == reflect.Pointer:
		return encode(v.Elem())
	case kind == reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, f := range structFields(v.Type()) {
			if value := v.FieldByIndex(f.index); !value.IsZero() {
				n.Content = append(n.Content, scalarNode("!!str", f.name), encode(value))
			}
		}
		return n
	case kind == reflect.Map:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
		for _, key := range slices.SortedFunc(maps.Keys(mapOf(v)), strings.Compare) {
			n.Content = append(n.Content, scalarNode("!!str", key), encode(mapOf(v)[key]))
		}
		return n
	case kind == reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if isScalar(v.Type().Elem()) {
			n.Style = yaml.FlowStyle
		}
		for i := range v.Len() {
			n.Content = append(n.Content, encode(v.Index(i)))
		}
		return n
	case kind == reflect.String:
		return scalarNode("!!str", strings.ReplaceAll(secret.MaskURLs(v.String()), "${", "$${"))
	case kind == reflect.Bool:
		return scalarNode("!!bool", strconv.FormatBool(v.Bool()))
	case kind == reflect.Float64:
		return scalarNode("!!float", strconv.FormatFloat(v.Float(), 'g', -1, 64))
	}
	return scalarNode("!!int", strconv.FormatInt(v.Int(), 10))
}

func scalarNode(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// mapOf is a map of strings to whatever.
func mapOf(v reflect.Value) map[string]reflect.Value {
	all := make(map[string]reflect.Value, v.Len())
	for key, value := range v.Seq2() {
		all[key.String()] = value
	}
	return all
}

var durationUnits = []struct {
	unit string
	span time.Duration
}{
	{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// formatDuration writes a duration as rules.ParseDuration reads it; below a millisecond it is cut.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range durationUnits {
		if n := d / u.span; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.unit)
			d -= n * u.span
		}
	}
	return b.String()
}
