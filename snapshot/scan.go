package snapshot

import (
	"time"
	"unicode/utf8"
)

// fast reads a row of the shape that CouchDB writes. It reports false, with the row in any
// state, where it meets something else, malformed or only unusual.
func (r *row) fast(data []byte) bool {
	c := cursor{b: data, scratch: r.scratch}
	ok := c.row(r) && c.atEnd()
	r.scratch = c.scratch
	return ok
}

// row reads an object into r, key by key.
func (c *cursor) row(r *row) bool {
	if !c.take('{') {
		return false
	}
	if c.take('}') {
		return true
	}
	for {
		key, ok := c.key()
		if !ok || !c.rowMember(key, r) {
			return false
		}
		if !c.take(',') {
			return c.take('}')
		}
	}
}

func (c *cursor) rowMember(key []byte, r *row) bool {
	switch string(key) {
	case "database":
		return c.textOrNull(&r.database)
	case "doc_id":
		return c.textOrNull(&r.docID)
	case "id":
		return c.textOrNull(&r.id)
	case "node":
		return c.textOrNull(&r.node)
	case "source":
		return c.textOrNull(&r.source)
	case "target":
		return c.textOrNull(&r.target)
	case "state":
		return c.textOrNull(&r.state)
	case "pid":
		return c.textOrNull(&r.pid)
	case "user":
		return c.textOrNull(&r.user)
	case "error_count":
		return c.intOrNull(FieldErrorCount, &r.errorCount, r)
	case "last_updated":
		return c.timeOrNull(FieldLastUpdated, &r.lastUpdated, r)
	case "start_time":
		return c.timeOrNull(FieldStartTime, &r.startTime, r)
	case "info":
		return c.info(r)
	case "history":
		return c.history(r)
	}
	return c.skip()
}

func (c *cursor) info(r *row) bool {
	r.resetInfo()
	if c.peek() != '{' {
		return c.textOrNull(&r.errText)
	}
	c.i++
	if c.take('}') {
		return true
	}
	for {
		key, ok := c.key()
		if !ok || !c.infoMember(key, r) {
			return false
		}
		if !c.take(',') {
			return c.take('}')
		}
	}
}

func (c *cursor) infoMember(key []byte, r *row) bool {
	f, ok := infoField(key)
	switch {
	case ok && f >= firstSeq:
		return c.seq(&r.seqs[f-firstSeq])
	case ok:
		return c.intOrNull(f, &r.counters[f-firstCounter], r)
	case string(key) == "error":
		return c.textOrNull(&r.errText)
	}
	return c.skip()
}

// seq reads a sequence that is text, null or a plain number.
func (c *cursor) seq(dst *[]byte) bool {
	if c.peek() == '"' || c.peek() == 'n' {
		return c.textOrNull(dst)
	}
	start := c.i
	_, ok := c.int()
	*dst = c.b[start:c.i]
	return ok
}

func (c *cursor) history(r *row) bool {
	r.resetHistory()
	if c.null() {
		return true
	}
	if !c.take('[') {
		return false
	}
	r.known = r.known.With(FieldHistory)
	if c.take(']') {
		return true
	}
	for {
		if !c.event(r) {
			return false
		}
		if !c.take(',') {
			return c.take(']')
		}
	}
}

func (c *cursor) event(r *row) bool {
	if !c.take('{') {
		return false
	}
	var e rowEvent
	var at []byte
	for {
		key, ok := c.key()
		if !ok {
			return false
		}
		switch string(key) {
		case "timestamp":
			ok = c.textOrNull(&at)
		case "type":
			ok = c.textOrNull(&e.typ)
		case "reason":
			ok = c.textOrNull(&e.reason)
		default:
			ok = c.skip()
		}
		if !ok {
			return false
		}
		if !c.take(',') {
			break
		}
	}
	var ok bool
	if e.at, ok = parseTime(at); !ok || e.typ == nil || !c.take('}') {
		return false
	}
	r.history = append(r.history, e)
	return true
}

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
