package cli

import (
	"io"
	"time"

	"watchdog/rules/ruletest"
)

// testObject is one test as `test -o json` prints it.
type testObject struct {
	File     string          `json:"file"`
	Line     int             `json:"line"`
	Name     string          `json:"name"`
	OK       bool            `json:"ok"`
	Failures []failureObject `json:"failures"`
}

type failureObject struct {
	Line  int          `json:"line"`
	At    string       `json:"at"` // from the first sample; "1m30s to 5m" for several in a row
	T     time.Time    `json:"t"`  // of the snapshot
	What  string       `json:"what"`
	Pairs []pairObject `json:"pairs"`
}

// pairObject is what was expected and what came; null where nothing did.
type pairObject struct {
	Expected fieldsObject `json:"expected"`
	Got      fieldsObject `json:"got"`
}

// fieldsObject are fields by name; nil is null. A name that stands more than once has a list.
type fieldsObject map[string]any

func printTestObjects(w io.Writer, output string, all []tested) error {
	objects := make([]testObject, len(all))
	for i, t := range all {
		objects[i] = testObject{File: t.file, Line: t.line, Name: t.name, OK: len(t.failures) == 0, Failures: []failureObject{}}
		for _, f := range t.failures {
			object := failureObject{Line: f.line, At: f.Moment(), T: f.Time, What: f.What}
			for _, p := range f.Pairs {
				object.Pairs = append(object.Pairs, pairObject{fieldsOf(p.Expected), fieldsOf(p.Got)})
			}
			objects[i].Failures = append(objects[i].Failures, object)
		}
	}
	return printObjects(w, output, objects)
}

func fieldsOf(s *ruletest.Side) fieldsObject {
	if s == nil {
		return nil
	}
	fields := fieldsObject{}
	for _, f := range s.Fields {
		switch before := fields[f.Name].(type) {
		case nil:
			fields[f.Name] = f.Text
		case string:
			fields[f.Name] = []string{before, f.Text}
		case []string:
			fields[f.Name] = append(before, f.Text)
		}
	}
	return fields
}
