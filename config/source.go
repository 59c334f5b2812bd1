package config

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"watchdog/diag"
	"watchdog/secret"
)

// source is one file's text, and the ways between a byte of it and what people count in.
type source struct {
	path string
	text string // without a byte order mark

	lines     []int // where each line begins, as editors count them
	yamlLines []int // where each line begins, as YAML counts them: it knows more line breaks
	secrets   []span
}

// span is a part of a file, in bytes.
type span struct{ start, end int }

func newSource(path string, text []byte) *source {
	s := &source{path: path, text: strings.TrimPrefix(string(text), "\ufeff")}
	s.lines, s.yamlLines = []int{0}, []int{0}
	for i := 0; i < len(s.text); {
		n := lineBreak(s.text[i:])
		if n > 0 {
			s.yamlLines = append(s.yamlLines, i+n)
		}
		i += max(n, 1)
		if s.text[i-1] == '\n' {
			s.lines = append(s.lines, i)
		}
	}
	return s
}

// lineBreak is how many bytes the line break at the start of text has: 0 when there is none.
func lineBreak(text string) int {
	switch {
	case strings.HasPrefix(text, "\n"):
		return 1
	case strings.HasPrefix(text, "\r\n"):
		return 2
	case strings.HasPrefix(text, "\r"):
		return 1
	case strings.HasPrefix(text, "\u0085"):
		return 2
	case strings.HasPrefix(text, "\u2028"), strings.HasPrefix(text, "\u2029"):
		return 3
	}
	return 0
}

// offset is the byte at a line and a column of YAML's, both from 1, columns in characters.
func (s *source) offset(line, column int) int {
	if line < 1 || line > len(s.yamlLines) {
		return len(s.text)
	}
	at := s.yamlLines[line-1]
	for ; column > 1 && at < len(s.text); column-- {
		_, n := utf8.DecodeRuneInString(s.text[at:])
		at += n
	}
	return at
}

// line is the number, from 1, of the line that holds the byte at offset.
func (s *source) line(offset int) int {
	i, found := slices.BinarySearch(s.lines, offset)
	if found {
		i++
	}
	return i
}

// lineSpan bounds a line, its break left out.
func (s *source) lineSpan(line int) span {
	at := span{s.lines[line-1], len(s.text)}
	if line < len(s.lines) {
		at.end = s.lines[line] - 1
	}
	if at.end > at.start && s.text[at.end-1] == '\r' {
		at.end--
	}
	return at
}

// lineText is a line as it is written, "" where there is none.
func (s *source) lineText(line int) string {
	if line < 1 || line > len(s.lines) {
		return ""
	}
	at := s.lineSpan(line)
	return s.text[at.start:at.end]
}

// rest is from offset to the end of its line, trailing blanks left out.
func (s *source) rest(offset int) span {
	end := s.lineSpan(s.line(offset)).end
	return span{offset, max(offset, offset+len(strings.TrimRight(s.text[min(offset, end):end], " \t")))}
}

// diagnose fills in file, line, column and text of a diagnostic whose mark begins at a span.
func (s *source) diagnose(at span, d diag.Diagnostic) diag.Diagnostic {
	at.start = min(at.start, len(s.text))
	d.File, d.Line = s.path, s.line(at.start)
	row := s.lineSpan(d.Line)
	at.start = min(at.start, row.end)
	at.end = max(at.start, min(at.end, row.end))
	d.Column = 1 + utf8.RuneCountInString(s.text[row.start:at.start])

	text, column, width := s.show(row, at)
	d.Text, d.Width = strings.TrimRight(text, " \t"), width
	if column != d.Column {
		d.Mark = column
	}
	return d
}

// show is a line as it may be shown, and the column and the width, in characters, that the span
// at has in it.
func (s *source) show(row, at span) (text string, column, width int) {
	var out []rune
	first, last := -1, -1
	hidden := s.hidden(row)
	for i := row.start; i < row.end; {
		var piece rune
		var next int
		if len(hidden) > 0 && i >= hidden[0].start {
			next = max(i, hidden[0].end)
			hidden = hidden[1:]
		} else {
			r, n := utf8.DecodeRuneInString(s.text[i:])
			if r != '\t' && (unicode.IsControl(r) || lineBreak(s.text[i:]) > 0) {
				r = ' ' // it would tear the line
			}
			piece, next = r, i+n
		}
		if first < 0 && at.start < next {
			first = len(out)
		}
		if piece == 0 {
			out = append(out, []rune(secret.Mask)...)
		} else {
			out = append(out, piece)
		}
		if at.end > i {
			last = len(out)
		}
		i = next
	}
	if first < 0 {
		first = len(out)
	}
	return string(out), first + 1, max(1, last-first)
}

// hidden are the parts of a line that are not shown, in order, none touching another.
func (s *source) hidden(row span) []span {
	var all []span
	text := s.text[row.start:row.end]
	for _, at := range s.secrets {
		if at.start >= row.end || at.end <= row.start {
			continue
		}
		if at.start < row.start { // it began on a line before: leave the indentation
			at.start = row.start + len(text) - len(strings.TrimLeft(text, " \t"))
		}
		if at.end = min(at.end, row.end); at.start < at.end {
			all = append(all, at)
		}
	}
	found := findCredentials(text)
	if at, ok := findCommentedSecret(text); ok {
		found = append(found, at)
	}
	for _, at := range found {
		all = append(all, span{row.start + at.start, row.start + at.end})
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	merged := all[:0]
	for _, at := range all {
		if n := len(merged); n > 0 && at.start <= merged[n-1].end {
			merged[n-1].end = max(merged[n-1].end, at.end)
			continue
		}
		merged = append(merged, at)
	}
	return merged
}
