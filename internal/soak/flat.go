package soak

import (
	"fmt"
	"slices"
)

// Measure is something of the daemon that must not grow while it does the same again and again.
type Measure struct {
	Name string
	Unit float64 // what it is shown in: 1<<20 for megabytes
	// Share and Slack are how much more is no growth: a part of what was there, and so much besides.
	Share, Slack float64
}

// Series is a measure over a run, at even distances.
type Series struct {
	Measure
	Values []float64
}

// Growth is what became of a measure after the daemon had warmed up.
type Growth struct {
	Series
	From, To float64 // the medians of the second and the last third
	Grows    bool
}

// String is a line of a table.
func (g Growth) String() string {
	verdict := "flat"
	if g.Grows {
		verdict = "GROWS"
	}
	return fmt.Sprintf("%-28s %9.2f -> %9.2f  %s", g.Name, g.From/g.Unit, g.To/g.Unit, verdict)
}

// Judge compares the last third of a run with the second: the first is for what has to become
// warm. Medians pass over what is there for a moment, as garbage and requests are; what leaks is
// in every later look.
func Judge(s Series) Growth {
	third := len(s.Values) / 3
	if third == 0 {
		return Growth{Series: s}
	}
	from := median(s.Values[third : 2*third])
	to := median(s.Values[len(s.Values)-third:])
	return Growth{Series: s, From: from, To: to, Grows: to > from*(1+s.Share)+s.Slack}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}
