package snapshot_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/snapshot"
)

// read is every snapshot of a recording, and every error in place of one.
func read(t testing.TB, in io.Reader) (all []*snapshot.Snapshot, errs []error) {
	t.Helper()
	for r := snapshot.NewReader(in); ; {
		s, err := r.Next()
		if err == io.EOF {
			return all, errs
		}
		if err != nil {
			errs = append(errs, err)
			if len(errs) > 100 {
				t.Fatalf("Next goes on to fail: %v", err)
			}
			continue
		}
		all = append(all, s)
	}
}

// record is a recording of one server whose snapshots are a second apart.
func record(lines ...string) string {
	var b strings.Builder
	for i, l := range lines {
		fmt.Fprintf(&b, `{"t":%q,%s}`+"\n", noon.Add(time.Duration(i)*time.Second).Format(time.RFC3339), l)
	}
	return b.String()
}

// seen is a line with these documents and jobs.
func seen(docs, jobs string) string { return `"docs":` + oneLine(docs) + `,"jobs":` + oneLine(jobs) }

func oneLine(body string) string {
	return strings.NewReplacer("\n", "", "\r", "").Replace(body)
}

func TestTheTimelineIsRead(t *testing.T) {
	f, err := os.Open("testdata/timeline.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, errs := read(t, f)
	if len(all) != 102 || len(errs) > 0 {
		t.Fatalf("got %d snapshots and errors %v, want 102 and none", len(all), errs)
	}
	var deleted []string
	for i, s := range all {
		if s.Server != "recording" || s.Failed() || len(s.RowErrors) > 0 {
			t.Errorf("snapshot %d: got server %s, gaps %v, row errors %v", i, s.Server, s.Gaps, s.RowErrors)
		}
		if len(s.Gaps) != 1 || s.Gaps[0].Part != snapshot.Tasks {
			t.Errorf("snapshot %d: got gaps %v, want the tasks, which were not recorded", i, s.Gaps)
		}
		for key, a := range s.Asked {
			deleted = append(deleted, fmt.Sprint(s.At.Format(time.TimeOnly), " ", key.Path(), " missing=", a.Missing))
		}
	}
	// Deleted at 07:26:36 and 07:27:14, one second before they were first absent.
	want := []string{"07:26:38 _replicator/nightly missing=true", "07:27:16 _replicator/orders-cont missing=true"}
	if diff := cmp.Diff(want, deleted); diff != "" {
		t.Errorf("deleted, -want +got:\n%s", diff)
	}
	last := all[101]
	if got := paths(last); !strings.HasSuffix(got, "team/_replicator/team-cont") || last.Complete("team/_replicator") {
		t.Errorf("got %s, want team-cont, of a database that is seen in jobs only and so not complete", got)
	}
}

func TestAbsenceInARecording(t *testing.T) {
	x := doc("x", "running", info7, "null")
	here, gone := seen(docs(x), noJobs), seen(noDocs, noJobs)
	failed := `"error":"connection refused"`
	odd := seen(docs("7"), noJobs)
	team := func(id string) string {
		return strings.NewReplacer(`"_replicator"`, `"team/_replicator"`, "r-x+continuous", id).Replace(job("x", "<0.1.0>", "started"))
	}
	transient := strings.NewReplacer(`"_replicator"`, "null", `"doc_id":"x"`, `"doc_id":null`, "r-x+continuous", "once").Replace(job("x", "<0.1.0>", "started"))
	for _, test := range []struct {
		name  string
		lines []string
		want  string // by snapshot: what is missing
	}{
		{"it is missing in the second snapshot without it, and once", []string{here, gone, gone, gone}, ". . _replicator/x ."},
		{"a failed poll in between says nothing", []string{here, gone, failed, gone}, ". . . _replicator/x"},
		{"nor does a row that cannot be read", []string{here, gone, odd, gone}, ". . . _replicator/x"},
		{"it came back in between", []string{here, gone, here, gone, gone}, ". . . . _replicator/x"},
		{"it can be deleted twice", []string{here, gone, gone, here, gone, gone}, ". . _replicator/x . . _replicator/x"},
		{"a line that was asked decides for itself", []string{here, gone + `,"asked":{}`, gone, gone}, ". . . ."},
		{"a continuous one that is seen in jobs only", []string{seen(noDocs, jobs(team("r+continuous"))), gone, gone}, ". . team/_replicator/x"},
		{"a one-shot that is seen in jobs only may have completed", []string{seen(noDocs, jobs(team("r"))), gone, gone, gone}, ". . . ."},
		{
			"a database whose documents were listed once",
			[]string{`"docs":{"team/_replicator":` + oneLine(noDocs) + `},"jobs":` + oneLine(jobs(team("r+continuous"))), gone, gone, gone},
			". . . .",
		},
		{
			"one that could not be listed",
			[]string{`"docs":{"team/_replicator":{"error":"timeout","reason":"late"}},"jobs":` + oneLine(jobs(team("r+continuous"))), gone, gone, gone},
			". . . .",
		},
		{"a transient job is gone however it ended", []string{seen(noDocs, jobs(transient)), gone, gone}, ". . _replicate/once"},
		{"another server says nothing", []string{here, gone, gone + `,"server":"other"`, gone}, ". . . _replicator/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			all, errs := read(t, strings.NewReader(record(test.lines...)))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			var got []string
			for _, s := range all {
				missing := "."
				for key, a := range s.Asked {
					if a.Missing {
						missing = key.Path()
					}
				}
				got = append(got, missing)
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("missing: got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestLinesThatAreBad(t *testing.T) {
	good := record(seen(noDocs, noJobs))
	for _, test := range []struct{ name, line, want string }{
		{"no JSON", `{"t":"2026-11-24T12:00:00Z","docs":{,}}`, `line 2: docs: invalid character ',' looking for beginning of object key string`},
		{"something behind it", `{"t":"2026-11-24T12:00:00Z"} x`, "line 2: invalid character 'x' after top-level value"},
		{"no object", `[]`, "line 2: it is an array, not an object"},
		{"no time", `{"docs":` + noDocs + `}`, `line 2: it has no "t", the time at which the snapshot was taken`},
		{"a time that is none", `{"t":"noon"}`, `line 2: "t" is text, not an RFC 3339 time: parsing time "noon" as "2006-01-02T15:04:05Z07:00": cannot parse "noon" as "2006"`},
		{"a server that is a number", `{"t":"2026-11-24T12:00:00Z","server":7}`, `line 2: "server" is a number, not text: json: cannot unmarshal number into Go value of type string`},
		{"nothing seen", `{"t":"2026-11-24T12:00:00Z"}`, `line 2: it has neither "docs" and "jobs" nor an "error"`},
		{"documents that are no object", `{"t":"2026-11-24T12:00:00Z","docs":[]}`, "line 2: docs: it is an array, not an object"},
		{"a listing that is none", `{"t":"2026-11-24T12:00:00Z","docs":{"_replicator":{"dcos":[]}}}`, `line 2: read docs of _replicator: the answer has no list "docs"`},
		{"jobs that are none", `{"t":"2026-11-24T12:00:00Z","jobs":7}`, `line 2: read jobs: the answer is no JSON object: it begins with "7"`},
		{"asked about nothing", `{"t":"2026-11-24T12:00:00Z","jobs":` + noJobs + `,"asked":{"orders":404}}`, `line 2: asked: "orders" names no replication: write it like _replicator/orders`},
		{"asked, and the answer is text", `{"t":"2026-11-24T12:00:00Z","jobs":` + noJobs + `,"asked":{"_replicator/x":"no"}}`, `line 2: asked: _replicator/x is text: write the status, or the body`},
		{"pending changes that are text", `{"t":"2026-11-24T12:00:00Z","jobs":` + noJobs + `,"source_pending":{"_replicator/x":"5"}}`, `line 2: "source_pending" is an object, not an object of numbers: json: cannot unmarshal string into Go value of type int64`},
	} {
		t.Run(test.name, func(t *testing.T) {
			all, errs := read(t, strings.NewReader(good+test.line+"\n"+good))
			if len(errs) != 1 || errs[0].Error() != test.want || errors.Is(errs[0], snapshot.ErrCutShort) {
				t.Errorf("got errors %v\nwant %s", errs, test.want)
			}
			if len(all) != 2 {
				t.Errorf("got %d snapshots, want those of the two good lines", len(all))
			}
		})
	}
}

func TestARecordingThatIsCutShort(t *testing.T) {
	whole := record(seen(noDocs, noJobs), seen(docs(doc("x", "running", info7, "null")), noJobs))
	first := strings.Index(whole, "\n") + 1
	for n := first + 1; n < len(whole); n++ {
		all, errs := read(t, strings.NewReader(whole[:n]))
		switch {
		case n == len(whole)-1: // only the newline is missing
			if len(all) != 2 || len(errs) > 0 {
				t.Errorf("without the last newline: got %d snapshots, errors %v, want 2, none", len(all), errs)
			}
		case len(all) != 1 || len(errs) != 1 || !errors.Is(errs[0], snapshot.ErrCutShort):
			t.Fatalf("cut at byte %d: got %d snapshots, errors %v, want 1, ErrCutShort", n, len(all), errs)
		}
	}
	if _, errs := read(t, strings.NewReader("\n"+whole[:9])); len(errs) != 1 || !errors.Is(errs[0], snapshot.ErrCutShort) {
		t.Errorf("cut in the line behind a blank one: got errors %v, want ErrCutShort", errs)
	}
	r := snapshot.NewReader(io.MultiReader(strings.NewReader(whole[:first+9]), iotest.ErrReader(io.ErrUnexpectedEOF)))
	r.Next()
	if _, err := r.Next(); !errors.Is(err, snapshot.ErrCutShort) || !strings.HasPrefix(err.Error(), "line 2: ") {
		t.Errorf("a compressed stream that breaks off: got error %v, want ErrCutShort in line 2", err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("Next after a stream that broke off: got error %v, want io.EOF", err)
	}
}

func TestLinesMayBeLongAndBlank(t *testing.T) {
	long := make([]string, 2000)
	for i := range long {
		long[i] = doc(fmt.Sprintf("x%04d", i), "running", info7, "null")
	}
	all, errs := read(t, strings.NewReader("\n"+record(seen(docs(long...), noJobs))+"\r\n  \n"+record(seen(noDocs, noJobs))))
	if len(errs) > 0 || len(all) != 2 || len(all[0].Replications) != 2000 {
		t.Errorf("got %d snapshots, errors %v; want 2, the first with 2000 replications", len(all), errs)
	}
}

func TestALineIsRead(t *testing.T) {
	x := doc("x", "running", info9, "null")
	for _, test := range []struct{ name, line, want string }{
		{"one body", seen(docs(x), noJobs), "recording [_replicator/x] failed=false whole=[_replicate _replicator]"},
		{
			"bodies by database", `"server":"prod","docs":{"_replicator":` + oneLine(docs(x)) + `,"team\/_replicator":{"rows":[]}},"jobs":` + oneLine(noJobs),
			"prod [_replicator/x] failed=false whole=[_replicate _replicator team/_replicator]",
		},
		{"no database", `"docs":{},"jobs":` + oneLine(noJobs), "recording [] failed=false whole=[_replicate]"},
		{"a poll that failed", `"error":"connection refused"`, "recording [] failed=true whole=[]"},
		{"an answer that refused", `"docs":{"error":"unauthorized","reason":"no"},"jobs":` + oneLine(noJobs), "recording [] failed=true whole=[_replicate]"},
		{"no jobs", `"docs":` + oneLine(docs(x)), "recording [_replicator/x] failed=true whole=[]"},
		{
			"keys that are null or unknown", seen(docs(x), noJobs) + `,"server":null,"error":null,"active_tasks":null,"asked":null,"source_pending":null,"note":[1]`,
			"recording [_replicator/x] failed=false whole=[_replicate _replicator]",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			all, errs := read(t, strings.NewReader(record(test.line)))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			s := all[0]
			got := fmt.Sprintf("%s [%s] failed=%t whole=%v", s.Server, paths(s), s.Failed(), s.Whole)
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestALineKeepsWhatWasAsked(t *testing.T) {
	line := seen(docs(doc("x", "running", info9, "null"), doc("y", "running", info9, "null")), noJobs) + `,"asked":{"_replicator/gone":404,"_replicator/later":` +
		doc("later", "completed", info7, "null") + `,"_replicator/busy":503,"_replicator/none":null,"_replicator/err":{"error":"not_found","reason":"missing"},"team/_replicator/a/b":404},` +
		`"source_pending":{"_replicator/x":0,"_replicator/y":null}`
	all, errs := read(t, strings.NewReader(record(line)))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got []string
	for key, a := range all[0].Asked {
		what := "nothing"
		if a.Missing {
			what = "missing"
		} else if a.Replication != nil {
			what = string(a.Replication.State)
		}
		got = append(got, key.Path()+" "+what)
	}
	slices.Sort(got)
	want := []string{
		"_replicator/busy nothing", "_replicator/err nothing", "_replicator/gone missing",
		"_replicator/later completed", "_replicator/none nothing", "team/_replicator/a/b missing",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked, -want +got:\n%s", diff)
	}
	for id, want := range map[string]string{"x": "0", "y": "?"} {
		if got := say(find(t, all[0], id), snapshot.FieldChangesPending); got != want {
			t.Errorf("changes_pending of %s: got %s, want %s as the source said", id, got, want)
		}
	}
}

func TestKeysAreWrittenAndRead(t *testing.T) {
	for _, k := range []snapshot.Key{
		{Database: "_replicator", DocID: "orders"},
		{Database: "team/_replicator", DocID: "a/b c"},
		{Database: "my_replicator/_replicator", DocID: "_replicator/x"},
		{Database: snapshot.TransientDatabase, DocID: "f857+continuous"},
	} {
		if got, err := snapshot.ParseKey(k.Path()); err != nil || got != k {
			t.Errorf("ParseKey(%q): got %v, error %v, want %v", k.Path(), got, err, k)
		}
	}
	for _, text := range []string{"", "orders", "_replicator", "_replicator/", "_replicate/", "x_replicator/y"} {
		if got, err := snapshot.ParseKey(text); err == nil {
			t.Errorf("ParseKey(%q): got %v, want an error", text, got)
		}
	}
}
