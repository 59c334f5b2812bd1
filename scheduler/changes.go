package scheduler

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// changes is what an answer of /{db}/_changes says beside its rows.
type changes struct {
	last    string // the sequence to go on from
	pending *int64 // how many changes come after it; nil where the server does not say
}

// change is a row of /{db}/_changes: a document that was written. The document itself is never
// asked for, since it holds credentials in the clear.
type change struct {
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
}

// readChanges reads an answer of /{db}/_changes, one that is not continuous, row by row.
func readChanges(body io.Reader, each func(change)) (changes, error) {
	var found changes
	var last json.RawMessage
	dec := json.NewDecoder(body)
	err := opens(dec, '{')
	for err == nil && dec.More() {
		var key json.Token
		if key, err = dec.Token(); err != nil {
			break
		}
		switch key {
		case "results":
			err = readRows(dec, each)
		case "last_seq":
			err = dec.Decode(&last)
		case "pending":
			err = dec.Decode(&found.pending)
		default:
			err = dec.Decode(new(json.RawMessage))
		}
	}
	if err == nil {
		_, err = dec.Token() // no closing brace: there may be more
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if found.last = seqText(last); err == nil && found.last == "" {
		err = errors.New("it has no last_seq")
	}
	if err != nil {
		return changes{}, fmt.Errorf("read changes: %w", err)
	}
	return found, nil
}

// changes reads the body.
func (a *answer) changes(each func(change)) (changes, error) {
	found, err := readChanges(a, each)
	if err != nil {
		err = a.client.failed(a.method, a.path, err)
	}
	return found, err
}

func readRows(dec *json.Decoder, each func(change)) error {
	if err := opens(dec, '['); err != nil {
		return err
	}
	for dec.More() {
		var row change
		if err := dec.Decode(&row); err != nil {
			return err
		}
		if row.ID == "" {
			return errors.New("a row has no id")
		}
		each(row)
	}
	_, err := dec.Token()
	return err
}

func opens(dec *json.Decoder, bracket json.Delim) error {
	open, err := dec.Token()
	if err == nil && open != bracket {
		err = fmt.Errorf("%v where %v is expected", open, bracket)
	}
	return err
}

// seqText is a sequence as it is sent back: text without its quotes, the JSON of a number or of
// an array.
func seqText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// sequence is one in an answer, as it is sent back.
type sequence string

func (s *sequence) UnmarshalJSON(data []byte) error {
	*s = sequence(seqText(data))
	return nil
}

// seqNumber is how many changes a sequence counts; false where it does not begin with a number.
// Two sequences of one database are compared by nothing else, and only to find that one is lower
// than it can be.
func seqNumber(seq string) (int64, bool) {
	digits, _, _ := strings.Cut(strings.Trim(seq, `[" `), "-")
	digits, _, _ = strings.Cut(digits, ",")
	n, err := strconv.ParseInt(strings.Trim(digits, `" `), 10, 64)
	return n, err == nil
}

// wentBack reports whether a feed that was asked for what came after one sequence ends at a
// lower one, as that of a database does which was deleted and made anew.
func wentBack(since, last string) bool {
	from, known := seqNumber(since)
	to, alsoKnown := seqNumber(last)
	return known && alsoKnown && to < from
}

func changesPath(database string) string { return "/" + escape(database) + "/_changes" }

// since is the query for what came after a sequence.
func since(seq string, more ...string) string {
	return strings.Join(append([]string{"since=" + url.QueryEscape(cmp.Or(seq, "0"))}, more...), "&")
}
