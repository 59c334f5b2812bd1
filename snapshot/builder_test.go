package snapshot_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"watchdog/snapshot"
)

func TestAnAnswerThatStopsIsNeverAShorterList(t *testing.T) {
	rows := docs(doc("a", "running", info7, "null"), doc("b", "completed", info9, "null"))
	list := strings.TrimSpace(rows)
	for n := range len(list) {
		b := snapshot.NewBuilder("prod", noon)
		if err := b.Docs("_replicator", strings.NewReader(list[:n])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("Docs of the first %d of %d bytes: got error %v, want io.ErrUnexpectedEOF", n, len(list), err)
		}
		b.Jobs(strings.NewReader(noJobs))
		if s := b.Snapshot(); !s.Failed() || s.Complete("_replicator") {
			t.Fatalf("snapshot of the first %d bytes: got failed %t, complete %t, want true, false", n, s.Failed(), s.Complete("_replicator"))
		}
	}
	b := snapshot.NewBuilder("prod", noon)
	if err := b.Docs("_replicator", strings.NewReader(list)); err != nil {
		t.Errorf("Docs of all bytes: got error %v, want none", err)
	}
}

func TestAListingThatComesInPiecesIsTheSame(t *testing.T) {
	_, body := recording(t, "docs-all.http")
	whole := look(t, nil, body, noJobs, noTasks)
	b := snapshot.NewBuilder("prod", noon)
	pieces := func(body string) io.Reader { return iotest.OneByteReader(strings.NewReader(body)) }
	for _, err := range []error{b.Docs("_replicator", pieces(body)), b.Jobs(pieces(noJobs)), b.Tasks(pieces(noTasks))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(dump(whole), dump(b.Snapshot())); diff != "" {
		t.Errorf("a byte at a time, -want +got:\n%s", diff)
	}
}

func TestAnswersThatAreNoListing(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"nothing", "", "the answer stops before its first row, after 0 bytes: unexpected EOF"},
		{
			"a page of a proxy", "<html><head><title>502 Bad Gateway</title></head></html>",
			`the answer is no JSON object: it begins with "<html><head><title>502 Bad Gateway</titl…"`,
		},
		{"a list", `[]`, `the answer is no JSON object: it begins with "[]"`},
		{
			"what CouchDB says instead", `{"error":"unauthorized","reason":"You are not a server admin."}`,
			"the server answered unauthorized: You are not a server admin.",
		},
		{
			"an error behind the rows", `{"total_rows":1,"docs":[],"error":"timeout","reason":"The request could not be processed in a reasonable amount of time."}`,
			"the server answered timeout: The request could not be processed in a reasonable amount of time.",
		},
		{"no list", `{"total_rows":0,"offset":0}`, `the answer has no list "docs"`},
		{"jobs for docs", noJobs, `the answer has no list "docs"`},
		{"null for the list", `{"docs":null}`, `the answer has no list "docs"`},
		{"something behind it", noDocs + "x", `the answer is malformed before its first row, byte 37: 'x' in place of the end of the answer`},
		{"no comma between rows", `{"docs":[{} {}]}`, `the answer is malformed at row 1, byte 12: '{' in place of ',' or ']'`},
		{"a row too few", `{"docs":[{},]}`, `the answer is malformed at row 2, byte 12: ']' in place of a row`},
		{"brackets that do not fit", `{"docs":[{]}`, `the answer is malformed at row 1, byte 11: '}' in place of ',' or ']'`},
		{"two lists", `{"docs":[],"docs":[{}]}`, `the answer has a second list "docs"`},
		{"a value that is none", `{"total_rows":nan,"docs":[]}`, `"total_rows" has no valid value`},
		{"a key without quotes", `{docs:[]}`, `the answer is malformed before its first row, byte 1: 'd' in place of a key`},
		{"credentials in the error", `{"error":"x","reason":"http://u:secret@h/"}`, "the server answered x: http://u:*****@h/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := snapshot.NewBuilder("prod", noon)
			err := b.Docs("_replicator", strings.NewReader(test.body))
			want := "read docs of _replicator: " + test.want
			if err == nil || err.Error() != want {
				t.Fatalf("Docs: got error %v\nwant %s", err, want)
			}
			b.Jobs(strings.NewReader(noJobs))
			s := b.Snapshot()
			if len(s.Gaps) == 0 || s.Gaps[0].Part != snapshot.Docs || s.Gaps[0].Database != "_replicator" || s.Gaps[0].Err != err {
				t.Errorf("got gaps %v, want the error as that of docs of _replicator", s.Gaps)
			}
		})
	}
}

