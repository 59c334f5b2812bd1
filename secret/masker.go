package secret

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// minMasked is the length from which on a Masker looks for a value: a shorter one would mask every
// other word.
const minMasked = 3

// Masker puts Mask in place of each of the values, as they are and as they are written inside a
// URL or inside JSON, in texts that others wrote. Where one holds another, the longer one wins.
func Masker(values ...string) *strings.Replacer {
	var forms []string
	for _, v := range values {
		if len(v) >= minMasked {
			forms = append(append(forms, v, url.QueryEscape(v), url.PathEscape(v)), inJSON(v)...)
		}
	}
	slices.SortStableFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, Mask)
	}
	return strings.NewReplacer(pairs...)
}

// inJSON is a value as it is written inside the strings of a JSON text: plainly, as Go writes it (<,
// > and & as numbers), as Python does (ASCII only), and as PHP does (a slash behind a backslash too).
func inJSON(value string) []string {
	quoted, err := json.Marshal(value)
	if err != nil {
		return nil // of a string, never
	}
	asGo := string(quoted[1 : len(quoted)-1])
	plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(asGo)
	var ascii strings.Builder
	for _, r := range plain {
		if r < utf8.RuneSelf {
			ascii.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&ascii, `\u%04x`, unit)
		}
	}
	return []string{asGo, plain, ascii.String(), strings.ReplaceAll(ascii.String(), "/", `\/`)}
}
