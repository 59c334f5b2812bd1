package ruletest

import (
	"reflect"
	"strings"
	"time"

	"watchdog/snapshot"
)

// start is the time of the first sample of every test.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// field is one field of a replication: where it is written, and where its samples go. The two
// structs call it by the same name.
type field struct {
	name    string
	kind    kind
	written int // index into Replication
	row     int // index into snapshot.Replication
	field   snapshot.Field
}

// fields are all but the state, which also says whether there is a row, and what the history is
// made of.
var fields = func() []field {
	var all []field
	written, row := reflect.TypeFor[Replication](), reflect.TypeFor[snapshot.Replication]()
	for i := range written.NumField() {
		into, shown := row.FieldByName(written.Field(i).Name)
		f := field{name: written.Field(i).Tag.Get("yaml"), written: i}
		named, known := snapshot.FieldNamed(f.name)
		if !shown || !known || named == snapshot.FieldState || named == snapshot.FieldHistory {
			continue
		}
		f.field, f.row, f.kind = named, into.Index[0], kindOf(named, into.Type)
		all = append(all, f)
	}
	return all
}()

func kindOf(f snapshot.Field, t reflect.Type) kind {
	switch f {
	case snapshot.FieldSourceSeq, snapshot.FieldThroughSeq, snapshot.FieldCheckpointedSourceSeq:
		return sequences
	}
	switch t.Kind() {
	case reflect.Int64:
		return numbers
	case reflect.Bool:
		return booleans
	case reflect.Struct:
		return times
	default:
		return texts
	}
}

// text is the series as it is written, "" where it is not.
func (f field) text(r *Replication) string {
	return reflect.ValueOf(r).Elem().Field(f.written).String()
}

// put puts a sample into a row. One that was not given makes the field unknown.
func (f field) put(r *snapshot.Replication, s sample) {
	if !s.given {
		r.Known = r.Known.Without(f.field)
		return
	}
	switch into := reflect.ValueOf(r).Elem().Field(f.row); into.Kind() {
	case reflect.Int64:
		into.SetInt(s.number)
	case reflect.Bool:
		into.SetBool(s.text == "true")
	case reflect.Struct:
		into.Set(reflect.ValueOf(start.Add(s.offset)))
	default:
		into.SetString(s.text)
	}
	r.Known = r.Known.With(f.field)
	if f.field == snapshot.FieldID {
		r.Continuous = strings.Contains(s.text, "+continuous")
		r.Known = r.Known.With(snapshot.FieldContinuous)
	}
}
