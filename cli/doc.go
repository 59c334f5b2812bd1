package cli

import (
	"cmp"
	"context"
	"errors"
	"time"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

type docCommand struct {
	where
	format
	ID      string        `arg:"" help:"The document, or database/document."`
	Measure time.Duration `default:"3s" help:"How long to measure the rates of one that runs, after all else is printed; 0 does not."`
}

// Run shows one replication: its document's row, and in a table all that its job adds.
func (c *docCommand) Run(s *session) error {
	opened, err := c.open(s)
	if err != nil {
		return err
	}
	defer opened.close()
	f, err := c.find(s, opened, c.ID, false)
	if err != nil {
		return err
	}
	if c.Output != "table" {
		return c.print(s, f.client.Name(), f.row)
	}
	job, err := jobOf(s.ctx, f)
	if err != nil {
		_ = s.trouble(err) // the document says most
	}
	return c.show(s, f, job)
}

// show prints the page, then the rates.
func (c *docCommand) show(s *session, f found, job *scheduler.Row) error {
	r, err := together(f, job)
	if err != nil {
		return err
	}
	p := page{w: s.Stdout, server: f.client.Name(), colored: s.colored(s.Stdout), now: time.Now()}
	if err := p.print(r); err != nil {
		return err
	}
	if c.Measure <= 0 || r.State != snapshot.Running || job == nil {
		return nil
	}
	return p.rates(s.ctx, f.client, r, c.Measure)
}

func (f format) print(s *session, server string, row scheduler.Row) error {
	data, err := object(server, row)
	if err != nil {
		return err
	}
	return printObject(s.Stdout, f.Output, data)
}

// jobOf is the job of a document, nil where it has none.
func jobOf(ctx context.Context, f found) (*scheduler.Row, error) {
	if f.row.ID == "" {
		return nil, nil
	}
	job, err := f.client.Job(ctx, f.row.ID)
	var none *scheduler.NotFoundError
	if errors.As(err, &none) {
		return nil, nil // it has ended since
	}
	if err != nil {
		return nil, err
	}
	return &job, nil
}

type jobCommand struct {
	where
	format
	ID string `arg:"" help:"The replication id of the job, or what \"doc\" takes."`
}

// Run shows one job.
func (c *jobCommand) Run(s *session) error {
	opened, err := c.open(s)
	if err != nil {
		return err
	}
	defer opened.close()
	f, err := c.find(s, opened)
	if err != nil {
		return err
	}
	if c.Output != "table" {
		return c.print(s, f.client.Name(), f.row)
	}
	p := page{w: s.Stdout, server: f.client.Name(), colored: s.colored(s.Stdout), now: time.Now()}
	return p.print(f.row.Replication)
}

// find asks for a job of that id first, and then for the job of the document of that id.
func (c *jobCommand) find(s *session, opened *servers) (found, error) {
	var failed error
	for _, client := range opened.all {
		job, err := client.Job(s.ctx, c.ID)
		var none *scheduler.NotFoundError
		switch {
		case errors.As(err, &none):
		case err != nil:
			failed = s.trouble(err)
		case c.Database == "" || c.Database == job.Database:
			return found{client, job.Key, job}, nil
		}
	}
	if failed != nil {
		return found{}, failed
	}
	f, err := c.where.find(s, opened, c.ID, false)
	if err != nil {
		return found{}, err
	}
	job, err := jobOf(s.ctx, f)
	if err == nil && job == nil {
		err = errors.New("replication " + f.String() + " has no job: it is " + cmp.Or(string(f.row.State), "not started"))
	}
	if err != nil {
		return found{}, err
	}
	f.row = *job
	return f, nil
}
