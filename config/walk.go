package config

import (
	"strings"
	"unicode/utf8"
)

// walk goes through a scalar's text and its value side by side.
type walk struct {
	text  string
	pos   int
	value string
	at    []int
	last  int
}

// emit takes note that piece, which must come next in the value, stands at a place.
func (w *walk) emit(piece string, place int) bool {
	if !strings.HasPrefix(w.value[len(w.at):], piece) {
		return false
	}
	for range len(piece) {
		w.at = append(w.at, place)
	}
	return true
}

// copyRune takes the next character as it is.
func (w *walk) copyRune() bool {
	_, n := utf8.DecodeRuneInString(w.text[w.pos:])
	for range n {
		if !w.emit(w.text[w.pos:w.pos+1], w.pos) {
			return false
		}
		w.pos++
	}
	return true
}

func (w *walk) quoted(quote byte) bool {
	if w.pos >= len(w.text) || w.text[w.pos] != quote {
		return false
	}
	w.pos++
	return w.flow(quote)
}

// flow walks through a plain scalar, which ends where the value does, or a quoted one.
func (w *walk) flow(quote byte) bool {
	for {
		w.last = w.pos
		if quote == 0 && len(w.at) == len(w.value) {
			return true
		}
		if w.pos >= len(w.text) {
			return false
		}
		var ok bool
		switch c := w.text[w.pos]; {
		case quote == '\'' && strings.HasPrefix(w.text[w.pos:], "''"):
			ok = w.emit("'", w.pos)
			w.pos += 2
		case quote != 0 && c == quote:
			w.pos++
			return true
		case quote == '"' && c == '\\':
			ok = w.escape()
		default:
			if breaks, end := w.breaks(w.pos); len(breaks) > 0 {
				ok = w.fold(breaks)
				w.pos = end
			} else {
				ok = w.copyRune()
			}
		}
		if !ok {
			return false
		}
	}
}

// place is a line break and where it stands.
type place struct {
	text string // as it appears in a value
	at   int
}

// breaks are the line breaks among the blanks from pos on, and the end of those blanks.
func (w *walk) breaks(pos int) (found []place, end int) {
	for pos < len(w.text) {
		n := lineBreak(w.text[pos:])
		if n == 0 && w.text[pos] != ' ' && w.text[pos] != '\t' {
			break
		}
		if n > 0 {
			found = append(found, place{breakValue(w.text[pos : pos+n]), pos})
		}
		pos += max(n, 1)
	}
	return found, pos
}

// breakValue is what a line break becomes in a value.
func breakValue(text string) string {
	if text == "\u2028" || text == "\u2029" {
		return text
	}
	return "\n"
}

// fold takes line breaks inside a plain or quoted scalar: the first is a space, or nothing where
// more follow.
func (w *walk) fold(breaks []place) bool {
	first := breaks[0]
	if first.text != "\n" {
		return w.emitAll(breaks)
	}
	if len(breaks) == 1 {
		return w.emit(" ", first.at)
	}
	return w.emitAll(breaks[1:])
}

func (w *walk) emitAll(breaks []place) bool {
	for _, b := range breaks {
		if !w.emit(b.text, b.at) {
			return false
		}
	}
	return true
}

// escapeLengths are the digits behind the escapes that have some.
var escapeLengths = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// escape takes a backslash and what belongs to it, inside double quotes.
func (w *walk) escape() bool {
	start := w.pos
	w.pos++
	if w.pos >= len(w.text) {
		return false
	}
	if n := lineBreak(w.text[w.pos:]); n > 0 { // the break is not part of the value
		breaks, end := w.breaks(w.pos)
		w.pos = end
		return w.emitAll(breaks[1:])
	}
	w.pos += 1 + escapeLengths[w.text[w.pos]]
	if w.pos > len(w.text) || len(w.at) == len(w.value) {
		return false
	}
	_, n := utf8.DecodeRuneInString(w.value[len(w.at):])
	return w.emit(w.value[len(w.at):len(w.at)+n], start) // whatever it stands for is one character
}

// block walks through a literal or a folded scalar.
func (w *walk) block() bool {
	for w.pos < len(w.text) && lineBreak(w.text[w.pos:]) == 0 {
		w.pos++ // the header
	}
	w.pos += lineBreak(w.text[w.pos:])
	indent := leadOfFirst(w.text[w.pos:]) - leadOfFirst(w.value)
	w.unindent(indent)
	for len(w.at) < len(w.value) {
		if w.pos >= len(w.text) {
			return false
		}
		if lineBreak(w.text[w.pos:]) == 0 {
			if !w.copyRune() {
				return false
			}
			continue
		}
		if !w.blockBreaks(indent) {
			return false
		}
	}
	return true
}

// blockBreaks takes the line breaks at pos. What they are in the value follows from the
// indentation around them, which need not be worked out: the value itself is at hand.
func (w *walk) blockBreaks(indent int) bool {
	var breaks []place
	for w.pos < len(w.text) {
		n := lineBreak(w.text[w.pos:])
		if n == 0 {
			break
		}
		breaks = append(breaks, place{breakValue(w.text[w.pos : w.pos+n]), w.pos})
		w.pos += n
		w.unindent(indent)
	}
	if w.value[len(w.at)] == ' ' {
		return w.emit(" ", breaks[0].at)
	}
	kept := 0 // folding drops one of several, and chomping those at the end: which does not matter
	for rest := w.value[len(w.at):]; kept < len(breaks) && lineBreak(rest) > 0; kept++ {
		rest = rest[lineBreak(rest):]
	}
	return kept > 0 && w.emitAll(breaks[:kept])
}

// unindent skips the indentation of a line.
func (w *walk) unindent(indent int) {
	for ; indent > 0 && w.pos < len(w.text) && w.text[w.pos] == ' '; indent-- {
		w.pos++
	}
}

// leadOfFirst is how many spaces begin the first line that has anything but spaces.
func leadOfFirst(text string) int {
	lead := 0
	for text != "" {
		switch n := lineBreak(text); {
		case n > 0:
			text, lead = text[n:], 0
		case text[0] == ' ':
			text = text[1:]
			lead++
		default:
			return lead
		}
	}
	return 0
}
