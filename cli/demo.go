package cli

import (
	"context"
	_ "embed" // the config
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"watchdog/config"
	"watchdog/scheduler/couchtest"
	"watchdog/store"
)

// demoConfig is what demo runs, and what it prints for people to begin with.
//
//go:embed demo.yaml
var demoConfig []byte

type demoCommand struct {
	Listen string `default:"127.0.0.1:8484" placeholder:"ADDRESS" env:"WATCHDOG_LISTEN" help:"Of the page (default ${default}; another port where it is taken)."`
	Print  bool   `help:"Print the config of the demo, to begin your own with, and end."`
}

// Run watches a simulated server that has a story, and tells the terminal both what happens there
// and what a person on call would be told of it. Nothing is left behind.
func (c *demoCommand) Run(s *session) error {
	if c.Print {
		_, err := s.Stdout.Write(demoConfig)
		return err
	}
	cfg, err := c.load(s.ctx)
	if err != nil {
		return err
	}
	stage := &stage{out: s.Stdout, colored: s.colored(s.Stdout)}
	url, stop, err := couchtest.Demo(couchtest.Options{Say: stage.say}).Serve("127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start the simulated server: %w", err)
	}
	defer stop()
	cfg.Servers[0].URL = url
	// What the daemon logs is the same story once more: only what a person must act on is shown.
	log := slog.New(slog.NewTextHandler(s.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	d, err := s.openDaemon(plan{cfg}, log)
	if err != nil {
		return err
	}
	if err := d.listen(s.ctx); err != nil {
		return errors.Join(err, d.close())
	}
	stage.rise(d.web.URL())
	return errors.Join(d.run(s.ctx), d.close())
}

// load is the demo's config, with an address for the page that is free and a store in memory.
func (c *demoCommand) load(ctx context.Context) (*config.Config, error) {
	cfg, found := config.Load(config.Options{
		Path: "demo.yaml", Env: func(string) (string, bool) { return "", false },
		ReadFile: func(string) ([]byte, error) { return demoConfig, nil },
	})
	if cfg == nil {
		return nil, found
	}
	cfg.Store, cfg.HTTP.Listen = store.Memory, c.Listen
	if probe, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen); err != nil {
		cfg.HTTP.Listen = "127.0.0.1:0"
	} else if err := probe.Close(); err != nil {
		return nil, err
	}
	return cfg, nil
}

// stage is where the demo says what happens, between what is told of it.
type stage struct {
	out     io.Writer
	colored bool

	mu    sync.Mutex // guards what follows: the server speaks when it likes
	open  bool
	early string // what happened before
}

// rise says what there is to see, and then what has happened meanwhile.
func (t *stage) rise(url string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, `Watchdog watches a simulated CouchDB, where a dozen replications run. Within %.0f seconds one of
them fails, others crash, hang and recover; then the story begins again.

  %s  what happens on the server
  %s  what a person on call is told

  The page:         %s
  Its config:       watchdog demo --print
  End it:           ctrl-C

`, couchtest.DemoCycle.Seconds(), t.paint("○", "2"), t.paint("●", "31")+t.paint("●", "33")+t.paint("✓", "32"), t.paint(url, "1"))
	fmt.Fprint(t.out, t.early)
	t.open = true
}

// say tells one thing that happens, in the manner of the sink beside it.
func (t *stage) say(text string) {
	line := t.paint(time.Now().UTC().Format("2006-01-02 15:04:05 MST")+"  ○ "+text, "2") + "\n"
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open {
		t.early += line
		return
	}
	fmt.Fprint(t.out, line)
}

func (t *stage) paint(text, code string) string {
	if !t.colored {
		return text
	}
	return paint(text, code)
}
