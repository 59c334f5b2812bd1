package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"watchdog/cli"
	"watchdog/scheduler/couchtest"
)

// command runs one command line on a server, in this process.
func command(t *testing.T, server string, stdout io.Writer, args ...string) (code int, stderr string) {
	t.Helper()
	var said bytes.Buffer
	code = cli.Main(t.Context(), append([]string{"--config", "../watchdog.yaml"}, args...), cli.IO{
		Stdout: stdout, Stderr: &said,
		Env: watching(server),
	})
	return code, said.String()
}

// watching is an environment that names a server and nothing else.
func watching(server string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if name == "COUCHDB_URL" {
			return server, true
		}
		return "", false
	}
}

// serving starts a server.
func serving(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// sink counts lines, and says when the first bytes came.
type sink struct {
	lines int
	first chan struct{}
}

func (s *sink) Write(p []byte) (int, error) {
	if s.lines == 0 && bytes.IndexByte(p, '\n') >= 0 {
		close(s.first)
	}
	s.lines += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

// A listing of any length is printed as it comes: the server here does not go on before it has
// seen that its first rows were.
func TestLongListingsArePrintedAtOnceInBoundedMemory(t *testing.T) {
	const before = 50
	for output, rows := range map[string]int{"table": 100_000, "json": 20_000, "jsonl": 20_000, "yaml": 20_000} {
		t.Run(output, func(t *testing.T) {
			out := &sink{first: make(chan struct{})}
			var idle, busy runtime.MemStats
			server := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.URL.Path == "/_all_dbs" {
					io.WriteString(w, "[]")
					return
				}
				fmt.Fprintf(w, `{"total_rows":%d,"offset":0,"docs":[`, rows)
				for i := range rows {
					switch i {
					case 0:
						runtime.GC()
						runtime.ReadMemStats(&idle)
					case before:
						http.NewResponseController(w).Flush()
						<-out.first
					case rows - 1:
						runtime.GC()
						runtime.ReadMemStats(&busy)
					}
					fmt.Fprintf(w, "%s{\"database\":\"_replicator\",\"doc_id\":\"doc%06d\",\"state\":\"running\",\"info\":{\"docs_written\":%d}}",
						strings.Repeat(",\r\n", min(i, 1)), i, i)
				}
				io.WriteString(w, "\n]}\n")
			}))
			code, stderr := command(t, server, out, "docs", "-o", output)
			if code != 0 || stderr != "" || out.lines < rows {
				t.Errorf("docs -o %s: exit %d, %d lines, stderr %q, want all %d rows", output, code, out.lines, stderr, rows)
			}
			const most = 16 << 20
			if grown := int64(busy.HeapAlloc) - int64(idle.HeapAlloc); grown > most {
				t.Errorf("docs -o %s: memory grew by %d bytes while %d rows went by, want at most %d", output, grown, rows, most)
			}
		})
	}
}

