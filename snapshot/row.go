package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// row is one row of /_scheduler/docs or /_scheduler/jobs. A text that is nil was not given, and
// neither was a number, a time or the history whose field is not in known. A field of a kind
// that CouchDB never gives it counts as not given; only what names the replication must be as
// expected. Texts are valid until the next row is read.
//
// There are two readers: fast understands the shapes that CouchDB writes, tolerant every valid
// JSON. Where fast understands a row they agree.
type row struct {
	database, docID, id         []byte
	node, source, target, state []byte
	pid, user                   []byte
	errText                     []byte // info.error, or info itself where it is text (CouchDB 2)
	seqs                        [numSeqs][]byte
	known                       Fields
	errorCount                  int64
	counters                    [numCounters]int64
	lastUpdated, startTime      time.Time
	history                     []rowEvent

	scratch []byte // holds texts that had escapes
}

type rowEvent struct {
	typ, reason []byte
	at          time.Time
}

// The counters and the sequences stand together among the fields.
const (
	firstCounter = FieldDocsRead
	numCounters  = FieldBulkGetAttempts - FieldDocsRead + 1
	firstSeq     = FieldSourceSeq
	numSeqs      = FieldCheckpointedSourceSeq - FieldSourceSeq + 1

	counterFields Fields = (1<<numCounters - 1) << firstCounter
	seqFields     Fields = (1<<numSeqs - 1) << firstSeq
)

// infoField is the field that a member of `info` tells.
func infoField(key []byte) (f Field, ok bool) {
	switch string(key) {
	case "docs_read":
		return FieldDocsRead, true
	case "docs_written":
		return FieldDocsWritten, true
	case "doc_write_failures":
		return FieldDocWriteFailures, true
	case "revisions_checked":
		return FieldRevisionsChecked, true
	case "missing_revisions_found":
		return FieldMissingRevisionsFound, true
	case "changes_pending":
		return FieldChangesPending, true
	case "bulk_get_docs":
		return FieldBulkGetDocs, true
	case "bulk_get_attempts":
		return FieldBulkGetAttempts, true
	case "source_seq":
		return FieldSourceSeq, true
	case "through_seq":
		return FieldThroughSeq, true
	case "checkpointed_source_seq":
		return FieldCheckpointedSourceSeq, true
	}
	return 0, false
}

// reset empties the row for the next one and keeps its memory.
func (r *row) reset() {
	*r = row{history: r.history[:0], scratch: r.scratch[:0]}
}

func (r *row) resetInfo() {
	r.errText = nil
	r.seqs = [numSeqs][]byte{}
	r.counters = [numCounters]int64{}
	r.known &^= counterFields | seqFields
}

func (r *row) resetHistory() {
	r.history = r.history[:0]
	r.known = r.known.Without(FieldHistory)
}

func (r *row) counter(f Field) int64 { return r.counters[f-firstCounter] }

// read reads a row, which is nil where it was longer than maxRow.
func (r *row) read(data []byte) error {
	if data == nil {
		return errTooLong
	}
	r.reset()
	if r.fast(data) {
		return nil
	}
	r.reset()
	return r.tolerant(data)
}

type object = map[string]json.RawMessage

// tolerant reads any JSON object, by way of encoding/json. The last of two equal keys counts.
func (r *row) tolerant(data []byte) error {
	var members object
	if err := json.Unmarshal(data, &members); err != nil {
		if kind := kindOf(data); kind != "an object" {
			return fmt.Errorf("it is %s, not an object", kind)
		}
		return err
	}
	if members == nil {
		return errors.New("it is null, not an object")
	}
	for key, text := range map[string]*[]byte{"database": &r.database, "doc_id": &r.docID} {
		value := members[key]
		if *text = jsonText(value); *text == nil && !isNull(value) {
			return fmt.Errorf("%s is %s, not text", key, kindOf(value))
		}
	}
	r.id = jsonText(members["id"])
	r.node = jsonText(members["node"])
	r.source = jsonText(members["source"])
	r.target = jsonText(members["target"])
	r.state = jsonText(members["state"])
	r.pid = jsonText(members["pid"])
	r.user = jsonText(members["user"])
	r.errorCount = r.number(FieldErrorCount, members["error_count"])
	r.lastUpdated = r.time(FieldLastUpdated, members["last_updated"])
	r.startTime = r.time(FieldStartTime, members["start_time"])
	r.tolerantInfo(members["info"])
	r.tolerantHistory(members["history"])
	return nil
}

func (r *row) tolerantInfo(value json.RawMessage) {
	if r.errText = jsonText(value); r.errText != nil {
		return
	}
	var info object
	if json.Unmarshal(value, &info) != nil {
		return
	}
	if reason, ok := info["error"]; ok {
		r.errText = textOrJSON(reason)
	}
	r.tolerantNumbers(info)
}

// tolerantNumbers reads the counters and the sequences among the members of an object.
func (r *row) tolerantNumbers(members object) {
	for key, v := range members {
		switch f, ok := infoField([]byte(key)); {
		case !ok || isNull(v):
		case f >= firstSeq:
			r.seqs[f-firstSeq] = textOrJSON(v)
		default:
			r.counters[f-firstCounter] = r.number(f, v)
		}
	}
}

// tolerantHistory reads the events. A history of which one event is not understood is not
// known: what is counted from it would be wrong.
func (r *row) tolerantHistory(value json.RawMessage) {
	var events []object
	if json.Unmarshal(value, &events) != nil || events == nil {
		return
	}
	for _, e := range events {
		at, ok := jsonTime(e["timestamp"])
		event := rowEvent{typ: jsonText(e["type"]), at: at, reason: textOrJSON(e["reason"])}
		if !ok || event.typ == nil {
			r.resetHistory()
			return
		}
		r.history = append(r.history, event)
	}
	r.known = r.known.With(FieldHistory)
}

// number is an integer; where there is none, f is not known.
func (r *row) number(f Field, value json.RawMessage) int64 {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return 0
	}
	r.known = r.known.With(f)
	return n
}

func (r *row) time(f Field, value json.RawMessage) time.Time {
	at, ok := jsonTime(value)
	if ok {
		r.known = r.known.With(f)
	}
	return at
}

// jsonText is the text of a JSON string, nil for any other value.
func jsonText(value json.RawMessage) []byte {
	if len(value) == 0 || value[0] != '"' {
		return nil
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return nil
	}
	return append(make([]byte, 0, len(s)), s...) // never nil
}

// textOrJSON is the text of a JSON string, nil for null, and the JSON of anything else.
func textOrJSON(value json.RawMessage) []byte {
	if text := jsonText(value); text != nil || isNull(value) {
		return text
	}
	return value
}

func isNull(value json.RawMessage) bool { return len(value) == 0 || value[0] == 'n' }

// kindOf names the kind of a JSON value, for people.
func kindOf(value []byte) string {
	value = bytes.TrimLeft(value, " \t\r\n")
	if len(value) == 0 {
		return "nothing"
	}
	switch value[0] {
	case '"':
		return "text"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
