package web

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchdog/history"
)

// stateWidth is how wide the time line of states is drawn, whatever its time.
const stateWidth = 1000

// stateLine is the time line of states and crashes.
type stateLine struct {
	Width   int
	Desc    string
	Runs    []stateRun
	Crashes []hit
	Ticks   []tick
}

// stateRun is a time in one state; the state is unknown where nobody saw it.
type stateRun struct {
	stretch
	State, Text string
}

// newStateLine draws a past. now is the state that the board shows, "" when it shows none: what
// has not changed for longer than history goes back has no event.
func newStateLine(past *history.Past, in history.Chart, now string, until time.Time) stateLine {
	l := stateLine{Width: stateWidth, Ticks: ticks(in)}
	x := func(at time.Time) int {
		part := float64(at.Sub(in.From)) / float64(in.Until().Sub(in.From))
		return int(min(max(part, 0), 1) * stateWidth)
	}
	spent := map[string]time.Duration{}
	add := func(state string, from, to time.Time) {
		from, to = later(from, in.From), earlier(to, until)
		if !to.After(from) {
			return
		}
		spent[state] += to.Sub(from)
		text := fmt.Sprintf("%s from %s to %s UTC", state, from.UTC().Format(time.DateTime), to.UTC().Format(time.DateTime))
		l.Runs = append(l.Runs, stateRun{stretch{x(from), max(x(to)-x(from), 1)}, state, text})
	}
	state, since := unknownState, in.From
	if !slices.ContainsFunc(past.Events, func(e history.Event) bool { return e.Kind != history.Crash }) {
		state = cmp.Or(now, unknownState)
	}
	change := func(to time.Time) {
		for _, piece := range seenPieces(past.Looks, since, to) {
			if piece.seen {
				add(state, piece.Begin, piece.End)
			} else {
				add(unknownState, piece.Begin, piece.End)
			}
		}
	}
	crashes := 0
	for _, e := range past.Events {
		if e.Kind == history.Crash {
			if !e.At.Before(in.From) {
				crashes++
				l.Crashes = append(l.Crashes, hit{x(e.At), "crash at " + e.At.UTC().Format(time.DateTime) + " UTC: " + e.Error})
			}
			continue
		}
		change(e.At)
		state, since = stateOf(e), e.At
	}
	change(until)
	l.Desc = stateWords(spent) + "; " + plural(crashes, "crash event")
	return l
}

// stateOf is the state that an event leaves.
func stateOf(e history.Event) string {
	if e.Kind == history.Gone {
		return "gone"
	}
	return cmp.Or(string(e.State), unknownState)
}

// piece is a time in which a server was seen, or was not.
type piece struct {
	history.Span
	seen bool
}

// seenPieces cuts a time by when the server was seen.
func seenPieces(looks []history.Span, from, to time.Time) []piece {
	var all []piece
	at := from
	for _, l := range looks {
		if !l.End.After(at) || !l.Begin.Before(to) {
			continue
		}
		if l.Begin.After(at) {
			all = append(all, piece{history.Span{Begin: at, End: l.Begin}, false})
			at = l.Begin
		}
		end := earlier(l.End, to)
		all = append(all, piece{history.Span{Begin: at, End: end}, true})
		at = end
	}
	if at.Before(to) {
		all = append(all, piece{history.Span{Begin: at, End: to}, false})
	}
	return all
}

// stateWords says how much of the time went to which state.
func stateWords(spent map[string]time.Duration) string {
	var all time.Duration
	for _, d := range spent {
		all += d
	}
	var words []string
	order := slices.DeleteFunc(slices.Clone(urgencies), func(s string) bool { return s == unknownState })
	for _, state := range append(order, "gone", unknownState) {
		if spent[state] > 0 {
			words = append(words, state+" "+percent(spent[state], all))
		}
	}
	if len(words) == 0 {
		return "nothing is known yet"
	}
	return strings.Join(words, ", ")
}

// percent is a part in whole percent.
func percent(part, all time.Duration) string {
	n := int(math.Round(100 * part.Seconds() / all.Seconds()))
	if n == 0 {
		return "<1\u202f%"
	}
	return strconv.Itoa(n) + "\u202f%"
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
