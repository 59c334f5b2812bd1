package snapshot

import (
	"encoding/binary"
	"math/bits"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// plain is how many bytes at the start of b are ordinary inside a JSON string: ASCII, and
// neither quote, backslash nor control character. It looks at eight bytes at a time.
func plain(b []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	n := 0
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		control := w - ' '*ones // a byte below ' ' borrows into its high bit
		quote := (w ^ '"'*ones) - ones
		backslash := (w ^ '\\'*ones) - ones
		if special := (control | quote | backslash | w) & highs; special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
		b = b[8:]
		n += 8
	}
	for i, c := range b {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return n + i
		}
	}
	return n + len(b)
}

// unquote appends to dst the text that s, the inside of a JSON string, stands for. Like
// encoding/json it writes U+FFFD for what is not UTF-8 and for half a surrogate pair, so that
// one bad byte does not lose a row. It reports whether s is well formed.
func unquote(dst, s []byte) ([]byte, bool) {
	for len(s) > 0 {
		n := plain(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; len(s) == 0 {
			break
		}
		switch c := s[0]; {
		case c == '\\':
			r, size := unescape(s)
			if size == 0 {
				return dst, false
			}
			dst = utf8.AppendRune(dst, r)
			s = s[size:]
		case c < utf8.RuneSelf: // a quote or a control character
			return dst, false
		default:
			r, size := utf8.DecodeRune(s)
			dst = utf8.AppendRune(dst, r)
			s = s[size:]
		}
	}
	return dst, true
}

// unescape is the character that the escape at the start of s stands for, and the length of
// the escape: 0 when it is none.
func unescape(s []byte) (r rune, size int) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case '"', '\\', '/':
		return rune(s[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r = unescapeHex(s)
		if r < 0 {
			return 0, 0
		}
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if pair := utf16.DecodeRune(r, unescapeHex(s[6:])); pair != unicode.ReplacementChar {
			return pair, 12
		}
		return unicode.ReplacementChar, 6
	}
	return 0, 0
}

// unescapeHex reads `\u` and four hexadecimal digits at the start of s; -1 when they are not
// there.
func unescapeHex(s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range s[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
