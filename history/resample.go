package history

import (
	"slices"
	"sort"
	"time"
)

// Chart is a time cut into equal steps.
type Chart struct {
	From  time.Time // whole seconds
	Step  time.Duration
	Steps int
}

// Until is where it ends.
func (c Chart) Until() time.Time { return c.At(c.Steps) }

// At is where step i begins.
func (c Chart) At(i int) time.Time { return c.From.Add(time.Duration(i) * c.Step) }

// Sample is what a chart shows of one step.
type Sample struct {
	Value float64
	Known bool
}

// Rates gives how fast a counter rose in each step, per second. A counter that went down began
// anew at zero. What was not seen is not known.
func (p *Past) Rates(c Counter, in Chart) []Sample {
	l := newLine(p.Points, c)
	return p.each(in, func(begin, end, last int64) Sample {
		from, fromKnown := l.risen(begin, last)
		to, toKnown := l.risen(end, last)
		return Sample{(to - from) / float64(end-begin), fromKnown && toKnown}
	})
}

// Highest gives the largest value of a counter in each step.
func (p *Past) Highest(c Counter, in Chart) []Sample {
	return p.each(in, func(begin, end, _ int64) (s Sample) {
		for i := max(before(p.Points, begin), 0); i < len(p.Points) && p.Points[i].second <= end; i++ {
			if n, known := p.Points[i].Value(c); known {
				s = Sample{max(s.Value, float64(n)), true}
			}
		}
		return s
	})
}

// each gives what of makes of each step, cut to the longest time in it in which the server was
// seen; last is when it was last seen in a row with that.
func (p *Past) each(in Chart, of func(begin, end, last int64) Sample) []Sample {
	samples := make([]Sample, in.Steps)
	for i := range samples {
		begin, end := in.At(i).Unix(), in.At(i+1).Unix()
		var best [3]int64
		seen := false
		for _, l := range p.Looks {
			b, e := max(begin, l.Begin.Unix()), min(end, l.End.Unix())
			if b < e && (!seen || e-b > best[1]-best[0]) {
				best, seen = [3]int64{b, e, l.End.Unix()}, true
			}
		}
		if seen {
			samples[i] = of(best[0], best[1], best[2])
		}
	}
	return samples
}

// Seen reports whether a time lies in one in which the server was seen.
func (p *Past) Seen(at time.Time) bool {
	return slices.ContainsFunc(p.Looks, func(l Span) bool { return !at.Before(l.Begin) && !at.After(l.End) })
}

// line is how much a counter has risen in all up to each point.
type line struct {
	points []Point
	c      Counter
	total  []float64
}

func newLine(points []Point, c Counter) *line {
	l := &line{points, c, make([]float64, len(points))}
	var sum float64
	var last int64
	began := false
	for i := range points {
		if n, known := points[i].Value(c); known {
			switch {
			case !began:
			case n >= last:
				sum += float64(n - last)
			default:
				sum += float64(n)
			}
			last, began = n, true
		}
		l.total[i] = sum
	}
	return l
}

// risen is how much it has risen up to a moment. Between two points it rises steadily, if the
// server was seen all the time, up to last; else it stands.
func (l *line) risen(at, last int64) (float64, bool) {
	i := before(l.points, at)
	if i < 0 {
		return 0, false
	}
	if _, known := l.points[i].Value(l.c); !known || i+1 == len(l.points) {
		return l.total[i], known
	}
	next := &l.points[i+1]
	if _, known := next.Value(l.c); !known || next.second > last {
		return l.total[i], true
	}
	part := float64(at-l.points[i].second) / float64(next.second-l.points[i].second)
	return l.total[i] + part*(l.total[i+1]-l.total[i]), true
}

// before is the last point that is not after a moment, -1 when there is none.
func before(points []Point, at int64) int {
	return sort.Search(len(points), func(i int) bool { return points[i].second > at }) - 1
}
