package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// writeYAML writes JSON as YAML, keys in their order. It is for long listings: six times as fast as
// the library, which takes 150 µs for a row, more than CouchDB does.
func writeYAML(w io.Writer, data []byte) error {
	y := yamlWriter{dec: json.NewDecoder(bytes.NewReader(data))}
	y.dec.UseNumber()
	if err := y.value("", ""); err != nil {
		return fmt.Errorf("write as YAML: %w", err)
	}
	_, err := w.Write(y.out.Bytes())
	return err
}

type yamlWriter struct {
	dec *json.Decoder
	out bytes.Buffer
}

// value writes the next value. indent is that of its lines; after is what stands on the line
// before it: "", "-" or ":".
func (y *yamlWriter) value(indent, after string) error {
	token, err := y.dec.Token()
	if err != nil {
		return err
	}
	delim, nested := token.(json.Delim)
	if !nested || !y.dec.More() {
		text := ""
		if nested {
			_, err = y.dec.Token()
			text = map[json.Delim]string{'{': "{}", '[': "[]"}[delim]
		} else {
			text = yamlScalar(token)
		}
		if after != "" {
			y.out.WriteByte(' ')
		}
		y.out.WriteString(text + "\n")
		return err
	}
	lead := map[string]string{"": indent, "-": " ", ":": "\n" + indent}[after] // of the first line
	for y.dec.More() {
		y.out.WriteString(lead)
		lead = indent
		if delim == '[' {
			y.out.WriteByte('-')
			err = y.value(indent+"  ", "-")
		} else if token, err = y.dec.Token(); err == nil {
			y.out.WriteString(yamlScalar(token) + ":")
			err = y.value(indent+"  ", ":")
		}
		if err != nil {
			return err
		}
	}
	_, err = y.dec.Token()
	return err
}

// yamlPlain is text that reads as itself without quotes, but for yamlWords.
var yamlPlain = regexp.MustCompile(`^[A-Za-z_/](?:[A-Za-z0-9_./@+:-]*[A-Za-z0-9_./@+-])?$`)

// yamlWords are what some reader of YAML takes for something else than text.
var yamlWords = []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}

func yamlScalar(token json.Token) string {
	text, ok := token.(string)
	switch {
	case token == nil:
		return "null"
	case !ok:
		return fmt.Sprint(token) // a number as it stands, or a boolean
	case yamlPlain.MatchString(text) && !slices.Contains(yamlWords, strings.ToLower(text)):
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r <= unicode.MaxASCII && unicode.IsPrint(r), r > 0xa0 && unicode.IsGraphic(r):
			b.WriteRune(r)
		case r > 0xffff:
			b.WriteString(`\U` + hex(r, 8))
		default:
			b.WriteString(`\u` + hex(r, 4))
		}
	}
	return b.String() + `"`
}

func hex(r rune, digits int) string {
	text := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", digits-len(text)) + text
}
