package snapshot_test

import (
	"strings"
	"testing"

	"watchdog/snapshot"
)

// What no recording shows: older servers, foreign sources, and what nobody should send.
func TestShapesOfARow(t *testing.T) {
	for _, test := range []struct {
		name, row string
		field     snapshot.Field
		want      string
	}{
		{"info that is text is the error (CouchDB 2)", `"info":"db_not_found"`, snapshot.FieldError, `"db_not_found"`},
		{"info that is only an error", `"info":{"error":"boom"}`, snapshot.FieldDocsWritten, "?"},
		{"an error that is an object", `"info":{"error":{"a": 1}}`, snapshot.FieldError, `"{\"a\": 1}"`},
		{"info that is a list", `"info":[]`, snapshot.FieldError, "?"},
		{"a sequence that is a number", `"info":{"through_seq":12}`, snapshot.FieldThroughSeq, "12"},
		{"a sequence that is an array", `"info":{"through_seq":[12,"g1A"]}`, snapshot.FieldThroughSeq, `[12,"g1A"]`},
		{"a sequence that is a fraction", `"info":{"through_seq":1.5}`, snapshot.FieldThroughSeq, "1.5"},
		{"a sequence that is null", `"info":{"through_seq":null}`, snapshot.FieldThroughSeq, "?"},
		{"a counter that is text", `"info":{"docs_written":"7"}`, snapshot.FieldDocsWritten, "?"},
		{"a counter that is a fraction", `"info":{"docs_written":7.5}`, snapshot.FieldDocsWritten, "?"},
		{"a counter of 18 digits", `"info":{"docs_written":123456789012345678}`, snapshot.FieldDocsWritten, "123456789012345678"},
		{"a counter of 19 digits", `"info":{"docs_written":1234567890123456789}`, snapshot.FieldDocsWritten, "1234567890123456789"},
		{"a counter that is too large", `"info":{"docs_written":12345678901234567890}`, snapshot.FieldDocsWritten, "?"},
		{"a negative counter", `"info":{"docs_written":-7}`, snapshot.FieldDocsWritten, "-7"},
		{"a time of an old document", `"last_updated":"2017-04-29T05:01:37+00:00"`, snapshot.FieldLastUpdated, "2017-04-29T05:01:37Z"},
		{"a time of another zone", `"last_updated":"2011-06-07T16:54:35+02:00"`, snapshot.FieldLastUpdated, "2011-06-07T14:54:35Z"},
		{"a time in Unix seconds", `"last_updated":1493442097`, snapshot.FieldLastUpdated, "2017-04-29T05:01:37Z"},
		{"a time beyond all times", `"last_updated":9999999999999`, snapshot.FieldLastUpdated, "?"},
		{"the last day of a month", `"last_updated":"2024-02-29T23:59:59Z"`, snapshot.FieldLastUpdated, "2024-02-29T23:59:59Z"},
		{"a day that does not exist", `"last_updated":"2026-02-29T00:00:00Z"`, snapshot.FieldLastUpdated, "?"},
		{"an hour that does not exist", `"last_updated":"2026-02-28T24:00:00Z"`, snapshot.FieldLastUpdated, "?"},
		{"a time that is words", `"last_updated":"yesterday at noon, UT"`, snapshot.FieldLastUpdated, "?"},
		{"error_count that is missing", `"info":null`, snapshot.FieldErrorCount, "?"},
		{"a state of another age", `"state":"triggered"`, snapshot.FieldState, "triggered"},
		{"a state that is null", `"state":null`, snapshot.FieldState, "?"},
		{"the last of two equal keys", `"state":"running","state":"failed"`, snapshot.FieldState, "failed"},
		{"null as the last of two", `"state":"running","state":null`, snapshot.FieldState, "?"},
		{"the last of two infos", `"info":{"docs_written":1,"through_seq":"1"},"info":{"docs_written":2}`, snapshot.FieldThroughSeq, "?"},
		{"a key with an escape", `"st\u0061te":"running"`, snapshot.FieldState, "running"},
		{"a key of another case is another key", `"State":"running"`, snapshot.FieldState, "?"},
		{"a source with a password", `"source":"https://u:hunter2@h/x?y=@"`, snapshot.FieldSource, "https://u:*****@h/x?y=@"},
		{"an error with a password", `"info":{"error":"GET http:\/\/u:hunter2@h"}`, snapshot.FieldError, `"GET http://u:*****@h"`},
		{"escapes", `"source":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, snapshot.FieldSource, "\"\\/\b\f\n\r\té😀"},
		{"half a surrogate pair", `"source":"\ud83dx\ude00"`, snapshot.FieldSource, "\ufffdx\ufffd"},
		{"bytes that are no UTF-8", "\"source\":\"a\xffb\xc3\"", snapshot.FieldSource, "a\ufffdb\ufffd"},
		{"UTF-8", `"source":"søren ☃"`, snapshot.FieldSource, "søren ☃"},
		{"keys that nobody knows", `"x":[{"y":[]}],"z":true,"state":"running"`, snapshot.FieldState, "running"},
		{"white space", ` "state" : "running" , "x" : false `, snapshot.FieldState, "running"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := look(t, nil, docs(`{"doc_id":"x",`+test.row+`}`), noJobs, noTasks)
			if len(s.RowErrors) > 0 {
				t.Fatal(s.RowErrors)
			}
			if got := say(find(t, s, "x"), test.field); got != test.want {
				t.Errorf("%s: got %s, want %s", test.field, got, test.want)
			}
		})
	}
}

func TestShapesOfAHistory(t *testing.T) {
	const at = `"timestamp":"2026-11-24T12:00:00Z"`
	for _, test := range []struct{ name, history, want string }{
		{"none", `[]`, "pending "},
		{"null", `null`, "? ?"},
		{"text", `"none"`, "? ?"},
		{"an event of a type that nobody knows", `[{` + at + `,"type":"paused","by":["x"]}]`, "pending paused"},
		{"an event without a type", `[{` + at + `,"type":"started"},{` + at + `}]`, "? ?"},
		{"an event without a time", `[{"type":"started"}]`, "? ?"},
		{"an event that is a number", `[7]`, "? ?"},
		{"an event that is null", `[null]`, "? ?"},
		{"a time in Unix seconds", `[{"timestamp":1493442097,"type":"crashed"}]`, "crashing crashed"},
		{"the last of two histories", `[{` + at + `,"type":"crashed"}],"history":[{` + at + `,"type":"started"}]`, "pending started"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := look(t, nil, noDocs, jobs(`{"database":"_replicator","doc_id":"x","id":"r","pid":null,"history":`+test.history+`}`), noTasks)
			if len(s.RowErrors) > 0 {
				t.Fatal(s.RowErrors)
			}
			r := find(t, s, "x")
			if got := say(r, snapshot.FieldState) + " " + say(r, snapshot.FieldHistory); got != test.want {
				t.Errorf("got state and history %s, want %s", got, test.want)
			}
		})
	}
}

func TestAReasonIsMasked(t *testing.T) {
	row := strings.Replace(job("x", "", "crashed@5 started@4"), "db_not_found", `GET http://u:hunter2@h/`, 1)
	r := find(t, look(t, nil, noDocs, jobs(row), noTasks), "x")
	if want := "GET http://u:*****@h/"; r.Error != want || r.History[0].Reason != want {
		t.Errorf("got error %q, reason %q, want %q", r.Error, r.History[0].Reason, want)
	}
}
