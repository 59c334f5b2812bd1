package cli

import (
	"errors"
	"time"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

type followCommand struct {
	where
	ID    string        `arg:"" help:"The document, or database/document."`
	Every time.Duration `default:"2s" help:"How often to look at its progress; its end is seen at once."`
}

// followEvery is how often progress is looked at where nobody says.
const followEvery = 2 * time.Second

// Run shows the progress of one replication until it completes or fails.
func (c *followCommand) Run(s *session) error {
	if c.Every <= 0 {
		return s.misuse("--every is more than 0")
	}
	opened, err := c.open(s)
	if err != nil {
		return err
	}
	defer opened.close()
	f, err := c.find(s, opened, c.ID, false)
	if err != nil {
		return err
	}
	return follow(s, f.client, f.key, c.Every)
}

// follow prints progress, and ends by the replication's outcome: without an error only when it
// completed.
func follow(s *session, client *scheduler.Client, key snapshot.Key, every time.Duration) error {
	out := newProgress(s)
	defer out.done()
	var last snapshot.State
	said := ""
	for row, err := range client.Replicator(key.Database).Follow(s.ctx, key.DocID, every) {
		var none *scheduler.NotFoundError
		switch {
		case s.ctx.Err() != nil:
			return exit(exitFailed) // somebody does not want to know
		case errors.As(err, &none):
			return err
		case err != nil:
			if err.Error() != said { // not at each look
				said = err.Error()
				out.aside(s.Stderr, "watchdog: "+said)
			}
			continue
		}
		last, said = row.State, ""
		if err := out.show(row.Replication, time.Now()); err != nil {
			return err
		}
	}
	if last != snapshot.Completed {
		return exit(exitFailed)
	}
	return nil
}
