package snapshot

import (
	"time"
	"unicode/utf8"
)

// cursor reads JSON of one row from left to right. Its readers report false, and leave it
// anywhere, where they do not understand what they find.
type cursor struct {
	b       []byte
	i       int
	scratch []byte
}

// peek is the next byte that is not white space, 0 at the end.
func (c *cursor) peek() byte {
	for c.i < len(c.b) {
		if b := c.b[c.i]; !isSpace(b) {
			return b
		}
		c.i++
	}
	return 0
}

func (c *cursor) atEnd() bool { return c.peek() == 0 && c.i == len(c.b) }

// take steps over b if it is next.
func (c *cursor) take(b byte) bool {
	if c.i < len(c.b) && c.b[c.i] == b { // mostly there is no white space
		c.i++
		return true
	}
	return c.takeLater(b)
}

func (c *cursor) takeLater(b byte) bool {
	if c.peek() != b {
		return false
	}
	c.i++
	return true
}

// key reads `"key":`, a key without escapes.
func (c *cursor) key() ([]byte, bool) {
	if !c.take('"') {
		return nil, false
	}
	rest := c.b[c.i:]
	n := plain(rest)
	if n == len(rest) || rest[n] != '"' {
		return nil, false
	}
	c.i += n + 1
	return rest[:n], c.take(':')
}

// text reads a string; where it is not as it stands, its text is put into scratch.
func (c *cursor) text() ([]byte, bool) {
	if !c.take('"') {
		return nil, false
	}
	rest := c.b[c.i:]
	n := plain(rest)
	if n < len(rest) && rest[n] == '"' {
		c.i += n + 1
		return rest[:n:n], true
	}
	escaped := false
	for n < len(rest) && rest[n] != '"' {
		if rest[n] == '\\' {
			escaped = true
			n++
		} else if rest[n] < ' ' {
			return nil, false
		}
		n++
		if n < len(rest) {
			n += plain(rest[n:])
		}
	}
	if n >= len(rest) {
		return nil, false
	}
	c.i += n + 1
	text := rest[:n:n]
	if !escaped && utf8.Valid(text) {
		return text, true
	}
	start := len(c.scratch)
	var ok bool
	c.scratch, ok = unquote(c.scratch, text)
	return c.scratch[start:len(c.scratch):len(c.scratch)], ok
}

func (c *cursor) textOrNull(dst *[]byte) bool {
	if c.peek() != '"' {
		*dst = nil
		return c.null()
	}
	var ok bool
	*dst, ok = c.text()
	return ok
}

func (c *cursor) null() bool { return c.literal("null") }

func (c *cursor) literal(word string) bool {
	c.peek()
	rest := c.b[c.i:]
	if len(rest) < len(word) || string(rest[:len(word)]) != word {
		return false
	}
	c.i += len(word)
	return true
}

// int reads an integer of at most 18 digits. What follows it is not looked at: a fraction or an
// exponent is then not what the caller expects.
func (c *cursor) int() (int64, bool) {
	negative := c.peek() == '-'
	if negative {
		c.i++
	}
	start := c.i
	var n int64
	for c.i < len(c.b) && '0' <= c.b[c.i] && c.b[c.i] <= '9' {
		if c.i-start == 18 {
			return 0, false
		}
		n = n*10 + int64(c.b[c.i]-'0')
		c.i++
	}
	if c.i == start || c.b[start] == '0' && c.i > start+1 {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

func (c *cursor) intOrNull(f Field, dst *int64, r *row) bool {
	if c.peek() == 'n' {
		*dst, r.known = 0, r.known.Without(f)
		return c.null()
	}
	var ok bool
	*dst, ok = c.int()
	r.known = r.known.With(f)
	return ok
}

func (c *cursor) timeOrNull(f Field, dst *time.Time, r *row) bool {
	*dst, r.known = time.Time{}, r.known.Without(f)
	if c.peek() == 'n' {
		return c.null()
	}
	text, ok := c.text()
	if !ok {
		return false
	}
	if *dst, ok = parseTime(text); ok {
		r.known = r.known.With(f)
	}
	return true
}

// skip passes over a value that is neither an object nor an array.
func (c *cursor) skip() bool {
	switch c.peek() {
	case '"':
		_, ok := c.text()
		return ok
	case 'n':
		return c.null()
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	}
	_, ok := c.int()
	return ok
}