func TestEmptyListings(t *testing.T) {
	for _, body := range []string{noDocs, `{"rows":[]}`, "{\"total_rows\":26,\"offset\":0,\"docs\":[\n\n]}\n"} {
		s := look(t, nil, body, `{"rows":[]}`, noTasks)
		if len(s.Replications) != 0 || s.Failed() || !s.Complete("_replicator") {
			t.Errorf("%s: got %s, failed %t, complete %t, want an empty whole listing",
				body, paths(s), s.Failed(), s.Complete("_replicator"))
		}
	}
}

func TestAnOddRowIsUnknownAndTheRestStands(t *testing.T) {
	good := doc("a", "running", info7, "null")
	for _, test := range []struct{ name, row, want string }{
		{"a document id that is a number", `{"doc_id":7,"state":"running"}`, "doc_id is a number, not text"},
		{"no document id", `{"state":"running"}`, "it has no doc_id"},
		{"a row that is no object", `"running"`, "it is text, not an object"},
		{"null for a row", `null`, "it is null, not an object"},
		{"a row that is malformed", `{"doc_id":"x",}`, "invalid character '}' looking for beginning of object key string"},
		{"a control character in a text", "{\"doc_id\":\"x\ny\"}", `invalid character '\n' in string literal`},
		{"a control character in a long text", `{"doc_id":"aaaaaaaaaaa` + "\x01" + `aaaaaaaaaaaaaaaaaaaa"}`, `invalid character '\x01' in string literal`},
		{"a row of 17 MiB", `{"doc_id":"x","info":"` + strings.Repeat("x", 17<<20) + `"}`, "longer than 16 MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := look(t, nil, docs(good, test.row, doc("b", "pending", "null", "null")), noJobs, noTasks)
			if got := paths(s); got != "_replicator/a _replicator/b" {
				t.Errorf("got replications %s, want those of the other rows, a and b", got)
			}
			want := "read row 2 of docs of _replicator: " + test.want
			if got := fmt.Sprint(errors.Join(s.RowErrors...)); got != want {
				t.Errorf("got row errors %s\nwant %s", got, want)
			}
			if s.Failed() || s.Complete("_replicator") || !s.Complete(snapshot.TransientDatabase) {
				t.Errorf("got failed %t, complete %t, jobs complete %t; want false, false (the odd row may be any document), true",
					s.Failed(), s.Complete("_replicator"), s.Complete(snapshot.TransientDatabase))
			}
		})
	}
}

