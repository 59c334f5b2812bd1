package snapshot

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"watchdog/secret"
)

// maxRow is the size of the largest row that is read. A larger one is passed over, so that
// memory is bounded whatever a server sends.
const maxRow = 16 << 20

// errTooLong stands for a row of more than maxRow bytes.
var errTooLong = fmt.Errorf("longer than %d MiB", maxRow>>20)

// framer cuts an answer of CouchDB into its rows without decoding them, in memory bounded by
// the longest row.
type framer struct {
	src      io.Reader
	err      error // what src said last
	buf      []byte
	pos, end int   // what is read and not used yet is buf[pos:end]
	total    int64 // bytes read
	rows     int   // rows begun
	said     int   // total_rows
}

func (f *framer) reset(src io.Reader) {
	*f = framer{src: src, buf: f.buf}
	if f.buf == nil {
		f.buf = make([]byte, 64<<10)
	}
}

// refusal is CouchDB's `{"error": …, "reason": …}` in place of what was asked for.
type refusal struct {
	Name   string `json:"error"`
	Reason string `json:"reason"`
}

func (r *refusal) Error() string {
	return "the server answered " + secret.MaskURLs(r.Name) + ": " + secret.MaskURLs(r.Reason)
}

// list reads an answer that is one object with a list under one of the names, and calls each
// with every row of it; data is valid during the call and nil for a row longer than maxRow.
// Anything but a whole answer is an error: a list that ends early is never taken for a shorter
// list.
func (f *framer) list(names []string, each func(row int, data []byte)) error {
	found := false
	var refused refusal
	err := f.object(func(key string) error {
		c, err := f.next()
		switch {
		case err != nil:
			return err
		case c != '[' || !slices.Contains(names, key):
			return f.other(key, &refused)
		case found:
			return fmt.Errorf("the answer has a second list %q", key)
		}
		found = true
		return f.array(each)
	})
	switch {
	case err != nil:
		return err
	case refused.Name != "":
		return &refused
	case !found:
		return fmt.Errorf("the answer has no list %q", names[0])
	}
	return f.finish()
}

// object calls member with every key of the answer, which is an object; it reads the value.
func (f *framer) object(member func(key string) error) error {
	c, err := f.next()
	if err != nil {
		return err
	}
	if c != '{' {
		return f.notA("object")
	}
	f.pos++
	if c, err = f.next(); err == nil && c == '}' {
		f.pos++
		return nil
	}
	for {
		key, err := f.key()
		if err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		if more, err := f.more('}'); err != nil || !more {
			return err
		}
	}
}

// key reads `"key":` and returns the key as it stands between the quotes.
func (f *framer) key() (string, error) {
	c, err := f.next()
	if err != nil {
		return "", err
	}
	if c != '"' {
		return "", f.unexpected(c, "a key")
	}
	data, err := f.value()
	if err != nil {
		return "", err
	}
	if data == nil || !json.Valid(data) {
		return "", f.unexpected(c, "a key")
	}
	key := string(data[1 : len(data)-1])
	if c, err = f.next(); err != nil {
		return "", err
	}
	if c != ':' {
		return "", f.unexpected(c, "':'")
	}
	f.pos++
	return key, nil
}

// other reads a value that is not the list: total_rows, offset, or what refuses the request.
func (f *framer) other(key string, refused *refusal) error {
	data, err := f.value()
	if err != nil {
		return err
	}
	if data == nil {
		return fmt.Errorf("%q is %w", key, errTooLong)
	}
	if !json.Valid(data) {
		return fmt.Errorf("%q has no valid value", key)
	}
	switch key {
	case "total_rows":
		f.said, _ = strconv.Atoi(string(data)) // null, where there is no telling
	case "error":
		refused.Name = scalarText(data)
	case "reason":
		refused.Reason = scalarText(data)
	}
	return nil
}

