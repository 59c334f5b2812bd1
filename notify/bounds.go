package notify

import (
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"watchdog/alert"
	"watchdog/diag"
)

// The bounds of what people say. All of it is read again and again, and shown to others.
const (
	maxLabels  = 16   // of one silence
	maxGlobs   = 32   // of one label
	maxGlob    = 512  // bytes of a label or a glob: an address may be long
	maxName    = 100  // characters of who says it
	maxComment = 1000 // characters
	maxSilence = 366 * 24 * time.Hour
)

// Problems is every mistake in a silence that somebody asks for, by its fields as JSON names
// them.
func (s *Silence) Problems(now time.Time) []diag.Problem {
	problems := wordProblems("created_by", s.CreatedBy, s.Comment)
	switch {
	case len(s.Match) == 0:
		problems = append(problems, diag.Problemf("match", `name a label and what it must be, as in {"doc_id": ["orders"]}`, "a silence of everything would hide everything"))
	case len(s.Match) > maxLabels:
		problems = append(problems, diag.Problemf("match", "use fewer", "there are %d labels, and %d are allowed", len(s.Match), maxLabels))
	}
	for _, label := range slices.Sorted(maps.Keys(s.Match)) {
		globs := s.Match[label]
		switch {
		case label == "" || len(label) > maxGlob || !utf8.ValidString(label):
			problems = append(problems, diag.Problemf("match", "name a label, as doc_id", "%.40q is not the name of a label", label))
		case len(globs) == 0 || len(globs) > maxGlobs:
			problems = append(problems, diag.Problemf("match."+label, "write what it must be, as orders or orders-*", "it has %d globs, and 1 to %d are allowed", len(globs), maxGlobs))
		case slices.ContainsFunc(globs, func(glob string) bool { return glob == "" || len(glob) > maxGlob || !utf8.ValidString(glob) }):
			problems = append(problems, diag.Problemf("match."+label, "write what it must be, as orders or orders-*", "a glob has 1 to %d bytes", maxGlob))
		}
	}
	switch {
	case s.EndsAt.IsZero():
		problems = append(problems, diag.Problemf("ends_at", "say when it ends", "a silence needs an end"))
	case !s.EndsAt.After(now) || !s.EndsAt.After(s.StartsAt):
		problems = append(problems, diag.Problemf("ends_at", "write a time that is ahead", "it would end before it mutes anything"))
	case s.EndsAt.Sub(now) > maxSilence:
		problems = append(problems, diag.Problemf("ends_at", "write a time within a year; a rule that nobody wants is better taken out", "a silence lasts a year at most"))
	}
	return problems
}

// Problems is every mistake in an acknowledgement.
func (a *Ack) Problems() []diag.Problem { return wordProblems("by", a.By, a.Comment) }

func wordProblems(nameField, name, comment string) []diag.Problem {
	var problems []diag.Problem
	for _, word := range []struct {
		field, text string
		most        int
	}{{nameField, name, maxName}, {"comment", comment, maxComment}} {
		switch {
		case !utf8.ValidString(word.text):
			problems = append(problems, diag.Problemf(word.field, "", "it is not text in UTF-8"))
		case utf8.RuneCountInString(word.text) > word.most:
			problems = append(problems, diag.Problemf(word.field, "make it shorter", "it may have %d characters", word.most))
		}
	}
	return problems
}

// Holds reports whether somebody has an alert by it: one of an earlier alert means nothing.
func (a *Ack) Holds(of *alert.Alert) bool {
	if a.StartsAt.IsZero() {
		return !a.At.Before(of.StartsAt)
	}
	return a.StartsAt.Equal(of.StartsAt)
}
