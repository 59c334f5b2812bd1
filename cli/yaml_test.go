package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func TestYAMLSaysWhatTheRowSays(t *testing.T) {
	values := []string{
		`null`, `true`, `-1.5e3`, `12345678901234567890`, `""`, `"null"`, `"No"`, `"1"`, `"1e3"`, `"2026-11-24T07:11:21Z"`, `"~"`, `"- a"`,
		`"a: b"`, `"a:"`, `"a #b"`, `"line\nline\r\n\ttab"`, `"quote\" back\\slash"`, `"http://127.0.0.1:5984/x/"`, `"søren ☃"`, `"\ud83d\ude00"`,
		`"\u0000\u007f\u0085\u2028\ufeff\u00a0\uffff"`, `"<0.123.0>"`, `"couchdb@127.0.0.1"`, `{}`, `[]`, `{"a":{"b":{}}}`, `[[1,[2]],[]]`,
		`[{"a":1,"b":[{"c":2},{"d":null}]},"x"]`, `{"odd key: ":1,"":2,"true":3}`,
	}
	row := `{"doc_id":"x","values":[` + strings.Join(values, ",") + `]}`
	server := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, row)
	}))
	var out bytes.Buffer
	if code, stderr := command(t, server, &out, "doc", "--database", "_replicator", "x", "-o", "yaml"); code != 0 {
		t.Fatalf("doc -o yaml: exit %d, %s", code, stderr)
	}
	var got, want map[string]any
	if err := yaml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("doc -o yaml: %v in\n%s", err, out.String())
	}
	if err := json.Unmarshal([]byte(row), &want); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(got["values"])
	if err != nil {
		t.Fatal(err)
	}
	var said any
	if err := json.Unmarshal(asJSON, &said); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want["values"], said); diff != "" {
		t.Errorf("doc -o yaml (-want +got):\n%s\n%s", diff, out.String())
	}
}
