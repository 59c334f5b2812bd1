package snapshot_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/snapshot"
)

func TestEachRow(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"the rows come as they stand", `{"total_rows":2,"docs":[{"a" : 1},` + "\r\n" + `{"b":2}]}`, `{"a" : 1} {"b":2}`},
		{"an empty listing has none", `{"total_rows":0,"rows":[]}`, ``},
		{"a listing that is cut short ends in an error", `{"total_rows":2,"jobs":[{"a":1},{"b"`, `{"a":1} error`},
		{"what refuses the request is an error", `{"error":"not_found","reason":"missing"}`, `error`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			err := snapshot.EachRow(strings.NewReader(tt.body), func(row []byte) bool {
				got = append(got, string(row))
				return true
			})
			if err != nil {
				got = append(got, "error")
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("EachRow(%s): got %s, want %s", tt.body, got, tt.want)
			}
		})
	}
}

func TestEachRowCanBeLeftAtAnyRow(t *testing.T) {
	n := 0
	err := snapshot.EachRow(strings.NewReader(`{"docs":[{},{},{`), func([]byte) bool {
		n++
		return n < 2
	})
	if n != 2 || err != nil {
		t.Errorf("EachRow: got %d rows and the error %v, want 2 rows", n, err)
	}
}

func TestDecoderOnRecordings(t *testing.T) {
	body := func(t *testing.T, name string) []byte {
		t.Helper()
		_, text := recording(t, name+".http")
		return []byte(text)
	}
	var d snapshot.Decoder
	crashing, err := d.Job(body(t, "job-crashing"))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{crashing.Path(), string(crashing.State)}
	if want := []string{"_replicator/crash-refused", "crashing"}; !cmp.Equal(got, want) {
		t.Errorf("Job(job-crashing): got %v, want %v", got, want)
	}
	transient, err := d.Job(body(t, "job-transient"))
	if err != nil {
		t.Fatal(err)
	}
	if transient.Database != snapshot.TransientDatabase || transient.DocID != transient.ID || transient.ID == "" {
		t.Errorf("Job(job-transient): got %s with id %s, want it under its id in %s", transient.Path(), transient.ID, snapshot.TransientDatabase)
	}
	doc, err := d.Doc("team/_replicator", body(t, "doc-team"))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Database != "team/_replicator" || doc.DocID == "" || !doc.Has(snapshot.FieldState) {
		t.Errorf("Doc(doc-team): got %+v", doc)
	}
	for _, row := range []string{`{}`, `[]`, `{"doc_id":7}`} {
		if _, err := d.Doc("_replicator", []byte(row)); err == nil {
			t.Errorf("Doc(%s): got no error", row)
		}
	}
}
