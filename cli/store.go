package cli

import (
	"errors"
	"fmt"

	"watchdog/secret"
	"watchdog/store"
)

type storeCommand struct {
	Copy storeCopyCommand `cmd:"" help:"Copy everything that one store keeps to another, which is empty."`
}

type storeCopyCommand struct {
	From string `arg:"" complete:"file" help:"A SQLite file, or the URL of a PostgreSQL database."`
	To   string `arg:"" complete:"file" help:"Likewise; it is made where it is not there."`
}

// Run copies, all or nothing. No daemon may run on either of them.
func (c *storeCopyCommand) Run(s *session) error {
	from, err := store.Open(s.ctx, c.From, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	if err := from.Close(); err != nil { // it is there: now it is opened as its owner does
		return err
	}
	if from, err = store.Open(s.ctx, c.From, store.Options{}); err != nil {
		return err
	}
	to, err := store.Open(s.ctx, c.To, store.Options{})
	if err != nil {
		return errors.Join(err, from.Close())
	}
	err = store.Copy(s.ctx, from, to, func(table string, rows int) {
		fmt.Fprintf(s.Stderr, "%8d %s\n", rows, table)
	})
	if err != nil {
		err = fmt.Errorf("copy %s to %s: %w", secret.MaskURLs(c.From), secret.MaskURLs(c.To), err)
	}
	return errors.Join(err, from.Close(), to.Close())
}
