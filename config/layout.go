package config

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// layout says where in the file each byte of a scalar's value stands: it reads the scalar again
// as YAML does, since a yaml.Node keeps the place of the first byte only.
type layout struct {
	value string
	at    []int // of each byte of the value; of an escape, where it begins
	last  int   // behind the last byte of the value
	end   int   // behind the scalar, its closing quote included
}

// span maps length bytes of the value, from offset on, to the file. What lies behind the value
// is the place behind its last line.
func (l layout) span(offset, length int) span {
	lines := strings.TrimRight(l.value, "\n")
	if offset >= len(lines) {
		behind := l.behind(len(lines))
		return span{behind, behind + 1}
	}
	return span{l.at[offset], l.behind(min(offset+max(length, 1), len(lines)))}
}

// behind is the place behind the first n bytes of the value.
func (l layout) behind(n int) int {
	if n == 0 || n == len(l.value) {
		return l.last
	}
	return max(l.at[n], l.at[n-1]+1)
}

// layOut reads the scalar n again. It reports false where the text is not what n says, for such
// scalars as hold nothing but blanks in a block; then only n's own place is known.
func (s *source) layOut(n *yaml.Node) (layout, bool) {
	w := walk{text: s.text, pos: skipProperties(s.text, s.offset(n.Line, n.Column)), value: n.Value}
	ok := false
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		ok = w.block()
		w.last = w.pos
	case n.Style&yaml.SingleQuotedStyle != 0:
		ok = w.quoted('\'')
	case n.Style&yaml.DoubleQuotedStyle != 0:
		ok = w.quoted('"')
	default:
		ok = w.flow(0)
	}
	l := layout{value: n.Value, at: w.at, last: w.last, end: w.pos}
	return l, ok && len(w.at) == len(n.Value)
}

// skipProperties is the place behind the anchor and the tag that a node may begin with.
func skipProperties(text string, pos int) int {
	for pos < len(text) && (text[pos] == '&' || text[pos] == '!') {
		end := pos + 1
		for end < len(text) && inProperty(text[pos], text[end:]) {
			end++
		}
		pos = skipBlank(text, end)
	}
	return pos
}

// inProperty reports whether an anchor, which begins with &, or a tag goes on with text.
func inProperty(first byte, text string) bool {
	c := text[0]
	if first == '&' {
		return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	return c != ' ' && c != '\t' && lineBreak(text) == 0
}

// skipBlank is the place behind blanks, line breaks and comments.
func skipBlank(text string, pos int) int {
	for pos < len(text) {
		switch n := lineBreak(text[pos:]); {
		case n > 0:
			pos += n
		case text[pos] == ' ' || text[pos] == '\t':
			pos++
		case text[pos] == '#':
			for pos < len(text) && lineBreak(text[pos:]) == 0 {
				pos++
			}
		default:
			return pos
		}
	}
	return pos
}
