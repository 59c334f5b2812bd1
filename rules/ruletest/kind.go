package ruletest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchdog/rules"
	"watchdog/snapshot"
)

// kind is what the values of a series are.
type kind struct {
	name     string   // in a message
	example  string   // of a series, for a hint
	words    []string // all there are; nil for a kind that is not of words
	attached bool     // the xN may follow the value without a blank
	steps    bool
	quotes   bool // what stands in quotes is free text
	free     bool // any text: a sentence without quotes would be taken apart
	read     func(text string) (sample, error)
}

// The kinds.
var (
	numbers = kind{name: "a whole number", example: "100+50x4", attached: true, steps: true, read: func(text string) (sample, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err == nil && n < 0 {
			err = strconv.ErrRange
		}
		return sample{number: n}, err
	}}
	sequences = kind{name: "a sequence", example: "100+50x4, or 12-g1AAAA x3", steps: true, read: func(text string) (sample, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			n = 0 // it only steps where it is a number
		}
		return sample{text: text, number: n}, nil
	}}
	texts = kind{name: "text", free: true, example: `"db_not_found: could not open" x3`, read: func(text string) (sample, error) {
		return sample{text: text}, nil
	}}
	booleans = words("true or false", "true x3, false", "true", "false")
	states   = words("a state", "running x3, failed", stateWords()...)
	checks   = func() kind {
		k := words("a check", `ok x3, failed x2, partial, "connection refused"`, checkOK, checkFailed, checkPartial)
		k.quotes = true
		return k
	}()
	durations = kind{name: "a duration", example: "100ms x3", attached: true, read: func(text string) (sample, error) {
		d, err := rules.ParseDuration(text)
		return sample{offset: d}, err
	}}
	times = kind{name: "a time", example: "-1h, for an hour before the first sample, or 2026-01-02T03:04:05Z", attached: true, read: readTime}
)

func readTime(text string) (sample, error) {
	size, before := strings.CutPrefix(text, "-")
	d, err := rules.ParseDuration(size)
	if err != nil {
		t, err := time.Parse(time.RFC3339, text)
		return sample{offset: t.Sub(start)}, err
	}
	if before {
		d = -d
	}
	return sample{offset: d}, nil
}

// The words that are no states, but take the place of one.
const (
	absent  = "absent"  // in no listing, and asking for it told nothing
	deleted = "deleted" // asking for it was answered by 404
)

// How a check can end.
const (
	checkOK      = "ok"
	checkFailed  = "failed"  // nothing could be read
	checkPartial = "partial" // the listings broke off
)

func stateWords() []string {
	all := make([]string, 0, len(snapshot.States)+2)
	for _, s := range snapshot.States {
		all = append(all, string(s))
	}
	return append(all, absent, deleted)
}

func words(name, example string, all ...string) kind {
	return kind{name: name, example: example, words: all, attached: true, read: func(text string) (sample, error) {
		if !slices.Contains(all, text) {
			return sample{}, fmt.Errorf("%q is not %s", text, name)
		}
		return sample{text: text}, nil
	}}
}
