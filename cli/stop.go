package cli

import "fmt"

type stopCommand struct {
	where
	ID string `arg:"" help:"The document, or database/document."`
}

// Run deletes the document of a replication, which ends it.
func (c *stopCommand) Run(s *session) error {
	f, opened, err := c.certain(s, c.ID)
	if err != nil {
		return err
	}
	defer opened.close()
	if err := f.client.Replicator(f.key.Database).Stop(s.ctx, f.key.DocID); err != nil {
		return err
	}
	fmt.Fprintf(s.Stderr, "stopped %s\n", f)
	return nil
}

type restartCommand struct {
	where
	ID string `arg:"" help:"The document, or database/document."`
}

// Run writes a replication that failed or completed anew.
func (c *restartCommand) Run(s *session) error {
	f, opened, err := c.certain(s, c.ID)
	if err != nil {
		return err
	}
	defer opened.close()
	if err := f.client.Replicator(f.key.Database).Restart(s.ctx, f.key.DocID); err != nil {
		return err
	}
	fmt.Fprintf(s.Stderr, "restarted %s\n", f)
	return nil
}

// certain is the one replication of that id, for a command that changes it. The servers are
// still open.
func (w where) certain(s *session, id string) (found, *servers, error) {
	opened, err := w.open(s)
	if err != nil {
		return found{}, nil, err
	}
	f, err := w.find(s, opened, id, true)
	if err != nil {
		opened.close()
		return found{}, nil, err
	}
	return f, opened, nil
}
