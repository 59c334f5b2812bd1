// Package secret keeps what must not be shown from being shown: a string type that masks
// itself wherever it is printed, and masking of credentials inside URLs and free text.
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// Mask stands where a secret was.
const Mask = "*****"

// String is a secret. It prints, logs and marshals as Mask; Reveal is the only way to the value.
// A field that holds one must be exported, for fmt prints others without asking them.
type String string

// Reveal is the secret itself, for the one place that sends it.
func (s String) Reveal() string { return string(s) }

func (s String) String() string {
	if s == "" {
		return ""
	}
	return Mask
}

// Format masks every verb of fmt, those that do not fit a string too: else their complaint would
// show it. Of %p and %w fmt complains without asking; go vet refuses both.
func (s String) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		text = strconv.Quote(text)
	}
	io.WriteString(f, text)
}

// MarshalText masks JSON and text.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML masks YAML.
func (s String) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue masks slog.
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MaskURLs replaces the password of every `scheme://user:password@host` in text by Mask, and
// the user too where there is no password (a token may stand there). CouchDB writes such URLs
// into error reasons. Text without an @ is returned as it is, at the cost of one scan.
func MaskURLs(text string) string {
	if strings.IndexByte(text, '@') < 0 {
		return text
	}
	var b strings.Builder
	for {
		start := strings.Index(text, "://")
		if start < 0 {
			break
		}
		start += len("://")
		rest := text[start:]
		end := strings.IndexAny(rest, "/?# \t\r\n\"`<>{}")
		if end < 0 {
			end = len(rest)
		}
		at := strings.LastIndexByte(rest[:end], '@')
		b.WriteString(text[:start])
		if at <= 0 {
			text = rest
			continue
		}
		if user, _, found := strings.Cut(rest[:at], ":"); found {
			b.WriteString(user)
			b.WriteByte(':')
		}
		b.WriteString(Mask)
		text = rest[at:]
	}
	b.WriteString(text)
	return b.String()
}
