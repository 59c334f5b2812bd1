package snapshot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"watchdog/secret"
)

// Writer appends to a recording.
type Writer struct {
	out io.Writer
	buf bytes.Buffer
}

// NewWriter appends lines to out, which ends with a whole line or is empty.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out} }

// Write appends one line, in a single call of the Write beneath. The credentials of URLs in it
// are masked; the rest of the bodies is written as it is, without white space between values.
func (w *Writer) Write(l *Line) error {
	masked := *l
	masked.T = l.T.UTC()
	masked.Docs = MaskJSON(l.Docs)
	masked.Jobs = MaskJSON(l.Jobs)
	masked.ActiveTasks = MaskJSON(l.ActiveTasks)
	masked.Error = secret.MaskURLs(l.Error)
	if l.Asked != nil {
		masked.Asked = make(map[string]json.RawMessage, len(l.Asked))
		for name, answer := range l.Asked {
			masked.Asked[name] = MaskJSON(answer)
		}
	}
	w.buf.Reset()
	enc := json.NewEncoder(&w.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&masked); err != nil {
		return fmt.Errorf("write the snapshot of %s: %w", l.server(), err)
	}
	if _, err := w.out.Write(w.buf.Bytes()); err != nil {
		return fmt.Errorf("write the snapshot of %s: %w", l.server(), err)
	}
	return nil
}

// MaskJSON is data, which is JSON, without the credentials of URLs in its strings.
func MaskJSON(data []byte) []byte {
	if !bytes.ContainsRune(data, '@') && !bytes.Contains(data, []byte(`\u0040`)) {
		return data
	}
	out := make([]byte, 0, len(data))
	c := cursor{b: data}
	for {
		quote := bytes.IndexByte(data[c.i:], '"')
		if quote < 0 {
			return append(out, data[c.i:]...)
		}
		out = append(out, data[c.i:c.i+quote]...)
		c.i += quote
		start := c.i
		c.scratch = c.scratch[:0]
		text, ok := c.text()
		if !ok { // no JSON: it will be refused
			return append(out, data[start:]...)
		}
		if shown := masked(text); !bytes.Equal(shown, text) {
			out = appendQuoted(out, shown)
			continue
		}
		out = append(out, data[start:c.i]...)
	}
}

// appendQuoted appends text as a JSON string.
func appendQuoted(out, text []byte) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(string(text)) != nil {
		return out // a string can always be encoded
	}
	return append(out, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
