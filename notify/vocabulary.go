package notify

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"watchdog/alert"
	"watchdog/diag"
)

// Vocabulary is which labels alerts have by a config: label to all values that it takes, or to nil
// where that is not known. The zero value knows nothing, and finds that everything may fit.
type Vocabulary map[string][]string

// NewVocabulary has the labels of every alert, by the names of rules and servers.
func NewVocabulary(rules, servers []string) Vocabulary {
	return Vocabulary{
		"rule": rules, "server": servers, "severity": alert.Severities(),
		"database": nil, "doc_id": nil, "state": nil, "source": nil, "target": nil,
	}
}

// Add adds labels that some alerts have.
func (v Vocabulary) Add(labels map[string]string) {
	for label, value := range labels {
		if known, there := v[label]; !there || known != nil {
			v[label] = append(known, value)
		}
	}
}

// Unknown is the problem that no alert has a label; nil where some have.
func (v Vocabulary) Unknown(field, label string) *diag.Problem {
	if _, known := v[label]; known || len(v) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(v))
	hint := diag.DidYouMean(label, names)
	if hint == "" {
		hint = "those there are: " + strings.Join(names, ", ")
	}
	p := diag.Problemf(field, hint, "no alert has a label %q", label)
	return &p
}

// Misfits are the problems of labels and globs in a match that no alert has, or fits: what they
// were meant for goes on. Fields are "match.LABEL".
func (v Vocabulary) Misfits(match map[string][]string) (problems []diag.Problem) {
	for _, label := range slices.Sorted(maps.Keys(match)) {
		field := "match." + label
		if p := v.Unknown(field, label); p != nil {
			problems = append(problems, *p)
			continue
		}
		values := v[label]
		for _, glob := range match[label] {
			if values == nil || slices.ContainsFunc(values, alert.Glob(glob).Match) {
				continue
			}
			problems = append(problems, diag.Problemf(field, valuesHint(glob, values), "no alert has a %s that fits %q", label, glob))
		}
	}
	return problems
}

// valuesHint names the value that was meant, or those there are if they are few.
func valuesHint(glob string, values []string) string {
	const few = 10
	if near := diag.DidYouMean(glob, values); near != "" {
		return near
	}
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	switch {
	case len(values) == 0:
		return ""
	case len(values) > few:
		return fmt.Sprintf("those there are: %s and %d more", strings.Join(values[:few], ", "), len(values)-few)
	}
	return "those there are: " + strings.Join(values, ", ")
}
