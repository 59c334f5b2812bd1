package snapshot

// span finds the end of one JSON value in text that comes in pieces.
type span struct {
	depth   int
	inside  spanPlace
	escaped bool // the byte before was a backslash
}

type spanPlace uint8

const (
	atStart spanPlace = iota
	inScalar
	inString
	between // strings, inside brackets
)

// scan goes on in the next piece: n bytes of it belong to the value, which done says is whole.
func (s *span) scan(b []byte) (n int, done bool) {
	for n < len(b) {
		if s.inside == inString {
			n += s.skipString(b[n:])
			if s.inside != inString && s.depth == 0 {
				return n, true
			}
			continue
		}
		switch b[n] {
		case '"':
			if s.inside == inScalar {
				return n, true
			}
			if s.depth > 0 { // mostly a whole string without escapes
				end := n + 1 + plain(b[n+1:])
				if end < len(b) && b[end] == '"' {
					n = end
					break
				}
			}
			s.inside = inString
		case '{', '[':
			if s.inside == inScalar {
				return n, true
			}
			s.inside = between
			s.depth++
		case '}', ']':
			if s.depth == 0 {
				return n, true
			}
			if s.depth--; s.depth == 0 {
				return n + 1, true
			}
		case ',', ':', ' ', '\n', '\r', '\t':
			if s.depth == 0 {
				return n, true
			}
		default:
			if s.depth == 0 {
				s.inside = inScalar
			}
		}
		n++
	}
	return n, false
}

// skipString goes on inside a string, to behind its closing quote if that is in b.
func (s *span) skipString(b []byte) (n int) {
	for n < len(b) {
		if s.escaped {
			s.escaped = false
			n++
			continue
		}
		if n += plain(b[n:]); n == len(b) {
			break
		}
		switch b[n] {
		case '"':
			s.inside = between
			return n + 1
		case '\\':
			s.escaped = true
		}
		n++
	}
	return n
}