// A row without end must not fill the memory.
func TestMemoryIsBoundedByTheLongestRow(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b := snapshot.NewBuilder("prod", noon)
	err := b.Docs("_replicator", io.MultiReader(
		strings.NewReader(`{"docs":[{"doc_id":"`), io.LimitReader(endless{}, 40<<20), strings.NewReader(`"},`+doc("a", "running", info7, "null")+`]}`)))
	runtime.ReadMemStats(&after)
	s := b.Snapshot()
	if err != nil || paths(s) != "_replicator/a" || len(s.RowErrors) != 1 {
		t.Fatalf("got replications %s, row errors %v, error %v; want a and one row error", paths(s), s.RowErrors, err)
	}
	if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 120 {
		t.Errorf("a row of 40 MiB took %d MiB, want at most 120", got)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestAnOddJobMakesEveryAbsenceUnproven(t *testing.T) {
	for _, row := range []string{`{"database":7,"id":"x"}`, `{"database":null,"id":null}`, `{"database":"_replicator","doc_id":null,"id":"x"}`, `[]`} {
		s := look(t, nil, noDocs, jobs(row, job("a", "", "added")), noTasks)
		if len(s.RowErrors) != 1 || s.Failed() || s.Complete("_replicator") || s.Complete(snapshot.TransientDatabase) {
			t.Errorf("%s: got row errors %v, failed %t, complete %t", row, s.RowErrors, s.Failed(), s.Complete("_replicator"))
		}
		if got := paths(s); got != "_replicator/a" {
			t.Errorf("%s: got replications %s, want the other job's", row, got)
		}
	}
}

func TestRowErrorsAreBounded(t *testing.T) {
	odd := make([]string, 250)
	for i := range odd {
		odd[i] = "0"
	}
	s := look(t, nil, docs(odd...), noJobs, noTasks)
	if len(s.RowErrors) != 101 || s.RowErrors[100].Error() != "read docs of _replicator: 150 more rows could not be read" {
		t.Errorf("got %d row errors, the last %v; want 100 and one about 150 more", len(s.RowErrors), s.RowErrors[len(s.RowErrors)-1])
	}
}

func TestCompleteNeedsDocumentsAndJobs(t *testing.T) {
	read := errors.New("connection refused")
	for _, test := range []struct {
		name string
		see  func(b *snapshot.Builder)
		want string // of _replicator, team/_replicator, _replicate
	}{
		{"all was read", func(b *snapshot.Builder) {
			b.Docs("_replicator", strings.NewReader(noDocs))
			b.Docs("team/_replicator", strings.NewReader(noDocs))
			b.Jobs(strings.NewReader(noJobs))
		}, "true true true"},
		{"documents that were not asked for", func(b *snapshot.Builder) {
			b.Docs("_replicator", strings.NewReader(noDocs))
			b.Jobs(strings.NewReader(noJobs))
		}, "true false true"},
		{"one database could not be read", func(b *snapshot.Builder) {
			b.Docs("_replicator", strings.NewReader(noDocs))
			b.Fail(snapshot.Docs, "team/_replicator", read)
			b.Jobs(strings.NewReader(noJobs))
		}, "true false true"},
		{"the jobs could not be read", func(b *snapshot.Builder) {
			b.Docs("_replicator", strings.NewReader(noDocs))
			b.Fail(snapshot.Jobs, "", read)
		}, "false false false"},
		{"the jobs were forgotten", func(b *snapshot.Builder) {
			b.Docs("_replicator", strings.NewReader(noDocs))
		}, "false false false"},
		{"the tasks do not matter", func(b *snapshot.Builder) {
			b.Docs("_replicator", strings.NewReader(noDocs))
			b.Jobs(strings.NewReader(noJobs))
			b.Fail(snapshot.Tasks, "", read)
		}, "true false true"},
		{"a second try succeeded", func(b *snapshot.Builder) {
			b.Docs("_replicator", strings.NewReader(noDocs[:20]))
			b.Docs("_replicator", strings.NewReader(noDocs))
			b.Jobs(strings.NewReader(noJobs))
		}, "true false true"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := snapshot.NewBuilder("prod", noon)
			test.see(b)
			s := b.Snapshot()
			got := fmt.Sprint(s.Complete("_replicator"), s.Complete("team/_replicator"), s.Complete(snapshot.TransientDatabase))
			if got != test.want {
				t.Errorf("Complete: got %s, want %s", got, test.want)
			}
		})
	}
	if hand := (&snapshot.Snapshot{}); !hand.Complete("_replicator") {
		t.Error("Complete of a snapshot made by hand without gaps: got false, want true")
	}
}

func TestASecondTryReplacesTheFirst(t *testing.T) {
	b := snapshot.NewBuilder("prod", noon)
	first := docs(doc("a", "running", info7, "null"), doc("gone", "running", info7, "null"), "7")
	b.Docs("_replicator", strings.NewReader(first[:len(first)-4]))
	if err := b.Docs("_replicator", strings.NewReader(docs(doc("a", "completed", info9, "null")))); err != nil {
		t.Fatal(err)
	}
	b.Jobs(strings.NewReader(jobs(job("b", "", "added"), `{}`)[:290]))
	b.Jobs(strings.NewReader(jobs(job("c", "", "added"))))
	s := b.Snapshot()
	if got := paths(s); got != "_replicator/a _replicator/c" || find(t, s, "a").State != snapshot.Completed {
		t.Errorf("got %s, a %s; want a, completed, and c", got, find(t, s, "a").State)
	}
	if s.Failed() || len(s.RowErrors) > 0 {
		t.Errorf("got gaps %v and row errors %v, want none of the first try", s.Gaps, s.RowErrors)
	}
}

func TestWhatWasReadBeforeAFailureStays(t *testing.T) {
	b := snapshot.NewBuilder("prod", noon)
	list := docs(doc("a", "running", info7, "null"), doc("b", "running", info7, "null"))
	err := b.Docs("_replicator", iotest.TimeoutReader(iotest.HalfReader(strings.NewReader(list))))
	b.Fail(snapshot.Docs, "_replicator", errors.New("and again"))
	b.Jobs(strings.NewReader(noJobs))
	s := b.Snapshot()
	if !errors.Is(err, iotest.ErrTimeout) || !errors.Is(s.Err(), iotest.ErrTimeout) {
		t.Errorf("got error %v and gap %v, want both the reader's own", err, s.Err())
	}
	if got := paths(s); !strings.HasPrefix(got+" ", "_replicator/a ") {
		t.Errorf("got replications %q, want a, which was read", got)
	}
}

func TestJobsOfOtherDatabasesAreDropped(t *testing.T) {
	_, list := recording(t, "jobs-all.http")
	b := snapshot.NewBuilder("prod", noon)
	asked := map[string]int{}
	b.Keep(func(database string) bool { asked[database]++; return database == "team/_replicator" })
	if err := b.Jobs(strings.NewReader(list)); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.Snapshot().Replications {
		if r.Database != "team/_replicator" && r.Database != snapshot.TransientDatabase {
			t.Errorf("got job %s, want those of team/_replicator and transient ones", r.Path())
		}
	}
	if len(asked) != 2 || asked["_replicator"] != 1 || asked["team/_replicator"] != 1 {
		t.Errorf("asked about %v, want once about either database and never about transient jobs", asked)
	}
}

func TestDatabasesGoByTheNameTheyWereAskedFor(t *testing.T) {
	for _, test := range []struct{ name, rowDatabase, jobDatabase, want string }{
		{"as it is", "_replicator", "_replicator", "_replicator/x"},
		{"with the account before it", "acme/_replicator", "acme/_replicator", "_replicator/x"},
		{"with the shard around it", "shards/80000000-ffffffff/_replicator.1795504031", "shards/00000000-7fffffff/_replicator.1795504031", "_replicator/x"},
		{"with both", "shards/80000000-ffffffff/acme/_replicator.17", "acme/_replicator", "_replicator/x"},
		{"of an account that was not seen in documents", "_replicator", "acme/_replicator", "_replicator/x acme/_replicator/x"},
		{"with a suffix that is no time", "_replicator", "shards/00000000-7fffffff/_replicator.old", "_replicator/x _replicator.old/x"},
		{"with nothing but a shard", "_replicator", "shards/x", "_replicator/x shards/x/x"},
		{"of another database", "acme/_replicator", "acme/team/_replicator", "_replicator/x acme/team/_replicator/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := strings.Replace(doc("x", "running", info7, "null"), "_replicator", test.rowDatabase, 1)
			j := strings.Replace(job("x", "<0.1.0>", "started"), "_replicator", test.jobDatabase, 1)
			s := look(t, nil, docs(d), jobs(j), noTasks)
			if got := paths(s); got != test.want {
				t.Fatalf("got replications %s, want %s", got, test.want)
			}
			// A look that does not list the documents still knows their database's name.
			b := snapshot.NewBuilder("prod", noon)
			b.Reuse(s)
			b.Jobs(strings.NewReader(jobs(strings.Replace(j, "started", "stopped", 1))))
			if got := paths(b.Snapshot()); !strings.HasSuffix(" "+test.want, " "+got) {
				t.Errorf("got replications %s of the jobs alone, after %s", got, test.want)
			}
		})
	}
}

