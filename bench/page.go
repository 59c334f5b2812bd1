package main

import (
	"bytes"
	"fmt"
	"strings"
)

// fill puts text between the marks of a name; what stands around them is prose, and stays.
func fill(page []byte, name, text string) ([]byte, error) {
	begin, end := fmt.Sprintf("<!-- measured: %s -->\n", name), fmt.Sprintf("<!-- end of %s -->", name)
	before, rest, found := bytes.Cut(page, []byte(begin))
	if !found {
		return nil, fmt.Errorf("no line %q", strings.TrimSpace(begin))
	}
	_, after, found := bytes.Cut(rest, []byte(end))
	if !found {
		return nil, fmt.Errorf("no %q after %q", end, strings.TrimSpace(begin))
	}
	return bytes.Join([][]byte{before, []byte(begin), []byte(text), []byte(end), after}, nil), nil
}

// table is a table of Markdown. The first column is text, the others are numbers.
type table struct{ b strings.Builder }

func newTable(columns ...string) *table {
	t := &table{}
	t.row(columns...)
	t.row(append([]string{"---"}, strings.Fields(strings.Repeat(" ---:", len(columns)-1))...)...)
	return t
}

func (t *table) row(cells ...string) { fmt.Fprintf(&t.b, "| %s |\n", strings.Join(cells, " | ")) }

func (t *table) String() string { return t.b.String() }

// count is a whole number as people read it: 20,000.
func count[N int | int64](n N) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// short is a number with about two digits that mean something, or all of a greater one.
func short(v float64) string {
	switch {
	case v >= 100:
		return count(int64(v + 0.5))
	case v >= 10:
		return fmt.Sprintf("%.0f", v)
	case v >= 1:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.2g", v)
	}
}

// megabytes is a size in MB of 1,000,000 bytes.
func megabytes(bytes int64) string { return short(float64(bytes) / 1e6) }
