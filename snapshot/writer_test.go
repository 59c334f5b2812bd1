package snapshot_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"watchdog/snapshot"
)

func TestTheTimelineIsWrittenAsItWasRead(t *testing.T) {
	want, err := os.ReadFile("testdata/timeline.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	w := snapshot.NewWriter(&got)
	for _, line := range timeline(t) {
		if err := w.Write(&line); err != nil {
			t.Fatal(err)
		}
	}
	// Go does not write the trailing zeros of a fraction of a second.
	if a, b := bytes.ReplaceAll(want, []byte(`0Z","docs"`), []byte(`Z","docs"`)), got.Bytes(); !bytes.Equal(a, b) {
		t.Errorf("the timeline written again differs: got %d bytes, want %d", len(b), len(a))
	}
}

func TestARecordingHoldsNoCredentials(t *testing.T) {
	line := snapshot.Line{
		T:      noon,
		Server: "prod",
		Docs: json.RawMessage(`{"docs":[
			{"doc_id":"x","node":"couchdb@127.0.0.1","source":"http://admin:hunter2@h/a/","target":"https:\/\/to\u006ben:hunter2\u0040h\/b?x=<&>","info":{"error":"{http_request_failed,\"GET\",\"http://u:hunter2@h/_changes\"}"}},` + "\r\n" + `
			{"doc_id":"a@b"}
		]}`),
		Jobs:          json.RawMessage(`{"jobs":[{"history":[{"reason":"at http://hunter2\u0040h/"}]}]}`),
		ActiveTasks:   json.RawMessage(`[{"source":"http://u:hunter2@h/"}]`),
		Error:         "GET http://u:hunter2@h/: refused",
		Asked:         map[string]json.RawMessage{"_replicator/x": json.RawMessage(`{"source":"http://u:hunter2@h/"}`)},
		SourcePending: map[string]int64{"_replicator/x": 5},
	}
	var out bytes.Buffer
	if err := snapshot.NewWriter(&out).Write(&line); err != nil {
		t.Fatal(err)
	}
	want := `{"t":"2026-11-24T12:00:00Z","server":"prod","docs":{"docs":[{"doc_id":"x","node":"couchdb@127.0.0.1","source":"http://admin:*****@h/a/","target":"https://token:*****@h/b?x=<&>","info":{"error":"{http_request_failed,\"GET\",\"http://u:*****@h/_changes\"}"}},{"doc_id":"a@b"}]},` +
		`"jobs":{"jobs":[{"history":[{"reason":"at http://*****@h/"}]}]},"active_tasks":[{"source":"http://u:*****@h/"}],"error":"GET http://u:*****@h/: refused",` +
		`"asked":{"_replicator/x":{"source":"http://u:*****@h/"}},"source_pending":{"_replicator/x":5}}` + "\n"
	if got := out.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNothingAskedIsWrittenUnlessNobodyWouldHaveAsked(t *testing.T) {
	for want, asked := range map[string]map[string]json.RawMessage{`"asked":{}`: {}, `"jobs":{"jobs":[]}}`: nil} {
		var out bytes.Buffer
		if err := snapshot.NewWriter(&out).Write(&snapshot.Line{T: noon, Jobs: json.RawMessage(`{"jobs":[]}`), Asked: asked}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want %s in it", out.String(), want)
		}
	}
}

// failing refuses every write, and counts them.
type failing struct{ writes int }

func (f *failing) Write([]byte) (int, error) { f.writes++; return 0, io.ErrShortWrite }

func TestWriteFails(t *testing.T) {
	out := &failing{}
	w := snapshot.NewWriter(out)
	if err := w.Write(&snapshot.Line{T: noon, Docs: json.RawMessage(`{"docs":[`)}); err == nil || out.writes > 0 {
		t.Errorf("Write of a body that is no JSON: got error %v after %d writes, want an error before any", err, out.writes)
	}
	err := w.Write(&snapshot.Line{T: noon, Server: "prod", Jobs: json.RawMessage(noJobs)})
	if !errors.Is(err, io.ErrShortWrite) || !strings.HasPrefix(err.Error(), "write the snapshot of prod: ") || out.writes != 1 {
		t.Errorf("Write to what refuses: got error %v after %d writes", err, out.writes)
	}
}

func TestEveryRecordedListingIsWrittenAsItWasRead(t *testing.T) {
	compact := func(text []byte) string {
		var out bytes.Buffer
		if err := json.Compact(&out, text); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, pattern := range []string{"docs-*.http", "jobs-*.http"} {
		for _, name := range recordings(t, pattern) {
			status, body := recording(t, name)
			if status != "200" {
				continue
			}
			line := snapshot.Line{T: noon, Jobs: json.RawMessage(body)}
			if strings.HasPrefix(name, "docs") {
				line.Docs, line.Jobs = line.Jobs, json.RawMessage(noJobs)
			}
			var file bytes.Buffer
			if err := snapshot.NewWriter(&file).Write(&line); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var got snapshot.Line
			if err := json.Unmarshal(file.Bytes(), &got); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, part := range [][2]json.RawMessage{{got.Docs, line.Docs}, {got.Jobs, line.Jobs}} {
				if part[1] != nil && compact(part[0]) != compact(part[1]) {
					t.Errorf("%s: got %s, want %s", name, part[0], part[1])
				}
			}
		}
	}
}
