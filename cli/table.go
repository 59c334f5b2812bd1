package cli

import (
	"io"
	"strings"
)

// table prints rows as they come, in columns whose widths the first rows decide: a listing may be
// too long to wait for, or to remember. On a terminal nothing is wider than that.
type table struct {
	w       io.Writer
	width   int // of the terminal; 0 is none: nothing is cut
	columns []column
	held    [][]cell // until the widths are known
	widths  []int
	gap     string
	started bool
}

// column is one column; the last is as wide as its cells.
type column struct {
	title string
	right bool // numbers
}

// cell is a text on one line, and its colour.
type cell struct{ text, code string }

// measured is how many rows decide the widths.
const measured = 20

func newTable(w io.Writer, width int, columns ...column) *table {
	return &table{w: w, width: width, columns: columns, gap: "  "}
}

// row prints a row, or holds it until the widths are known.
func (t *table) row(cells []cell) error {
	if t.started {
		return t.print(cells)
	}
	t.held = append(t.held, cells)
	if len(t.held) < measured {
		return nil
	}
	return t.end()
}

// end prints what is held. A table without rows prints nothing.
func (t *table) end() error {
	if t.started || len(t.held) == 0 {
		return nil
	}
	t.started = true
	t.measure()
	titles := make([]cell, len(t.columns))
	for i, c := range t.columns {
		titles[i].text = c.title
	}
	for _, cells := range append([][]cell{titles}, t.held...) {
		if err := t.print(cells); err != nil {
			return err
		}
	}
	t.held = nil
	return nil
}

// measure makes each column as wide as its widest cell. On a terminal the last takes what the
// others leave, and at least a fifth: the widest of them give way.
func (t *table) measure() {
	t.widths = make([]int, len(t.columns))
	last := len(t.widths) - 1
	rest := t.width
	for i, c := range t.columns {
		w := textWidth(c.title)
		for _, cells := range t.held {
			w = max(w, textWidth(cells[i].text))
		}
		t.widths[i] = w
		if i < last {
			rest -= w + len(t.gap)
		}
	}
	if t.width == 0 {
		return
	}
	const narrowest = 8
	for rest < t.width/5 {
		widest := 0
		for i, w := range t.widths[:last] {
			if w > t.widths[widest] {
				widest = i
			}
		}
		if t.widths[widest] <= narrowest {
			break // there is no room for all
		}
		t.widths[widest]--
		rest++
	}
	t.widths[last] = max(narrowest, rest)
}

func (t *table) print(cells []cell) error {
	var line strings.Builder
	for i, c := range cells {
		text := c.text
		if t.width > 0 {
			text = cut(text, t.widths[i])
		}
		last := i == len(cells)-1
		if !last || t.columns[i].right {
			text = pad(text, t.widths[i], t.columns[i].right)
		}
		line.WriteString(paint(text, c.code))
		if !last {
			line.WriteString(t.gap)
		}
	}
	_, err := io.WriteString(t.w, strings.TrimRight(line.String(), " ")+"\n")
	return err
}
