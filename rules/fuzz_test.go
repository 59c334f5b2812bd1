package rules_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"watchdog/diag"
	"watchdog/rules"
	"watchdog/snapshot"
)

// seenFilms are short lives of a replication, a minute a frame. All is known in the last frame.
func seenFilms() [][]frame {
	all := func(state string, n int64) frame {
		r := replication("orders", state)
		r.ID, r.Node, r.Source, r.Target, r.User, r.PID = "f857+continuous", "couchdb@127.0.0.1", "http://a/orders/", "http://b/orders/", "admin", "<0.1.0>"
		r.Error, r.ErrorCount, r.Continuous, r.Active = "db_not_found: é", n%3, true, true
		r.DocsRead, r.DocsWritten, r.DocWriteFailures, r.RevisionsChecked, r.MissingRevisionsFound = n, n, n%2, n, n
		r.ChangesPending, r.BulkGetDocs, r.BulkGetAttempts = 5, n, n
		r.SourceSeq, r.ThroughSeq, r.CheckpointedSourceSeq = "9-g1A", "7-g1A", "5-g1A"
		r.LastUpdated, r.StartTime = start, start.Add(-time.Hour)
		crashedAt(2, 1)(r)
		r.Known = ^snapshot.Fields(0)
		return frame{rows: []*snapshot.Replication{r}}
	}
	film := func(frame func(minute int) frame) (frames []frame) {
		for minute := range 14 {
			frames = append(frames, frame(minute))
		}
		return frames
	}
	return [][]frame{
		film(func(minute int) frame { return all("running", int64(minute)) }),
		film(func(int) frame { return all("running", 7) }),
		film(func(minute int) frame { return all([]string{"running", "crashing"}[minute/2%2], int64(minute/2)) }),
		film(func(minute int) frame { return all([]string{"pending", "failed"}[minute/13], 0) }),
		{all("running", 3)},
	}
}

// value is what the conditions make of the last frame of a film in which only those fields are known.
func value(compiled []*rules.Rule, film []frame, known snapshot.Fields) map[string]rules.Explanation {
	set := rules.NewSet(rules.SetSpec{Labels: map[string]string{"team": "data"}, Rules: compiled})
	memory := rules.NewMemory("prod")
	last := len(film) - 1
	for minute, f := range film[:last] {
		memory.Apply(set.Step(memory, f.snapshot(minute)))
	}
	row := *film[last].rows[0]
	row.Known &= known
	values := map[string]rules.Explanation{}
	for _, e := range set.Explain(memory, &row, start.Add(time.Duration(last)*time.Minute)) {
		values[e.Rule] = e
	}
	return values
}

// What is written as a condition is refused with its place, or has one of three values, by which the
// laws of Kleene's logic hold; and what is not known can make it unknown, but never the opposite.
func FuzzExpression(f *testing.F) {
	for i, when := range []string{
		`state == "failed"`, `error_count > 5 && docs_written < 100`, `!(changes_pending > 0) or state in ["failed", "crashing"]`,
		`stalled("docs_written", "5m")`, `stalled("3m") ? blind("3m") : in_state("2m")`, `increase("doc_write_failures", "4m") + 1 > 0`,
		`rate("docs_written", "3m") < 0.01`, `crashes("5m") >= 2`, `age(start_time) > duration("1m") || age(since) <= duration("0s")`,
		`database startsWith "_rep" && doc_id matches "^ord.*s$"`, `labels.team == "data" && labels["none"] == ""`, `len(trim(error)) % 3 == 1`,
		`max(docs_read, docs_written) - 9223372036854775807 < -error_count`, `active == not continuous`, `"é" in [error, state] // why`,
		`count(replications, .state == "failed") > 0`, `percent(replications, .error_count > 0) >= 50.0`, `up && failures == 0`,
		`previous_state != state and source_seq != through_seq`, `last_updated - start_time > duration("1h")`, `int(error_count / 2) == 1`,
		`docs_written`, `state = "failed"`, `nil ?? true`, `(((`, `'a\x00`, `let x = 1; x > 0`, `"x" | lower() == "x"`, `state?.x`,
	} {
		f.Add(when, uint8(i), uint32(0xaaaaaaaa)>>(i%7))
		f.Add(when, uint8(i+1), ^(uint32(1) << i))
	}
	films := seenFilms()
	f.Fuzz(func(t *testing.T, when string, pick uint8, mask uint32) {
		if !utf8.ValidString(when) || len(when) > 2000 {
			return // YAML is UTF-8
		}
		checkServerScope(t, when)
		compiled, ok := checkProblems(t, rules.Spec{Name: "it", When: when})
		if !ok || strings.Contains(when, ";") { // one at the end is good, and nothing stands behind it
			return
		}
		terms := []*rules.Rule{compiled}
		for name, around := range map[string][2]string{
			"not": {"!(", "\n)"}, "or true": {"true || (", "\n)"}, "and false": {"false && (", "\n)"},
			"excluded middle": {"(" + when + "\n) || !(", "\n)"}, "contradiction": {"(" + when + "\n) && !(", "\n)"},
			"either way": {"active ? (" + when + "\n) : (", "\n)"},
		} {
			r, problems := rules.Compile(rules.Spec{Name: name, When: around[0] + when + around[1]})
			if r == nil {
				if len(when) < 100 {
					t.Fatalf("%q is good, and %s%s%s is not: %+v", when, around[0], when, around[1], problems)
				}
				return // too large
			}
			terms = append(terms, r)
		}
		film := films[int(pick)%len(films)]
		whole := value(terms, film, ^snapshot.Fields(0))
		checkLaws(t, when, whole)
		some := value(terms, film, snapshot.Fields(mask))
		checkLaws(t, when, some)
		for name := range whole {
			if some[name].When != "unknown" && some[name].When != whole[name].When {
				t.Errorf("%s of %q: got %s where less is known (%032b), and %s where all is", name, when, some[name].When, mask, whole[name].When)
			}
		}
		checkParts(t, film, some["it"], snapshot.Fields(mask))
	})
}