func TestWhatTheSourceSaidFillsOnlyWhatTheServerLeftOpen(t *testing.T) {
	s := func(pending map[string]int64) *snapshot.Snapshot {
		b := snapshot.NewBuilder("prod", noon)
		b.Docs("_replicator", strings.NewReader(docs(
			doc("null", "running", info9, "null"), doc("none", "running", "null", "null"), doc("said", "running", info7, "null"))))
		b.Jobs(strings.NewReader(noJobs))
		for id, n := range pending {
			b.SourcePending(snapshot.Key{Database: "_replicator", DocID: id}, n)
		}
		return b.Snapshot()
	}
	got := s(map[string]int64{"null": 0, "none": 5, "said": 9, "other": 1})
	for id, want := range map[string]string{"null": "0", "none": "5", "said": "3"} {
		if got := say(find(t, got, id), snapshot.FieldChangesPending); got != want {
			t.Errorf("changes_pending of %s: got %s, want %s", id, got, want)
		}
	}
	if got := say(find(t, s(nil), "null"), snapshot.FieldChangesPending); got != "?" {
		t.Errorf("changes_pending that nobody said: got %s, want ?", got)
	}
}

// dump is all that a snapshot says.
func dump(s *snapshot.Snapshot) string {
	var b strings.Builder
	for _, r := range s.Replications {
		fmt.Fprintf(&b, "%+v\n", fields(*r))
	}
	for _, g := range s.Gaps {
		fmt.Fprintf(&b, "gap %s %s: %v\n", g.Part, g.Database, g.Err)
	}
	fmt.Fprintf(&b, "rows %v\nwhole %v\n", s.RowErrors, s.Whole)
	for _, key := range slices.SortedFunc(maps.Keys(s.Asked), snapshot.Key.Compare) {
		fmt.Fprintf(&b, "asked %s missing=%t", key.Path(), s.Asked[key].Missing)
		if r := s.Asked[key].Replication; r != nil {
			fmt.Fprintf(&b, " %+v", fields(*r))
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}
