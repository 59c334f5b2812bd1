package cli

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"
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

func printTestsJSON(w io.Writer, output string, all []tested) error {
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
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if output == "json" {
		return enc.Encode(objects)
	}
	for _, o := range objects {
		if err := enc.Encode(o); err != nil {
			return err
		}
	}
	return nil
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

// The elements of JUnit XML that its readers agree on.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes a suite for each file.
func writeJUnit(path string, all []tested) error {
	var suites junitSuites
	var total, ofSuite time.Duration
	for _, t := range all {
		if n := len(suites.Suites); n == 0 || suites.Suites[n-1].Name != t.file {
			suites.Suites = append(suites.Suites, junitSuite{Name: t.file})
			ofSuite = 0
		}
		suite := &suites.Suites[len(suites.Suites)-1]
		total, ofSuite = total+t.elapsed, ofSuite+t.elapsed
		one := junitCase{Name: t.name, Class: t.file, File: t.file, Line: t.line, Time: seconds(t.elapsed)}
		if len(t.failures) > 0 {
			one.Failure = junitFailureOf(t)
			suite.Failures++
			suites.Failures++
		}
		suite.Cases = append(suite.Cases, one)
		suite.Tests++
		suites.Tests++
		suite.Time = seconds(ofSuite)
	}
	suites.Time = seconds(total)
	text, err := xml.MarshalIndent(suites, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(xml.Header+string(text)+"\n"), 0o644)
}

func junitFailureOf(t tested) *junitFailure {
	var b strings.Builder
	for _, f := range t.failures {
		fmt.Fprintf(&b, "%s:%d: %s", t.file, f.line, f.Failure)
	}
	first, _, _ := strings.Cut(t.failures[0].Failure.String(), ":")
	return &junitFailure{Message: "not as expected " + first, Text: b.String()}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }
