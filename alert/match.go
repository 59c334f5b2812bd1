package alert

import (
	"maps"
	"slices"
	"strings"
)

// Glob is a pattern in which `*` stands for any run of characters, slashes included, `?` for one
// byte, and `\` takes the meaning from the next character.
type Glob string

// Match reports whether the whole of text fits.
func (g Glob) Match(text string) bool {
	pattern := string(g)
	star, retry := -1, 0 // where the last * stands, and where its run began in text
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, t
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			t++
		case p+1 < len(pattern) && pattern[p] == '\\' && pattern[p+1] == text[t]:
			p += 2
			t++
		case p < len(pattern) && pattern[p] != '\\' && pattern[p] == text[t]:
			p++
			t++
		case star >= 0: // the run of the last * was too short
			retry++
			p, t = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// Literal reports whether the pattern fits only itself.
func (g Glob) Literal() bool { return !strings.ContainsAny(string(g), `*?\`) }

// Exactly is the pattern that fits a text only.
func Exactly(text string) Glob {
	return Glob(strings.NewReplacer(`*`, `\*`, `?`, `\?`, `\`, `\\`).Replace(text))
}

// Matchers narrow by labels: each label must fit one of its globs. Nil fits everything.
type Matchers []matcher

type matcher struct {
	label string
	globs []Glob
}

// MatchWords are matchers as people write them: doc_id=orders rule=replication-*.
func MatchWords(match map[string][]string) string {
	var words []string
	for _, label := range slices.Sorted(maps.Keys(match)) {
		for _, glob := range match[label] {
			words = append(words, label+"="+glob)
		}
	}
	return strings.Join(words, " ")
}

// NewMatchers takes label to globs, as match is written in YAML.
func NewMatchers(match map[string][]string) Matchers {
	var m Matchers
	for label, globs := range match {
		one := matcher{label: label}
		for _, g := range globs {
			one.globs = append(one.globs, Glob(g))
		}
		m = append(m, one)
	}
	slices.SortFunc(m, func(a, b matcher) int { return strings.Compare(a.label, b.label) })
	return m
}

// Match asks value for the labels; a label that does not exist is "".
func (m Matchers) Match(value func(label string) string) bool {
	for _, one := range m {
		text := value(one.label)
		if !slices.ContainsFunc(one.globs, func(g Glob) bool { return g.Match(text) }) {
			return false
		}
	}
	return true
}

// Labels are the labels that are asked for, in order.
func (m Matchers) Labels() []string {
	labels := make([]string, len(m))
	for i, one := range m {
		labels[i] = one.label
	}
	return labels
}
