package scheduler

import (
	"cmp"
	"context"
)

// Probe asks the server for its version, and for as little as it can of what needs to be allowed:
// the jobs of the scheduler. It says what it found.
func (c *Client) Probe(ctx context.Context) (found string, err error) {
	var welcome struct{ Version string }
	if err := c.getJSON(ctx, "/", &welcome); err != nil {
		return "", err
	}
	err = c.fetch(ctx, jobsPath, "limit=0", func(a *answer) error {
		_, err := a.small()
		return err
	})
	return "CouchDB " + cmp.Or(welcome.Version, "of an unknown version"), err
}
