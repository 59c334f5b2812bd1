package notify

import (
	"strings"
	"unicode"
)

// maxExcerpt is how many characters of an answer an error shows.
const maxExcerpt = 300

// Excerpt is what a receiver answered, fit for an error: its beginning, on one line, without
// control characters; of a web page, that it is one. Secrets in it are the caller's to mask.
func Excerpt(answer string) string {
	if strings.HasPrefix(strings.TrimSpace(answer), "<") {
		return "a web page"
	}
	answer = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, answer)
	runes := []rune(strings.Join(strings.Fields(answer), " "))
	if len(runes) > maxExcerpt {
		return string(runes[:maxExcerpt]) + "…"
	}
	return string(runes)
}
