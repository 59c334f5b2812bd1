package snapshot_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/secret"
	"watchdog/snapshot"
)

// oddities are rows that no CouchDB writes, or only an old one.
var oddities = []string{
	`{"doc_id":"x","info":"2.x says it so","error_count":1}`,
	`{"doc_id":"x","info":{"error":{"a":1}}}`,
	`{"doc_id":"x","info":{"source_seq":12,"through_seq":[7,"g1A"],"checkpointed_source_seq":-0,"docs_read":1e3}}`,
	`{"doc_id":"x","info":{"docs_written":12345678901234567890,"docs_read":123456789012345678,"source_seq":7}}`,
	"{\"doc_id\":\"aaaaaaaaaaaaaaaa\x01aaaaaaaaaaaaaaaa\"}",
	`{"doc_id":"x","doc_id":"y","info":{"docs_read":1},"info":null,"error_count":3,"error_count":null}`,
	`{"doc_id":"x","last_updated":1495000000,"start_time":"2011-06-07T16:54:35+02:00"}`,
	`{"doc_id":"x","last_updated":"2026-02-30T00:00:00Z","start_time":"2026-02-28T23:59:60Z"}`,
	`{"doc_id":"\u0000\ud83d\ude00\ud83d\"\\\/\b\f\n\r\t","source":"http:\/\/u:p\u0040h\/"}`,
	"{\"doc_id\":\"\xff\xc3\xa9\xed\xa0\x80\",\"user\":\"\xc3\"}",
	` { "doc_id" : "x" , "extra" : [ { } , { "a" : null } ] , "more" : true , "less" : false , "n" : -1.5e-7 } `,
	`{"st\u0061te":"running","doc_id":"x"}`,
	`{"id":"x","history":[{"timestamp":1495000000,"type":"crashed","reason":{"a":1}}]}`,
	`{"id":"x","history":[{"timestamp":"2026-11-24T12:00:00Z","type":"started"},7]}`,
	`{"id":"x","history":[],"pid":"<0.1.0>"}`,
	`{"id":"x","history":[{}]}`,
	`{"database":7}`, `{"database":[]}`, `null`, `7`, `"x"`, `[]`, `{}`, `{"a":01}`, `{"a":nul}`, `{"error_count":1.0}`,
}

// seedListings adds an answer for every row that was recorded, and for every odd one.
func seedListings(f *testing.F, list string) {
	known := map[string]bool{}
	for _, pattern := range []string{"docs-*.http", "jobs-*.http"} {
		for _, name := range recordings(f, pattern) {
			_, body := recording(f, name)
			for _, row := range snapshot.Rows([]byte(body)) {
				known[string(row)] = true
			}
		}
	}
	for _, row := range append(oddities, slices.Sorted(maps.Keys(known))...) {
		f.Add([]byte(`{"total_rows":1,"offset":0,"` + list + `":[` + row + `]}`))
	}
	f.Add([]byte(`{"` + list + `":[{]}`))
	f.Add([]byte(`{"` + list + `":[],"\x":1}`))
	f.Add([]byte(docs(oddities...)))
}

// checkListing is what must be true of every answer.
func checkListing(t *testing.T, body []byte, read func(*snapshot.Builder, io.Reader) error) {
	b := snapshot.NewBuilder("prod", noon)
	err := read(b, bytes.NewReader(body))
	s := b.Snapshot()
	if err == nil && len(s.RowErrors) == 0 && !json.Valid(body) {
		t.Errorf("an answer that is no JSON was read without an error: %q", body)
	}
	if (err != nil) != (len(s.Gaps) > 0 && s.Gaps[0].Err == err) {
		t.Errorf("got error %v and gaps %v, want the error among them", err, s.Gaps)
	}
	again := snapshot.NewBuilder("prod", noon)
	again.Reuse(s)
	read(again, bytes.NewReader(body))
	if diff := cmp.Diff(dump(s), dump(again.Snapshot())); diff != "" {
		t.Errorf("read again it says another thing: -first +second:\n%s", diff)
	}
	for _, row := range snapshot.Rows(body) {
		fast := snapshot.FastRow(row)
		if fast == "" {
			continue
		}
		if diff := cmp.Diff(snapshot.TolerantRow(row), fast); diff != "" {
			t.Errorf("row %q: -tolerant +fast:\n%s", row, diff)
		}
	}
}

