package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"watchdog/rules"
)

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
		d.fail(path, d.doc.mark(f), fmt.Sprintf("%s must be %s, not %s", title(f, path), wanted(out.Type()), what), hint)
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
