package snapshot_test

import (
	"strings"
	"testing"

	"watchdog/snapshot"
)

func key(id string) snapshot.Key { return snapshot.Key{Database: "_replicator", DocID: id} }

func TestAnswersThatTellNothing(t *testing.T) {
	for _, test := range []struct{ name, row, want string }{
		{"a document that nobody works on yet", `{"database":"_replicator","doc_id":"x","id":null,"state":null,"info":null}`, ""},
		{"another document", `{"doc_id":"y","state":"failed"}`, `read the answer about _replicator/x: it is about "y"`},
		{"an error", `{"error":"not_found","reason":"missing"}`, "read the answer about _replicator/x: the server answered not_found: missing"},
		{"no document", `{"state":"running"}`, "read the answer about _replicator/x: it names no replication"},
		{"half of one", `{"doc_id":"x","state":"run`, "read the answer about _replicator/x: unexpected end of JSON input"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := snapshot.NewBuilder("prod", noon)
			b.Docs("_replicator", strings.NewReader(noDocs))
			b.Jobs(strings.NewReader(noJobs))
			err := b.Answer(key("x"), []byte(test.row))
			if got := errorText(err); got != test.want {
				t.Errorf("Answer: got error %q, want %q", got, test.want)
			}
			got, asked := b.Snapshot().Asked[key("x")]
			if !asked || got != (snapshot.Answer{}) {
				t.Errorf("got answer %+v, asked %t; want one that tells nothing", got, asked)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAnAnswerIsLaterThanBothListings(t *testing.T) {
	listed := docs(doc("x", "running", info7, `"2026-11-24T12:00:05Z"`))
	its := jobs(withInfo(job("x", "<0.1.0>", "started@5 added@5"), info7))
	task := `[{"type":"replication","replication_id":"r-x+continuous"}]`
	for _, test := range []struct {
		name, row string
		want      string // state, error, docs_written, pid, active, history
	}{
		{"it completed", doc("x", "completed", info9, `"2026-11-24T12:00:08Z"`), `completed "" 9 ? ? started added`},
		{"it failed, and shows no counters", doc("x", "failed", `{"error":"bad"}`, `"2026-11-24T12:00:08Z"`), `failed "bad" 7 ? ? started added`},
		{"it still runs", doc("x", "running", info9, `"2026-11-24T12:00:05Z"`), `running "" 9 <0.1.0> true started added`},
		{"it crashes", doc("x", "crashing", `{"error":"boom"}`, `"2026-11-24T12:00:08Z"`), `crashing "boom" 7 ? ? started added`},
		{"it is another replication now", strings.Replace(doc("x", "running", "null", "null"), "r-x", "r-new", 1), `running ? ? ? ? ?`},
		{"it told nothing", `{"doc_id":"x","state":null}`, `running "" 7 <0.1.0> true started added`},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := look(t, nil, listed, its, task)
			answer, err := snapshot.DecodeAnswer(key("x"), []byte(test.row))
			if err != nil {
				t.Fatal(err)
			}
			s := before.WithAnswers(map[snapshot.Key]snapshot.Answer{key("x"): answer})
			r := find(t, s, "x")
			got := strings.Join([]string{
				say(r, snapshot.FieldState), say(r, snapshot.FieldError), say(r, snapshot.FieldDocsWritten),
				say(r, snapshot.FieldPID), say(r, snapshot.FieldActive), say(r, snapshot.FieldHistory),
			}, " ")
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if len(s.Asked) > 0 {
				t.Errorf("got asked %v, want it in Replications only", s.Asked)
			}
			if r := find(t, before, "x"); r.State != snapshot.Running || r.DocsWritten != 7 {
				t.Errorf("the snapshot before changed: state %s, docs_written %d", r.State, r.DocsWritten)
			}
		})
	}
}

func TestWhatIsMissingByNowIsNotThere(t *testing.T) {
	b := snapshot.NewBuilder("prod", noon)
	b.Docs("_replicator", strings.NewReader(docs(doc("x", "running", info7, "null"), doc("y", "running", info7, "null"))))
	b.Jobs(strings.NewReader(noJobs))
	b.Missing(key("x"))
	b.Missing(key("z"))
	s := b.Snapshot()
	if got := paths(s); got != "_replicator/y" || !s.Asked[key("x")].Missing || !s.Asked[key("z")].Missing {
		t.Errorf("got replications %s and asked %v, want y, and x and z missing", got, s.Asked)
	}
}

func TestAnswersAboutOthersAreKeptBeside(t *testing.T) {
	b := snapshot.NewBuilder("prod", noon)
	b.Jobs(strings.NewReader(noJobs))
	b.SourcePending(key("x"), 5)
	if err := b.Answer(key("x"), []byte(doc("x", "running", info9, "null"))); err != nil {
		t.Fatal(err)
	}
	first := b.Snapshot()
	s := first.WithAnswers(map[snapshot.Key]snapshot.Answer{key("y"): {Missing: true}})
	if len(s.Replications) != 0 || len(s.Asked) != 2 || len(first.Asked) != 1 {
		t.Fatalf("got replications %s, asked %v, before %v; want none, x and y, x", paths(s), s.Asked, first.Asked)
	}
	if got := say(s.Asked[key("x")].Replication, snapshot.FieldChangesPending); got != "5" {
		t.Errorf("changes_pending of x: got %s, want 5 as the source said", got)
	}
}
