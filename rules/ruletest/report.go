package ruletest

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Failure is one moment that was not as expected.
type Failure struct {
	Path string        // of the expectation in its file, as "tests[2].expect[0]"
	What string        // "alerts" or "messages"
	At   time.Duration // from the first sample
	Time time.Time
	// Until is the last of the samples that followed and were not as expected in the same way.
	Until time.Duration
	// Pairs are what was expected and what there was instead, each beside what is most like it.
	// What was as expected is left out.
	Pairs []Pair
}

// Pair is something expected and what came instead. One of them is missing where a thing did not
// come at all, or nobody expected it.
type Pair struct {
	Expected, Got *Side
}

// Side is one side of a pair: the fields that were asked for, in the order of the webhook's body.
type Side struct {
	Fields []Field
}

// Field is a field and what it says. Those of a Pair stand in the same order.
type Field = value

// compare notes where the sample is not as expected.
func (r *run) compare(e *expectation) {
	if e.asksAlerts {
		r.compareItems(e, "alerts", e.alerts, r.alerts)
	}
	if e.asksMessages {
		r.compareItems(e, "messages", e.messages, r.messages)
	}
}

func (r *run) compareItems(e *expectation, what string, wants []wanted, items []item) {
	missing, extra := match(wants, items)
	if len(missing) == 0 && len(extra) == 0 {
		return
	}
	at := r.at.Sub(r.test.begin())
	f := Failure{Path: e.path, What: what, At: at, Time: r.at, Until: at}
	for _, p := range pair(wants, missing, items, extra) {
		f.Pairs = append(f.Pairs, sides(wants, items, p))
	}
	for i := len(r.failures) - 1; i >= 0; i-- {
		if last := &r.failures[i]; last.Path == f.Path && last.What == what {
			if reflect.DeepEqual(last.Pairs, f.Pairs) {
				last.Until = at
				return
			}
			break
		}
	}
	r.failures = append(r.failures, f)
}

func sides(wants []wanted, items []item, p [2]int) Pair {
	var out Pair
	var names []string
	if p[0] >= 0 {
		out.Expected = &Side{Fields: wants[p[0]].fields}
		for _, f := range wants[p[0]].fields {
			names = append(names, f.Name)
		}
	}
	if p[1] >= 0 {
		it := items[p[1]]
		if names == nil {
			names = it.names()
		}
		out.Got = &Side{}
		for _, name := range names {
			out.Got.Fields = append(out.Got.Fields, Field{name, it.field(name)})
		}
	}
	if p[0] >= 0 && wants[p[0]].asksAlerts {
		var inside []item
		if p[1] >= 0 {
			inside = items[p[1]].alerts
		}
		nested(&out, wants[p[0]].alerts, inside)
	}
	return out
}

// nested adds to a pair of messages the alerts in them that differ.
func nested(out *Pair, wants []wanted, items []item) {
	missing, extra := match(wants, items)
	if out.Got == nil {
		extra = nil
	}
	for _, p := range pair(wants, missing, items, extra) {
		inner := sides(wants, items, p)
		expected := inner.Expected.line()
		out.Expected.Fields = append(out.Expected.Fields[:len(out.Expected.Fields):len(out.Expected.Fields)], Field{"alert", expected})
		if out.Got != nil {
			out.Got.Fields = append(out.Got.Fields, Field{"alert", inner.Got.line()})
		}
	}
}

// line is a side in one line.
func (s *Side) line() string {
	if s == nil {
		return "none"
	}
	parts := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		parts[i] = f.Name + ": " + quote(f.Text)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// quote is text on one line, in quotes where it would not be seen otherwise.
func quote(text string) string {
	if text == "" || strings.TrimSpace(text) != text || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Sprintf("%q", text)
	}
	return text
}

// Moment is when it was, as people write it: "1m30s", or "1m30s to 5m".
func (f Failure) Moment() string {
	if f.Until > f.At {
		return short(f.At) + " to " + short(f.Until)
	}
	return short(f.At)
}

// String is the failure for people: when, and in two columns what was expected and what there
// was, what differs marked.
//
//	at 1m30s, alerts:
//	    expected                    got
//	    rule: replication-failed    rule: replication-failed
//	  ! status: firing              status: pending
func (f Failure) String() string {
	rows := [][3]string{{" ", "expected", "got"}}
	for i, p := range f.Pairs {
		if i > 0 {
			rows = append(rows, [3]string{})
		}
		rows = append(rows, p.rows()...)
	}
	width := 0
	for _, r := range rows {
		width = max(width, min(utf8.RuneCountInString(r[1]), 60))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "at %s, %s:\n", f.Moment(), f.What)
	for _, r := range rows {
		line := fmt.Sprintf("  %s %-*s    %s", r[0], width, r[1], r[2])
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// rows are the lines of a pair: a mark, what was expected, what there was.
func (p Pair) rows() (rows [][3]string) {
	switch {
	case p.Expected == nil:
		for i, f := range p.Got.Fields {
			rows = append(rows, [3]string{"!", "", f.Name + ": " + quote(f.Text)})
			if i == 0 {
				rows[0][1] = "nothing"
			}
		}
	case p.Got == nil:
		for i, f := range p.Expected.Fields {
			rows = append(rows, [3]string{"!", f.Name + ": " + quote(f.Text), ""})
			if i == 0 {
				rows[0][2] = "nothing"
			}
		}
	default:
		for i, f := range p.Expected.Fields {
			got := p.Got.Fields[i]
			mark := " "
			if f != got {
				mark = "!"
			}
			rows = append(rows, [3]string{mark, f.Name + ": " + quote(f.Text), got.Name + ": " + quote(got.Text)})
		}
	}
	return rows
}
