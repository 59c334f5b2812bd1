package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"watchdog/config"
	"watchdog/snapshot"
)

type recordCommand struct {
	Output string        `complete:"file" short:"o" required:"" placeholder:"FILE" help:"Where to append: .ndjson, .ndjson.gz or .ndjson.zst."`
	Every  time.Duration `default:"10s" help:"How often to look."`
	Count  int           `help:"Stop after so many looks at each server; 0 goes on until interrupted."`
}

// Run appends what each server shows, in the form that replay reads.
func (c *recordCommand) Run(s *session) error {
	cfg, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	if c.Every < time.Second {
		fmt.Fprintln(s.Stderr, "watchdog: --every is at least 1s")
		return exit(exitUsage)
	}
	out, err := appendRecording(c.Output)
	if err != nil {
		return err
	}
	readers, err := openReaders(cfg.Servers, cfg.Sources)
	if err != nil {
		return errors.Join(err, out.Close())
	}
	defer readers.close()
	return errors.Join(c.record(s, cfg, readers, snapshot.NewWriter(out)), out.Close())
}

// record looks at all servers in parallel; one goroutine writes.
func (c *recordCommand) record(s *session, cfg *config.Config, readers *readers, w *snapshot.Writer) error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	lines := make(chan *snapshot.Line)
	var looking sync.WaitGroup
	for _, spec := range cfg.Servers {
		looking.Go(func() { c.look(ctx, readers, spec.Name, lines) })
	}
	go func() { looking.Wait(); close(lines) }()
	var failed error
	written := 0
	for line := range lines {
		if failed != nil {
			continue // let the lookers end
		}
		if failed = w.Write(line); failed != nil {
			cancel()
			continue
		}
		written++
		if line.Error != "" {
			fmt.Fprintf(s.Stderr, "watchdog: %s: %s\n", line.Server, line.Error)
		}
	}
	fmt.Fprintf(s.Stderr, "%s written to %s\n", count(written, "snapshot"), c.Output)
	return failed
}

func (c *recordCommand) look(ctx context.Context, readers *readers, server string, lines chan<- *snapshot.Line) {
	every := time.NewTicker(c.Every)
	defer every.Stop()
	for n := 1; ; n++ {
		line := readers.byName[server].Record(ctx, time.Now().UTC())
		if ctx.Err() != nil {
			return // cut short by stopping: it says nothing about the server
		}
		lines <- line
		if n == c.Count {
			return
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}