// checkProblems compiles a rule, and looks at what is said of it.
func checkProblems(t *testing.T, spec rules.Spec) (r *rules.Rule, ok bool) {
	r, problems := rules.Compile(spec)
	good := true
	for _, p := range problems {
		good = good && p.Level == diag.Lint
		end := len(spec.When)
		if p.Offset == end {
			end++ // behind the last character, where something is missing
		}
		if p.Message == "" || p.Field != "when" || p.Offset < 0 || p.Length < 0 || p.Offset+p.Length > end {
			t.Errorf("Compile %q: a problem that is nowhere: %+v", spec.When, p)
		}
		if !utf8.ValidString(spec.When[:p.Offset]) {
			t.Errorf("Compile %q: a problem in the middle of a character: %+v", spec.When, p)
		}
	}
	if good != (r != nil) {
		t.Errorf("Compile %q: got a rule: %t, and problems %+v", spec.When, r != nil, problems)
	}
	return r, r != nil
}

// checkLaws holds Kleene's laws against the values of one look.
func checkLaws(t *testing.T, when string, e map[string]rules.Explanation) {
	opposite := map[string]string{"true": "false", "false": "true", "unknown": "unknown"}
	or := map[string]string{"true": "true", "false": "true", "unknown": "unknown"}
	and := map[string]string{"true": "false", "false": "false", "unknown": "unknown"}
	it := e["it"].When
	for name, want := range map[string]string{
		"not": opposite[it], "or true": "true", "and false": "false", "excluded middle": or[it], "contradiction": and[it], "either way": it,
	} {
		if got := e[name].When; got != want {
			t.Errorf("%q is %s, and %s of it: got %s, want %s", when, it, name, got, want)
		}
	}
}

// checkParts takes each part of an expression as explain shows it for an expression: it has the value
// that is shown beside it.
func checkParts(t *testing.T, film []frame, e rules.Explanation, known snapshot.Fields) {
	for _, part := range e.Parts {
		if (part.Why == "") != (part.Value != "unknown") {
			t.Errorf("part %q is %s, because %q", part.Text, part.Value, part.Why)
		}
		r, problems := rules.Compile(rules.Spec{Name: "part", When: part.Text})
		if r == nil {
			t.Errorf("the part %q is no expression: %+v", part.Text, problems)
			continue
		}
		if got := value([]*rules.Rule{r}, film, known)["part"].When; got != part.Value {
			t.Errorf("the part %q: got %s on its own, want %s", part.Text, got, part.Value)
		}
	}
}

// checkServerScope looks at a server by a condition and its opposite: at most one is true.
func checkServerScope(t *testing.T, when string) {
	it, ok := checkProblems(t, rules.Spec{Name: "it", Scope: "server", When: when})
	if !ok {
		return
	}
	opposite, _ := rules.Compile(rules.Spec{Name: "not", Scope: "server", When: "!(" + when + "\n)"})
	if opposite == nil {
		return // too large
	}
	set := rules.NewSet(rules.SetSpec{Rules: []*rules.Rule{it, opposite}})
	for _, film := range seenFilms()[2:3] {
		for _, shown := range []frame{film[0], gap, absent} {
			memory := rules.NewMemory("prod")
			memory.Apply(set.Step(memory, shown.snapshot(0)))
			if all := memory.Alerts(); len(all) > 1 {
				t.Errorf("%q of a server is true, and its opposite too: %s", when, strings.Join(play(t, set, []frame{shown}), "; "))
			}
		}
	}
}
