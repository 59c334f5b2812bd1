package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchdog/diag"
	"watchdog/rules"
	"watchdog/snapshot"
)

// start is the time of the first frame of every film.
var start = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

// frame is one snapshot of a film: what was seen of the replication "orders".
type frame struct {
	rows  []*snapshot.Replication
	asked map[snapshot.Key]snapshot.Answer
	gap   bool // the check was incomplete
}

// orders is one replication, known to be in a state, with the fields that set adds.
func orders(state string, set ...func(*snapshot.Replication)) frame {
	return frame{rows: []*snapshot.Replication{replication("orders", state, set...)}}
}

func replication(doc, state string, set ...func(*snapshot.Replication)) *snapshot.Replication {
	r := &snapshot.Replication{Key: snapshot.Key{Database: "_replicator", DocID: doc}}
	if state != "" {
		r.State = snapshot.State(state)
		r.Known = r.Known.With(snapshot.FieldState)
	}
	for _, f := range set {
		f(r)
	}
	return r
}

func written(n int64) func(*snapshot.Replication) {
	return func(r *snapshot.Replication) {
		r.DocsWritten, r.Known = n, r.Known.With(snapshot.FieldDocsWritten)
	}
}

func waiting(n int64) func(*snapshot.Replication) {
	return func(r *snapshot.Replication) {
		r.ChangesPending, r.Known = n, r.Known.With(snapshot.FieldChangesPending)
	}
}

func through(seq string) func(*snapshot.Replication) {
	return func(r *snapshot.Replication) {
		r.ThroughSeq, r.Known = seq, r.Known.With(snapshot.FieldThroughSeq)
		r.DocsRead, r.RevisionsChecked = 1, 1
		r.Known = r.Known.With(snapshot.FieldDocsRead, snapshot.FieldRevisionsChecked)
	}
}

func refused(n int64) func(*snapshot.Replication) {
	return func(r *snapshot.Replication) {
		r.DocWriteFailures, r.Known = n, r.Known.With(snapshot.FieldDocWriteFailures)
	}
}

func errorCount(n int64) func(*snapshot.Replication) {
	return func(r *snapshot.Replication) {
		r.ErrorCount, r.Known = n, r.Known.With(snapshot.FieldErrorCount)
	}
}

func failedWith(reason string) func(*snapshot.Replication) {
	return func(r *snapshot.Replication) { r.Error, r.Known = reason, r.Known.With(snapshot.FieldError) }
}

// crashedAt gives the job its whole history, with crashes at minutes of the film, newest first.
func crashedAt(minutes ...int) func(*snapshot.Replication) {
	return func(r *snapshot.Replication) {
		lastCrashedAt(minutes...)(r)
		r.History = append(r.History, snapshot.Event{Type: snapshot.Added, At: start.Add(-24 * time.Hour)})
	}
}

// lastCrashedAt gives the job a history of which the beginning has been dropped.
func lastCrashedAt(minutes ...int) func(*snapshot.Replication) {
	return func(r *snapshot.Replication) {
		r.Known = r.Known.With(snapshot.FieldHistory)
		for _, m := range minutes {
			r.History = append(r.History, snapshot.Event{
				Type: snapshot.Crashed, At: start.Add(time.Duration(m) * time.Minute), Reason: "db_not_found",
			})
		}
	}
}

func jobID(id string) func(*snapshot.Replication) {
	return func(r *snapshot.Replication) { r.ID, r.Known = id, r.Known.With(snapshot.FieldID) }
}

// states is a film of plain states, a minute apart; "" is a state the server did not give.
func states(names ...string) []frame {
	var film []frame
	for _, name := range names {
		film = append(film, orders(name))
	}
	return film
}

var (
	absent = frame{}
	gap    = frame{gap: true}
	gone   = frame{asked: map[snapshot.Key]snapshot.Answer{
		{Database: "_replicator", DocID: "orders"}: {Missing: true},
	}}
)

func (f frame) snapshot(minute int) *snapshot.Snapshot {
	s := &snapshot.Snapshot{
		Server: "prod", At: start.Add(time.Duration(minute) * time.Minute),
		Replications: f.rows, Asked: f.asked,
	}
	if f.gap {
		s.Gaps = []snapshot.Gap{{Part: snapshot.Jobs, Err: errors.New("read jobs of prod: connection refused")}}
	}
	return s
}

func compile(t testing.TB, specs ...rules.Spec) []*rules.Rule {
	t.Helper()
	var compiled []*rules.Rule
	for i, s := range specs {
		if s.Name == "" {
			s.Name = fmt.Sprintf("rule%d", i)
		}
		r, problems := rules.Compile(s)
		for _, p := range problems {
			if p.Level != diag.Lint {
				t.Fatalf("Compile(%q): %s: %s; %s", s.When, p.Field, p.Message, p.Hint)
			}
		}
		compiled = append(compiled, r)
	}
	return compiled
}

// play runs a film, a minute a frame, and gives for each frame the alerts that are pending or
// firing after it and what was said in it: "0m pending", "2m firing: new".
func play(t testing.TB, set *rules.Set, film []frame) []string {
	t.Helper()
	memory := rules.NewMemory("prod")
	var lines []string
	for minute, f := range film {
		result := set.Step(memory, f.snapshot(minute))
		memory.Apply(result)
		lines = append(lines, describeFrame(minute, memory, result))
	}
	return lines
}

func describeFrame(minute int, memory *rules.Memory, result *rules.Result) string {
	var words []string
	for _, a := range memory.Alerts() {
		words = append(words, string(a.Status))
	}
	if len(words) == 0 {
		words = []string{"quiet"}
	}
	line := fmt.Sprintf("%dm %s", minute, strings.Join(words, " "))
	var said []string
	for _, tr := range result.Transitions {
		said = append(said, string(tr.Reason))
	}
	if len(said) > 0 {
		line += ": " + strings.Join(said, " ")
	}
	return line
}
