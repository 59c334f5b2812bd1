package couchtest

import (
	"strconv"
	"strings"
)

// seqHead is what the opaque part of a sequence begins with on a database of two shards.
const seqHead = "-g1AAAACbeJzLYWBgYMpgTmEQTM4vTc5ISXIwNDLXMwBCwxyQVCJDUv3___-zMpg"

const seqAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// appendSeq writes an update sequence as a cluster does: the number, then a part that looks
// like base64 and means nothing to a client. The same number of the same database always gives
// the same text.
func appendSeq(b []byte, salt uint64, n int64) []byte {
	b = strconv.AppendInt(b, n, 10)
	b = append(b, seqHead...)
	x := salt ^ uint64(n)*0x9e3779b97f4a7c15
	for i := range 70 {
		if i%10 == 0 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		b = append(b, seqAlphabet[x>>(6*(i%10))&63])
	}
	return b
}

// parseSeq reads the number of a sequence; a client may send the opaque form, the number alone,
// or either in quotes.
func parseSeq(s string) (int64, bool) {
	s = strings.Trim(s, `"`)
	digits, _, _ := strings.Cut(s, "-")
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n >= 0
}

// salt is FNV-1a, which is never 0 for a name.
func salt(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}
