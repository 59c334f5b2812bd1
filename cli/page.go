package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

// page is all that there is to know about one replication, for a person.
type page struct {
	w       io.Writer
	server  string
	colored bool
	now     time.Time
}

// together is a document and its job, joined as checks join them.
func together(f found, job *scheduler.Row) (*snapshot.Replication, error) {
	b := snapshot.NewBuilder(f.client.Name(), time.Now())
	err := b.Docs(f.key.Database, one("docs", f.row.JSON))
	if err == nil && job != nil {
		err = b.Jobs(one("jobs", job.JSON))
	}
	if err != nil {
		return nil, err
	}
	for _, r := range b.Snapshot().Replications {
		if r.Key == f.key {
			return r, nil
		}
	}
	return f.row.Replication, nil
}

// one is a listing of one row.
func one(list string, row []byte) io.Reader {
	return io.MultiReader(strings.NewReader(`{"`+list+`":[`), bytes.NewReader(row), strings.NewReader("]}"))
}

func (p page) print(r *snapshot.Replication) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, in %s of %s\n", oneLine(r.DocID), oneLine(r.Database), p.server)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, value)
		}
	}
	line("state", p.state(r))
	line("error", oneLine(r.Error))
	line("next try", p.nextTry(r))
	line("error_count", errorCount(r))
	line("source", oneLine(r.Source))
	line("target", oneLine(r.Target))
	if r.Has(snapshot.FieldContinuous) {
		line("continuous", map[bool]string{true: "yes", false: "no: it ends when all is copied"}[r.Continuous])
	}
	line("id", oneLine(r.ID))
	line("node", oneLine(r.Node))
	line("user", oneLine(r.User))
	line("start_time", p.when(r, snapshot.FieldStartTime, r.StartTime))
	line("progress", counters(r))
	line("changes_pending", pending(r))
	line("rate", average(r))
	if err := t.Flush(); err != nil {
		return err
	}
	p.history(&b, r.History)
	_, err := io.WriteString(p.w, b.String())
	return err
}

// state is the state, and since when, where that is known.
func (p page) state(r *snapshot.Replication) string {
	if !r.Has(snapshot.FieldState) {
		return "unknown: no node of the cluster works on it (yet)"
	}
	text := string(r.State)
	if p.colored {
		text = paint(text, stateCode(r.State))
	}
	if r.Has(snapshot.FieldLastUpdated) {
		text += " for " + span(p.now.Sub(r.LastUpdated)) + ", since " + r.LastUpdated.Format(time.RFC3339)
	}
	return text
}

// nextTry is when CouchDB tries again what does not run.
func (p page) nextTry(r *snapshot.Replication) string {
	switch {
	case r.State == snapshot.Failed:
		return fmt.Sprintf("none, until the document is written anew: watchdog restart %s", quoted(r.Key))
	case r.State == snapshot.ErrorState && r.Has(snapshot.FieldErrorCount):
		const first, doublings = 64 * time.Second, 12
		most := first << min(max(r.ErrorCount, 0), doublings)
		return fmt.Sprintf("at some moment within %s of the last", span(most))
	}
	at, known := r.NextTry()
	if !known {
		return ""
	}
	within := fmt.Sprintf(" or up to %s later", span(snapshot.RetryWithin))
	if wait := at.Sub(p.now); wait > 0 {
		return fmt.Sprintf("%s, in %s,%s", at.Format(time.RFC3339), span(wait), within)
	}
	return fmt.Sprintf("due since %s,%s", at.Format(time.RFC3339), within)
}

// quoted names a replication on a command line.
func quoted(key snapshot.Key) string {
	return "--database " + shellQuoted(key.Database) + " -- " + shellQuoted(key.DocID)
}

