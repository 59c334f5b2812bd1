package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// chart is a chart of lines.
type chart struct {
	title      string
	x          string // what is counted to the right
	logX, logY bool
	series     []series
}

type series struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

// The size of the picture, and of the room in which lines are drawn.
const (
	chartWidth, chartHeight = 720.0, 360.0
	chartLeft, chartRight   = 64.0, 16.0
	chartTop, chartBottom   = 40.0, 84.0
)

// palette can be told apart by people who see few colours (Okabe and Ito), on white and on black.
var palette = [...]string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"}

// svg draws it: text takes the colour of what is around it, light or dark.
func (c *chart) svg() []byte {
	xs, ys := c.axes()
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="12">`+"\n", chartWidth, chartHeight)
	fmt.Fprintf(&b, "<style>text{fill:#333}.grid{stroke:#8886}@media (prefers-color-scheme:dark){text{fill:#ccc}}</style>\n")
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(c.title))
	fmt.Fprintf(&b, `<text x="%g" y="20" font-size="14">%s</text>`+"\n", chartLeft, html.EscapeString(c.title))
	for _, v := range xs.ticks() {
		x := c.px(xs, v)
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %gV%g"/><text x="%.1f" y="%g" text-anchor="middle">%s</text>`+"\n",
			x, chartTop, chartHeight-chartBottom, x, chartHeight-chartBottom+18, short(v))
	}
	for _, v := range ys.ticks() {
		y := c.py(ys, v)
		fmt.Fprintf(&b, `<path class="grid" d="M%g %.1fH%g"/><text x="%g" y="%.1f" text-anchor="end">%s</text>`+"\n",
			chartLeft, y, chartWidth-chartRight, chartLeft-8, y+4, short(v))
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">%s</text>`+"\n", chartWidth/2, chartHeight-chartBottom+36, html.EscapeString(c.x))
	for i, s := range c.series {
		colour := palette[i%len(palette)]
		var path bytes.Buffer
		for n, p := range s.points {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(n, 1)], c.px(xs, p.x), c.py(ys, p.y))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", c.px(xs, p.x), c.py(ys, p.y), colour)
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path.Bytes(), colour)
		y := chartHeight - 40 + 15*float64(i)
		fmt.Fprintf(&b, `<path d="M%g %gh20" stroke="%s" stroke-width="3"/><text x="%g" y="%g">%s</text>`+"\n",
			chartLeft, y, colour, chartLeft+28, y+4, html.EscapeString(s.name))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// axis is the span of an axis.
type axis struct {
	least, most float64
	log         bool
}

// axes are as wide as the points ask for. A logarithmic one begins and ends at a power of ten,
// any other begins at 0.
func (c *chart) axes() (x, y axis) {
	x, y = axis{least: math.Inf(1), log: c.logX}, axis{least: math.Inf(1), log: c.logY}
	for _, s := range c.series {
		for _, p := range s.points {
			x.least, x.most = min(x.least, p.x), max(x.most, p.x)
			y.least, y.most = min(y.least, p.y), max(y.most, p.y)
		}
	}
	return x.rounded(), y.rounded()
}

func (a axis) rounded() axis {
	if a.log {
		a.least = math.Pow(10, math.Floor(math.Log10(max(a.least, 1e-3))))
		a.most = max(math.Pow(10, math.Ceil(math.Log10(max(a.most, 1e-3)))), a.least*10)
		return a
	}
	return axis{0, max(a.most, 1), false}
}

func (a axis) ticks() []float64 {
	var ticks []float64
	if a.log {
		for v := a.least; v <= a.most*1.01; v *= 10 {
			ticks = append(ticks, v)
		}
		return ticks
	}
	for i := range 5 {
		ticks = append(ticks, a.most*float64(i)/4)
	}
	return ticks
}

// share is where between the ends of the axis a value is: 0 to 1.
func (a axis) share(v float64) float64 {
	if a.log {
		return math.Log10(max(v, a.least)/a.least) / math.Log10(a.most/a.least)
	}
	return (v - a.least) / (a.most - a.least)
}

func (c *chart) px(a axis, v float64) float64 {
	return chartLeft + a.share(v)*(chartWidth-chartLeft-chartRight)
}

func (c *chart) py(a axis, v float64) float64 {
	return chartHeight - chartBottom - a.share(v)*(chartHeight-chartTop-chartBottom)
}