func FuzzDocs(f *testing.F) {
	seedListings(f, "docs")
	f.Fuzz(func(t *testing.T, body []byte) {
		checkListing(t, body, func(b *snapshot.Builder, body io.Reader) error { return b.Docs("_replicator", body) })
	})
}

func FuzzJobs(f *testing.F) {
	seedListings(f, "jobs")
	f.Fuzz(func(t *testing.T, body []byte) {
		checkListing(t, body, (*snapshot.Builder).Jobs)
	})
}

// What CouchDB writes takes the fast way: the tolerant one is eight times slower.
func TestRecordedRowsAreReadFast(t *testing.T) {
	for _, pattern := range []string{"docs-*.http", "jobs-*.http"} {
		for _, name := range recordings(t, pattern) {
			status, body := recording(t, name)
			if status != "200" {
				continue
			}
			for _, row := range snapshot.Rows([]byte(body)) {
				spaced := bytes.ReplaceAll(bytes.ReplaceAll(row, []byte(`":`), []byte(`": `)), []byte(`,"`), []byte(`, "`))
				if snapshot.FastRow(row) == "" || snapshot.FastRow(spaced) == "" {
					t.Errorf("%s: the fast reader does not understand %s, or not with spaces", name, row)
				}
			}
		}
	}
}

func FuzzRecording(f *testing.F) {
	timeline, err := os.ReadFile("testdata/timeline.ndjson")
	if err != nil {
		f.Fatal(err)
	}
	first, _, _ := bytes.Cut(timeline, []byte("\n"))
	f.Add(first)
	x := doc("x", "running", info7, "null")
	for _, line := range []string{
		seen(docs(x), noJobs), seen(noDocs, noJobs), `"error":"no"`,
		`"docs":{"team/_replicator":{"rows":[]}},"jobs":{"jobs":[]},"active_tasks":[]`,
		`"jobs":{"jobs":[]},"asked":{"_replicator/x":404,"_replicator/y":` + x + `},"source_pending":{"_replicator/x":5,"_replicator/y":null}`,
	} {
		f.Add([]byte(record(line, line)))
	}
	f.Add([]byte(record(seen(docs(strings.Replace(x, "http://a", `http:\/\/u:p\u0040a`, 1)), noJobs))))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := bytes.Count(data, []byte("\n")) + 1
		all, errs := read(t, bytes.NewReader(data[:min(len(data), 1<<16)]))
		if len(all)+len(errs) > lines {
			t.Errorf("got %d snapshots and %d errors of %d lines", len(all), len(errs), lines)
		}
		for _, err := range errs {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("error %q names no line", err)
			}
		}
		line := snapshot.Line{}
		if json.Unmarshal(data, &line) == nil {
			writtenAndReadAgain(t, &line)
		}
	})
}

// writtenAndReadAgain makes sure that a line that can be written says the same afterwards.
func writtenAndReadAgain(t *testing.T, line *snapshot.Line) {
	want, err := line.Snapshot(nil)
	if err != nil {
		return
	}
	for _, r := range want.Replications {
		if name := r.Database + " " + r.DocID; secret.MaskURLs(name) != name {
			return // a name that holds credentials is masked as well
		}
	}
	var out bytes.Buffer
	if snapshot.NewWriter(&out).Write(line) != nil {
		return
	}
	var again snapshot.Line
	if err := json.Unmarshal(out.Bytes(), &again); err != nil {
		t.Fatalf("the line that was written is no JSON: %v\n%s", err, out.Bytes())
	}
	got, err := again.Snapshot(nil)
	if err != nil {
		t.Fatalf("the line that was written cannot be read: %v\n%s", err, out.Bytes())
	}
	if diff := cmp.Diff(dump(want), dump(got)); diff != "" {
		t.Errorf("written and read again, -want +got:\n%s", diff)
	}
}