// scalarText is a JSON string without its quotes, and anything else as it stands.
func scalarText(data []byte) string {
	var s string
	if json.Unmarshal(data, &s) != nil {
		return string(data)
	}
	return s
}

// array calls each with every element of the array that begins here.
func (f *framer) array(each func(row int, data []byte)) error {
	f.pos++ // the bracket
	c, err := f.next()
	if err == nil && c == ']' {
		f.pos++
		return nil
	}
	for {
		f.rows++
		data, err := f.value()
		if err != nil {
			return err
		}
		if data != nil && len(data) == 0 {
			return f.unexpected(f.buf[f.pos], "a row")
		}
		each(f.rows, data)
		if more, err := f.more(']'); err != nil || !more {
			return err
		}
	}
}

// more steps over the comma behind an element, or over the bracket that ends them.
func (f *framer) more(end byte) (bool, error) {
	c, err := f.next()
	switch {
	case err != nil:
		return false, err
	case c != ',' && c != end:
		return false, f.unexpected(c, fmt.Sprintf("',' or %q", end))
	}
	f.pos++
	return c == ',', nil
}

// finish makes sure that nothing follows.
func (f *framer) finish() error {
	c, err := f.next()
	switch {
	case err == nil:
		return f.unexpected(c, "the end of the answer")
	case f.err == io.EOF:
		return nil
	}
	return err
}

// value is the next JSON value as it stands, without white space around it; nil when it is
// longer than maxRow, empty when none begins here. It is valid until more is read. Only strings
// and brackets are looked at, so it may be malformed inside.
func (f *framer) value() ([]byte, error) {
	if _, err := f.next(); err != nil {
		return nil, err
	}
	var s span
	scanned, tooLong := 0, false
	for {
		n, done := s.scan(f.buf[f.pos+scanned : f.end])
		scanned += n
		if done {
			data := f.buf[f.pos : f.pos+scanned]
			f.pos += scanned
			if tooLong || len(data) > maxRow {
				return nil, nil
			}
			return data, nil
		}
		if scanned > maxRow {
			f.pos += scanned
			scanned, tooLong = 0, true
		}
		if err := f.fill(); err != nil {
			return nil, err
		}
	}
}

// next is the next byte that is not white space; it stays unread.
func (f *framer) next() (byte, error) {
	for {
		for ; f.pos < f.end; f.pos++ {
			if c := f.buf[f.pos]; !isSpace(c) {
				return c, nil
			}
		}
		if err := f.fill(); err != nil {
			return 0, err
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// fill reads at least one byte behind what is not used yet.
func (f *framer) fill() error {
	if f.pos > 0 {
		f.end = copy(f.buf, f.buf[f.pos:f.end])
		f.pos = 0
	}
	if f.end == len(f.buf) {
		f.buf = append(f.buf, make([]byte, len(f.buf))...)
	}
	for tries := 0; f.err == nil; tries++ {
		n, err := f.src.Read(f.buf[f.end:])
		f.end += n
		f.total += int64(n)
		if f.err = err; n > 0 {
			return nil
		}
		if tries == 100 {
			f.err = io.ErrNoProgress
		}
	}
	err := f.err
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("the answer stops %s, after %d bytes: %w", f.where(), f.total, err)
}

// where tells people which part of the answer is being read.
func (f *framer) where() string {
	if f.rows == 0 {
		return "before its first row"
	}
	return fmt.Sprintf("at row %d", f.rows)
}

func (f *framer) unexpected(c byte, want string) error {
	return fmt.Errorf("the answer is malformed %s, byte %d: %q in place of %s",
		f.where(), f.total-int64(f.end-f.pos), c, want)
}

// notA quotes the beginning of an answer that is not of the kind expected, such as an HTML page.
func (f *framer) notA(kind string) error {
	const shown = 40
	text := secret.MaskURLs(string(f.buf[f.pos:f.end]))
	if len(text) > shown {
		text = text[:shown] + "…"
	}
	return fmt.Errorf("the answer is no JSON %s: it begins with %q", kind, text)
}
