package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"watchdog/history"
)

// chart is a drawing of how some numbers went. Each step of time is one unit wide; the height is
// 100, upside down as SVG has it.
type chart struct {
	ID, Title, Desc string
	Unit            string // of a value, behind it
	Steps           int
	Top, Middle     string // what the height means
	Lines           []chartLine
	Gaps            []stretch
	Hits            []hit
	Ticks           []tick
	Table           []tableRow
}

// chartLine is one number over time. What is unknown is not drawn.
type chartLine struct {
	Name, Class string // the class says the colour
	Line, Area  string // paths
	Now         string // the last known value
}

// stretch is a piece of the width.
type stretch struct{ X, Width int }

// hit is a step that says its values when pointed at.
type hit struct {
	X    int
	Text string
}

// tick is a time below a chart.
type tick struct {
	At   time.Time
	Text string
}

// tableRow is the same for who cannot see the chart: a stretch of some steps.
type tableRow struct {
	At     time.Time
	Values []string
}

// tableRows is how many rows the table of a chart has at most.
const tableRows = 12

// numbers are those of one line.
type numbers struct {
	name, class string
	samples     []history.Sample
}

func newChart(id, title, unit string, in history.Chart, all ...numbers) chart {
	c := chart{ID: id, Title: title, Unit: unit, Steps: in.Steps, Ticks: ticks(in)}
	top := 0.0
	for _, n := range all {
		for _, s := range n.samples {
			if s.Known {
				top = max(top, s.Value)
			}
		}
	}
	top = ceiling(top)
	c.Top, c.Middle = short(top)+unit, short(top/2)+unit
	for _, n := range all {
		line := chartLine{Name: n.name, Class: n.class, Now: "unknown"}
		line.Line, line.Area = paths(n.samples, top)
		if i := lastKnown(n.samples); i >= 0 {
			line.Now = short(n.samples[i].Value) + unit
		}
		c.Lines = append(c.Lines, line)
	}
	c.Gaps = gaps(all[0].samples)
	for i := range in.Steps {
		c.Hits = append(c.Hits, hit{i, clock(in, i) + ": " + c.values(all, i, i+1)})
	}
	per := (in.Steps + tableRows - 1) / tableRows
	for i := 0; i < in.Steps; i += per {
		row := tableRow{At: in.At(i)}
		for _, n := range all {
			row.Values = append(row.Values, c.value(n.samples[i:min(i+per, in.Steps)]))
		}
		c.Table = append(c.Table, row)
	}
	c.Desc = "From " + clock(in, 0) + " to " + clock(in, in.Steps) + " UTC, the highest: " + c.values(all, 0, in.Steps)
	return c
}

// values says the highest of each number over some steps.
func (c *chart) values(all []numbers, from, to int) string {
	var words []string
	for _, n := range all {
		words = append(words, c.value(n.samples[from:to])+" "+n.name)
	}
	return strings.Join(words, ", ")
}

// value is the highest of some samples in words.
func (c *chart) value(samples []history.Sample) string {
	highest, known := 0.0, false
	for _, s := range samples {
		if s.Known {
			highest, known = max(highest, s.Value), true
		}
	}
	if !known {
		return "unknown"
	}
	return short(highest) + c.Unit
}

func lastKnown(samples []history.Sample) int {
	for i := len(samples) - 1; i >= 0; i-- {
		if samples[i].Known {
			return i
		}
	}
	return -1
}

// gaps are the steps that are unknown.
func gaps(samples []history.Sample) []stretch {
	var all []stretch
	for i, s := range samples {
		switch n := len(all); {
		case s.Known:
		case n > 0 && all[n-1].X+all[n-1].Width == i:
			all[n-1].Width++
		default:
			all = append(all, stretch{i, 1})
		}
	}
	return all
}

// paths draws samples as a line, and as the area below it: a piece for each run of known ones.
func paths(samples []history.Sample, top float64) (line, area string) {
	for begin := 0; begin < len(samples); begin++ {
		if !samples[begin].Known {
			continue
		}
		end := begin
		for end < len(samples) && samples[end].Known {
			end++
		}
		piece := outline(samples[begin:end], begin, top)
		line += "M" + piece
		area += fmt.Sprintf("M%d 100L%sV100Z", begin, piece)
		begin = end
	}
	return line, area
}

// outline draws one run of samples, from the left of the first to the right of the last. What stands
// between equals is left out.
func outline(samples []history.Sample, from int, top float64) string {
	at := func(i int) string { return height(samples[min(max(i, 0), len(samples)-1)].Value, top) }
	b := []byte(strconv.Itoa(from) + " " + at(0))
	for i := range samples {
		if at(i) != at(i-1) || at(i) != at(i+1) {
			b = append(b, "L"+strconv.Itoa(from+i)+".5 "+at(i)...)
		}
	}
	return string(b) + "H" + strconv.Itoa(from+len(samples))
}

// height is where a value stands, with room for the line above the highest.
func height(value, top float64) string {
	return strconv.FormatFloat(math.Round(10*(98-94*value/top))/10, 'f', -1, 64)
}

// ceiling is the next round number that is not below one, so that a chart is not half empty.
func ceiling(n float64) float64 {
	if n <= 0 {
		return 1
	}
	size := math.Pow(10, math.Floor(math.Log10(n)))
	for _, times := range [...]float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8} {
		if n <= times*size {
			return times * size
		}
	}
	return 10 * size
}

// short is a number in three digits or so.
func short(n float64) string {
	for _, unit := range [...]struct {
		size float64
		name string
	}{{1e12, "\u202fT"}, {1e9, "\u202fG"}, {1e6, "\u202fM"}, {1e4, "\u202fk"}} {
		if n >= unit.size {
			size := unit.size
			if unit.name == "\u202fk" {
				size = 1e3
			}
			return strconv.FormatFloat(n/size, 'g', 3, 64) + unit.name
		}
	}
	switch {
	case n >= 100:
		return grouped(int64(math.Round(n)))
	case n > 0 && n < 0.01:
		return "<\u202f0.01"
	default:
		return strconv.FormatFloat(math.Round(n*100)/100, 'g', 3, 64)
	}
}

// ticksOf is how many times stand below a chart.
const ticksOf = 5

func ticks(in history.Chart) []tick {
	var all []tick
	for i := range ticksOf {
		step := i * in.Steps / (ticksOf - 1)
		all = append(all, tick{in.At(step), clock(in, step)})
	}
	return all
}

// clock is when a step begins, as closely as the chart is.
func clock(in history.Chart, step int) string {
	at := in.At(step).UTC()
	switch whole := in.Step * time.Duration(in.Steps); {
	case whole <= 24*time.Hour:
		return at.Format("15:04")
	case whole <= 7*24*time.Hour:
		return at.Format("Mon 15:04")
	default:
		return at.Format("2 Jan")
	}
}
