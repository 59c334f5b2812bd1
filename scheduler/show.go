package scheduler

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"watchdog/secret"
)

// shown is a Spec without the secrets that its URL may hold; the other ones hide themselves.
type shown Spec

func (s Spec) shown() shown {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil && strings.Contains(s.URL, "@"):
		s.URL = secret.Mask
	case err == nil && u.User != nil:
		s.URL = secret.MaskURLs(s.URL)
	}
	return shown(s)
}

// Format prints the spec as any struct, secrets masked.
func (s Spec) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), s.shown())
}

// MarshalJSON writes the spec as any struct, secrets masked.
func (s Spec) MarshalJSON() ([]byte, error) { return json.Marshal(s.shown()) }
