package history_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchdog/history"
	"watchdog/snapshot"
)

// wrote is a point at which so many documents were written and wait; below zero nothing is known.
func wrote(second int, n int64) history.Point {
	r := &snapshot.Replication{DocsWritten: n, ChangesPending: n}
	if n >= 0 {
		r.Known = r.Known.With(snapshot.FieldDocsWritten, snapshot.FieldChangesPending)
	}
	return history.NewPoint(at(second), r)
}

func seen(begin, end int) history.Span { return history.Span{Begin: at(begin), End: at(end)} }

func words(samples []history.Sample) string {
	var all []string
	for _, s := range samples {
		if !s.Known {
			all = append(all, "?")
			continue
		}
		all = append(all, fmt.Sprintf("%g", s.Value))
	}
	return strings.Join(all, " ")
}

func TestWhatAChartShows(t *testing.T) {
	always := []history.Span{seen(-1000, 1000)}
	for _, tt := range []struct {
		name           string
		points         []history.Point
		looks          []history.Span
		rates, highest string // of steps of a minute, from 0 s on
	}{
		{"nothing is known", nil, always, "? ? ? ?", "? ? ? ?"},
		{"it moves steadily", []history.Point{wrote(0, 0), wrote(120, 120), wrote(240, 360)}, always, "1 1 2 2", "0 120 120 360"},
		{"what stands is zero, and known", []history.Point{wrote(-500, 7)}, always, "0 0 0 0", "7 7 7 7"},
		{"it began while somebody looked", []history.Point{wrote(90, 5)}, always, "? ? 0 0", "? 5 5 5"},
		{"a rise between two looks that are far apart is spread", []history.Point{wrote(0, 0), wrote(240, 240)}, always, "1 1 1 1", "0 0 0 240"},
		{"it began anew at zero", []history.Point{wrote(0, 100), wrote(60, 160), wrote(120, 60)}, always, "1 1 0 0", "160 160 60 60"},
		{"the server did not say", []history.Point{wrote(0, 0), wrote(60, 60), wrote(120, -1), wrote(180, 500), wrote(240, 560)}, always, "1 ? ? 1", "60 60 500 560"},
		{"nobody looked", []history.Point{wrote(0, 0), wrote(60, 60)}, []history.Span{seen(0, 60), seen(180, 300)}, "1 ? ? 0", "60 ? ? 60"},
		{"nothing is made of a rise that nobody saw", []history.Point{wrote(0, 0), wrote(180, 900)}, []history.Span{seen(0, 60), seen(180, 300)}, "0 ? ? 0", "0 ? ? 900"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			past := &history.Past{Points: tt.points, Looks: tt.looks}
			in := history.Chart{From: epoch, Step: time.Minute, Steps: 4}
			if got := words(past.Rates(history.DocsWritten, in)); got != tt.rates {
				t.Errorf("Rates: got %s, want %s", got, tt.rates)
			}
			if got := words(past.Highest(history.ChangesPending, in)); got != tt.highest {
				t.Errorf("Highest: got %s, want %s", got, tt.highest)
			}
		})
	}
}