func shellQuoted(word string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-./+:@", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(oneLine(word), "'", `'\''`) + "'"
}

// errorCount is CouchDB's error_count, and why it says less than it seems to.
func errorCount(r *snapshot.Replication) string {
	if !r.Has(snapshot.FieldErrorCount) {
		return ""
	}
	crashes := 0
	for _, e := range r.History {
		if e.Type == snapshot.Crashed {
			crashes++
		}
	}
	const most = 10 // a history of 20 events, every other one a start
	why := ""
	switch n := r.ErrorCount; {
	case r.State == snapshot.Failed:
		why = "CouchDB says 1 of everything that failed"
	case n >= most && r.State != snapshot.ErrorState:
		why = fmt.Sprintf("counted in a history of 20 events, so it stops at %d: there may have been more crashes", most)
	case n > 0 && r.State == snapshot.Running:
		why = "it stays up after a recovery, so it says nothing about now"
	case n == 0 && crashes > 0:
		why = fmt.Sprintf("though its history has %s: only those within 2 minutes of a start count, and a stop by the scheduler starts anew", count(crashes, "crash event"))
	}
	if why == "" {
		return fmt.Sprint(r.ErrorCount)
	}
	return fmt.Sprintf("%d (%s)", r.ErrorCount, why)
}

func (p page) when(r *snapshot.Replication, f snapshot.Field, at time.Time) string {
	if !r.Has(f) {
		return ""
	}
	return at.Format(time.RFC3339) + ", " + span(p.now.Sub(at)) + " ago"
}

// counted are the counters that tell of progress, and of what hinders it.
var counted = []struct {
	field snapshot.Field
	of    func(*snapshot.Replication) int64
}{
	{snapshot.FieldDocsWritten, func(r *snapshot.Replication) int64 { return r.DocsWritten }},
	{snapshot.FieldDocsRead, func(r *snapshot.Replication) int64 { return r.DocsRead }},
	{snapshot.FieldDocWriteFailures, func(r *snapshot.Replication) int64 { return r.DocWriteFailures }},
	{snapshot.FieldRevisionsChecked, func(r *snapshot.Replication) int64 { return r.RevisionsChecked }},
	{snapshot.FieldMissingRevisionsFound, func(r *snapshot.Replication) int64 { return r.MissingRevisionsFound }},
}

func counters(r *snapshot.Replication) string {
	var all []string
	for _, c := range counted {
		if r.Has(c.field) {
			all = append(all, fmt.Sprintf("%s %d", c.field, c.of(r)))
		}
	}
	return strings.Join(all, ", ")
}

func pending(r *snapshot.Replication) string {
	switch {
	case r.Has(snapshot.FieldChangesPending):
		return fmt.Sprint(r.ChangesPending)
	case r.State == snapshot.Running:
		return "unknown: the source has not said. One that is idle shows this after a restart, and so does one that hangs"
	}
	return ""
}

// average is the rate of one that completed, the only one of which both ends are known.
func average(r *snapshot.Replication) string {
	took := r.LastUpdated.Sub(r.StartTime)
	if r.State != snapshot.Completed || !r.Has(snapshot.FieldDocsWritten) || !r.Has(snapshot.FieldStartTime) || took < time.Second {
		return ""
	}
	return fmt.Sprintf("docs_written %s on average, over %s", perSecond(r.DocsWritten, took), span(took))
}

func perSecond(n int64, d time.Duration) string { return fmt.Sprintf("%.1f/s", float64(n)/d.Seconds()) }

// history prints the events of the job, newest first, reasons in full.
func (p page) history(b *strings.Builder, events []snapshot.Event) {
	if len(events) == 0 {
		return
	}
	b.WriteString("history\n")
	for _, e := range events {
		line := fmt.Sprintf("  %s  %-7s  %s", e.At.Format(time.RFC3339), oneLine(string(e.Type)), oneLine(e.Reason))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// rates looks again after a while and prints how fast the counters moved.
func (p page) rates(ctx context.Context, client *scheduler.Client, before *snapshot.Replication, after time.Duration) error {
	began := time.Now()
	select {
	case <-time.After(after):
	case <-ctx.Done():
		return nil
	}
	row, err := client.Job(ctx, before.ID)
	var none *scheduler.NotFoundError
	switch {
	case errors.As(err, &none):
		_, err := fmt.Fprintln(p.w, "it has ended meanwhile: it has no job any more")
		return err
	case err != nil && ctx.Err() == nil:
		return err
	case err != nil:
		return nil //nolint:nilerr // nobody wants to know any more
	}
	took := time.Since(began)
	var all []string
	for _, c := range counted {
		if moved := c.of(row.Replication) - c.of(before); moved > 0 && row.Has(c.field) && before.Has(c.field) {
			all = append(all, fmt.Sprintf("%s %s", c.field, perSecond(moved, took)))
		}
	}
	_, err = fmt.Fprintf(p.w, "rates over %s: %s\n", after, cmp.Or(strings.Join(all, ", "), "nothing moved"))
	return err
}
