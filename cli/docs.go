package cli

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

type docsCommand struct{ listing }

// Run lists the documents as the scheduler sees them.
func (c *docsCommand) Run(s *session) error { return c.list(s, false, (*scheduler.Client).Docs) }

type jobsCommand struct{ listing }

// Run lists the jobs of the scheduler.
func (c *jobsCommand) Run(s *session) error { return c.list(s, true, (*scheduler.Client).Jobs) }

// listing is what `docs` and `jobs` have in common.
type listing struct {
	where
	format
	State []string `placeholder:"STATE" enum:"initializing,error,running,pending,crashing,completed,failed" help:"Only these states, as failed,crashing."`
	Limit int      `placeholder:"N" help:"At most so many rows. Default: all."`
	Skip  int      `placeholder:"N" help:"Pass over so many rows first."`
}

// rowsOf are the rows of one server.
type rowsOf func(*scheduler.Client, context.Context, scheduler.ListOptions) iter.Seq2[scheduler.Row, error]

// list prints the rows of all servers, one server after the other. A server that cannot be read
// does not hide the others, but then the command fails.
func (c *listing) list(s *session, jobs bool, of rowsOf) error {
	if c.Limit < 0 || c.Skip < 0 {
		return s.misuse("--limit and --skip are 0 or more")
	}
	opened, err := c.open(s)
	if err != nil {
		return err
	}
	defer opened.close()
	out := newPaced(s.Stdout)
	p := c.printer(s, out, columns{server: len(opened.all) > 1, job: jobs})
	var failed error
	seen := 0
	for _, client := range opened.all {
		for row, err := range of(client, s.ctx, c.options(seen)) {
			if err != nil {
				failed = s.trouble(err)
				continue
			}
			if seen++; seen <= c.Skip {
				continue
			}
			if err := p.row(client.Name(), row); err != nil {
				return err
			}
			if err := out.soon(); err != nil {
				return err
			}
		}
		if c.Limit > 0 && seen >= c.Skip+c.Limit {
			break
		}
	}
	if seen <= c.Skip && failed == nil && c.Output == "table" {
		fmt.Fprintln(s.Stderr, "nothing found")
	}
	if seen == 0 && failed != nil {
		return failed // an empty list would say that there is none
	}
	return cmp.Or(p.end(), out.Flush(), failed)
}

// options are for a server when so many rows came from those before it.
func (c *listing) options(seen int) scheduler.ListOptions {
	o := scheduler.ListOptions{Database: c.Database}
	for _, word := range c.State {
		o.States = append(o.States, snapshot.State(word))
	}
	if c.Limit > 0 {
		o.Limit = c.Skip + c.Limit - seen
	}
	return o
}

// printer prints rows as they come.
type printer interface {
	row(server string, row scheduler.Row) error
	end() error
}

func (c *listing) printer(s *session, w *paced, columns columns) printer {
	if c.Output != "table" {
		return &objectPrinter{objects{w: w, output: c.Output}}
	}
	return &tablePrinter{
		table:   newTable(w, terminalWidth(s.Stdout), columns.titles()...),
		columns: columns, colored: s.colored(s.Stdout), now: time.Now(),
	}
}

type objectPrinter struct{ objects }

func (p *objectPrinter) row(server string, row scheduler.Row) error {
	data, err := object(server, row)
	if err != nil {
		return err
	}
	return p.one(data)
}

type tablePrinter struct {
	*table
	columns columns
	colored bool
	now     time.Time
}

func (p *tablePrinter) row(server string, row scheduler.Row) error {
	return p.table.row(p.columns.cells(server, row.Replication, p.now, p.colored))
}

// columns are those of a table of rows: which server only where there are several, the id only
// of jobs.
type columns struct{ server, job bool }

func (c columns) titles() []column {
	titles := []column{
		{title: "DATABASE"},
		{title: "DOC"},
		{title: "STATE"},
		{title: "ERRORS", right: true},
		{title: "WRITTEN", right: true},
		{title: "PENDING", right: true},
		{title: "UPDATED", right: true},
	}
	if c.server {
		titles = append([]column{{title: "SERVER"}}, titles...)
	}
	if c.job {
		titles = append(titles, column{title: "ID"})
	}
	return append(titles, column{title: "ERROR"})
}

func (c columns) cells(server string, r *snapshot.Replication, now time.Time, colored bool) []cell {
	updated := unknown
	if r.Has(snapshot.FieldLastUpdated) {
		updated = span(now.Sub(r.LastUpdated))
	}
	cells := []cell{
		{text: oneLine(r.Database)},
		{text: oneLine(r.DocID)},
		stateCell(r, colored),
		number(r, snapshot.FieldErrorCount, r.ErrorCount), number(r, snapshot.FieldDocsWritten, r.DocsWritten),
		number(r, snapshot.FieldChangesPending, r.ChangesPending),
		{text: updated},
	}
	if c.server {
		cells = append([]cell{{text: server}}, cells...)
	}
	if c.job {
		cells = append(cells, cell{text: oneLine(r.ID)})
	}
	return append(cells, cell{text: oneLine(r.Error)})
}

// unknown stands for what the server did not say.
const unknown = "-"

func number(r *snapshot.Replication, f snapshot.Field, n int64) cell {
	if !r.Has(f) {
		return cell{text: unknown}
	}
	return cell{text: strconv.FormatInt(n, 10)}
}

func stateCell(r *snapshot.Replication, colored bool) cell {
	c := cell{text: cmp.Or(oneLine(string(r.State)), unknown)}
	if colored {
		c.code = stateCode(r.State)
	}
	return c
}

// stateCode is the colour of a state.
func stateCode(state snapshot.State) string {
	switch state {
	case snapshot.Failed:
		return "1;31" // bold red
	case snapshot.Crashing, snapshot.ErrorState:
		return "33" // yellow
	case snapshot.Running:
		return "32" // green
	case snapshot.Completed:
		return "2" // dim
	}
	return ""
}

// span is how long something is or was, in one unit: people compare, they do not compute.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0s" // the server's clock is ahead
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// list is "a", "a and b" or "a, b and c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