func TestErrorsOfOneCauseReadAlike(t *testing.T) {
	reasons := []string{
		"db_not_found: could not open http://127.0.0.1:5984/no_such_target/",
		"db_not_found: could not open https://db7.example.com:6984/orders-2024/",
		`{http_request_failed,"GET","http://no-such-host.invalid/src1/",` + "\n                     {error,sel_conn_closed}}",
		`{http_request_failed,"GET","http://other.example/src2/",{error,sel_conn_closed}}`,
		`{http_request_failed,"GET","http://other.example/src2/_changes?since=4&timeout=1666",{code,500}}`,
		`{http_request_failed,"GET","http://other.example/src2/_changes?since=5&timeout=20000",{code,503}}`,
		"Replication `f857f4237e2597ad4b67e57a25fcc2ba+continuous` specified by document `a` already started, triggered by document `b` from db `_replicator`",
		"Replication `0000000000000000000000000000aaaa+continuous` specified by document `c` already started, triggered by document `d` from db `team/_replicator`",
		"Duplicate replication running on couchdb@10.0.0.7",
		"Duplicate replication running on couchdb@node2.cluster.local",
		"Couldn't open document `_design/nope` from source database `http://127.0.0.1:5984/src1/`: {error,<<\"not_found\">>}",
		"timeout after 30000 ms of <0.123.4>, at localhost:5984 and [::1]:5984",
		"timeout after 45.5 ms of <0.99.0>, at db:5984 and [fe80::1:2]:6984",
		"",
	}
	srv := couchtest.New(couchtest.Options{})
	for i, reason := range reasons {
		srv.Put("_replicator", fmt.Sprintf("r%02d", i), couchtest.Spec{State: couchtest.Crashing, Error: reason})
	}
	var out bytes.Buffer
	if code, stderr := command(t, serving(t, srv), &out, "errors"); code != 0 {
		t.Fatalf("errors: exit %d, %s", code, stderr)
	}
	const want = `2 crashing: Duplicate replication running on <host>
    _replicator/r08 and _replicator/r09
2 crashing: Replication <id> specified by document <id> already started, triggered by document <id> from db <id>
    _replicator/r06 and _replicator/r07
2 crashing: db_not_found: could not open <url>
    _replicator/r00 and _replicator/r01
2 crashing: timeout after <n> ms of <pid>, at <host> and <host>
    _replicator/r11 and _replicator/r12
2 crashing: {http_request_failed,"GET","<url>",{error,sel_conn_closed}}
    _replicator/r02 and _replicator/r03
1 crashing: (CouchDB says no reason)
    _replicator/r13
1 crashing: Couldn't open document <id> from source database <id>: {error,<<"not_found">>}
    _replicator/r10
1 crashing: {http_request_failed,"GET","<url>",{code,500}}
    _replicator/r04
1 crashing: {http_request_failed,"GET","<url>",{code,503}}
    _replicator/r05
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestErrorsNamesThreeExamplesOfMany(t *testing.T) {
	srv := couchtest.New(couchtest.Options{})
	for i := range 12 {
		srv.Put("_replicator", fmt.Sprintf("r%02d", i), couchtest.Spec{State: couchtest.Failed, Error: "no"})
	}
	var out bytes.Buffer
	command(t, serving(t, srv), &out, "errors")
	const want = "12 failed: no\n    _replicator/r00, _replicator/r01, _replicator/r02 and 9 more\n"
	if out.String() != want {
		t.Errorf("errors: got %q, want %q", out.String(), want)
	}
}

// recordedAnswers are the bodies that CouchDB gave, by the file's name.
func recordedAnswers(t *testing.T, pattern string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "snapshot", "testdata", "couchdb-3.5.0", pattern))
	if err != nil || len(files) < 8 {
		t.Fatalf("recordings %s: got %d, error %v", pattern, len(files), err)
	}
	bodies := map[string]string{}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(raw), "\r\n\r\n")
		if strings.HasPrefix(head, "HTTP/1.1 200 ") {
			bodies[filepath.Base(name)] = strings.TrimSpace(body)
		}
	}
	return bodies
}

// answering is a server that has one answer to everything.
func answering(t *testing.T, body string) string {
	t.Helper()
	return serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body)
	}))
}

// sameYAML fails unless YAML says what JSON says.
func sameYAML(t *testing.T, name, inYAML, inJSON string) {
	t.Helper()
	var got, want any
	if err := yaml.Unmarshal([]byte(inYAML), &got); err != nil {
		t.Fatalf("%s: %v in\n%s", name, err, inYAML)
	}
	if err := yaml.Unmarshal([]byte(inJSON), &want); err != nil { // any JSON is YAML
		t.Fatalf("%s: %v in\n%s", name, err, inJSON)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -json +yaml:\n%s", name, diff)
	}
}

// Every recorded row, of a listing or alone, is printed with each of its keys and values as
// CouchDB wrote them, in their order.
func TestRecordedRowsKeepTheirText(t *testing.T) {
	for kind, pattern := range map[string]string{"docs": "docs-*.http", "jobs": "jobs-*.http"} {
		for name, body := range recordedAnswers(t, pattern) {
			var listing struct {
				Docs, Jobs []json.RawMessage
			}
			if err := json.Unmarshal([]byte(body), &listing); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var want strings.Builder
			for _, row := range append(listing.Docs, listing.Jobs...) {
				fmt.Fprintf(&want, "{\"server\":\"couchdb\",%s\n", row[1:])
			}
			server := answering(t, body)
			args := []string{kind}
			if kind == "docs" {
				args = append(args, "--database", "_replicator")
			}
			var out, inYAML, inJSON bytes.Buffer
			code, stderr := command(t, server, &out, append(args, "-o", "jsonl")...)
			if diff := cmp.Diff(want.String(), out.String()); code != 0 || diff != "" {
				t.Errorf("%s of %s: exit %d, %s, -want +got:\n%s", kind, name, code, stderr, diff)
			}
			command(t, server, &inYAML, append(args, "-o", "yaml")...)
			command(t, server, &inJSON, append(args, "-o", "json")...)
			sameYAML(t, name, inYAML.String(), inJSON.String())
		}
	}
	for kind, pattern := range map[string]string{"doc": "doc-*.http", "job": "job-*.http"} {
		for name, row := range recordedAnswers(t, pattern) {
			var key struct {
				ID    string
				DocID string `json:"doc_id"`
			}
			if err := json.Unmarshal([]byte(row), &key); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			args := []string{kind, "-o", "json", "--", key.ID}
			if kind == "doc" {
				args = []string{kind, "--database", "_replicator", "-o", "json", "--", key.DocID}
			}
			server := answering(t, row)
			var out, inYAML bytes.Buffer
			code, stderr := command(t, server, &out, args...)
			if got, want := out.String(), `{"server":"couchdb",`+row[1:]+"\n"; code != 0 || got != want {
				t.Errorf("%s of %s: exit %d, %s\n got %s\nwant %s", kind, name, code, stderr, got, want)
			}
			args[slices.Index(args, "json")] = "yaml"
			command(t, server, &inYAML, args...)
			sameYAML(t, name, inYAML.String(), out.String())
		}
	}
}

func TestStoppedCommandEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	server := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stop()
		<-r.Context().Done()
	}))
	var out, said bytes.Buffer
	code := cli.Main(ctx, []string{"--config", "../watchdog.yaml", "docs"}, cli.IO{
		Stdout: &out, Stderr: &said,
		Env: watching(server),
	})
	if code != 1 || out.String() != "" {
		t.Errorf("docs, interrupted: exit %d with %q, want 1 and nothing", code, out.String())
	}
}
