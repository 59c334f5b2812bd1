package secret

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// minMasked is the length from which on a Masker looks for a value: a shorter one would mask every
// other word.
const minMasked = 3

// Masker puts Mask in place of each of the values, as they are and as they are written inside a
// URL, in texts that others wrote. Where one holds another, the longer one wins.
func Masker(values ...string) *strings.Replacer {
	var forms []string
	for _, v := range values {
		if len(v) >= minMasked {
			forms = append(forms, v, url.QueryEscape(v), url.PathEscape(v))
		}
	}
	slices.SortStableFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, Mask)
	}
	return strings.NewReplacer(pairs...)
}
