package cli

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"time"

	"watchdog/diag"
)

// The elements of JUnit XML that its readers agree on.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
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

	elapsed time.Duration
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
	Error   *junitFailure `xml:"error"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes a suite for each file. A mistake in a file is an error, as a test that could
// not be run.
func writeJUnit(path string, all []tested, wrong diag.List) error {
	var suites junitSuites
	for _, t := range all {
		suites.add(t.file, t.elapsed, junitCaseOf(t))
	}
	for _, d := range wrong {
		suites.add(d.File, 0, junitCase{
			Name: "the file has no mistakes", Class: d.File, File: d.File, Line: d.Line, Time: seconds(0),
			Error: &junitFailure{Message: d.Message, Text: d.Pretty()},
		})
	}
	var total time.Duration
	for i := range suites.Suites {
		s := &suites.Suites[i]
		s.Time = seconds(s.elapsed)
		total += s.elapsed
	}
	suites.Time = seconds(total)
	text, err := xml.MarshalIndent(suites, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(xml.Header+string(text)+"\n"), 0o644)
}

// add adds a case to the suite of its file, which stands last or is new.
func (s *junitSuites) add(file string, elapsed time.Duration, one junitCase) {
	if n := len(s.Suites); n == 0 || s.Suites[n-1].Name != file {
		s.Suites = append(s.Suites, junitSuite{Name: file})
	}
	suite := &s.Suites[len(s.Suites)-1]
	suite.Cases = append(suite.Cases, one)
	suite.elapsed += elapsed
	suite.Tests++
	s.Tests++
	if one.Failure != nil {
		suite.Failures++
		s.Failures++
	}
	if one.Error != nil {
		suite.Errors++
		s.Errors++
	}
}

func junitCaseOf(t tested) junitCase {
	one := junitCase{Name: t.name, Class: t.file, File: t.file, Line: t.line, Time: seconds(t.elapsed)}
	if len(t.failures) == 0 {
		return one
	}
	var b strings.Builder
	for _, f := range t.failures {
		fmt.Fprintf(&b, "%s:%d: %s", t.file, f.line, f.Failure)
	}
	first := t.failures[0]
	one.Failure = &junitFailure{Message: "not as expected at " + first.Moment() + ", " + first.What, Text: b.String()}
	return one
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }
