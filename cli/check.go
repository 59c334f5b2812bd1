package cli

import (
	"fmt"

	"watchdog/config"
	"watchdog/diag"
)

type checkCommand struct {
	Strict bool   `help:"Fail on lints too."`
	Output string `short:"o" enum:"text,json,jsonl,yaml" default:"text" help:"text, json, jsonl (one object a line) or yaml."`
}

// Run prints every mistake and lint. Mistakes exit with 2, lints with 1 when strict.
func (c *checkCommand) Run(s *session) error {
	cfg, found := config.Load(config.Options{Path: s.configPath, Env: s.Env})
	if err := c.print(s, found); err != nil {
		return err
	}
	switch {
	case cfg == nil:
		return exit(exitUsage)
	case c.Strict && len(found) > 0:
		return exit(exitFailed)
	case c.Output == "text":
		fmt.Fprintf(s.Stderr, "%s: ok: %s, %s, %s, %s\n", s.configPath, count(len(cfg.Servers), "server"),
			count(len(cfg.Checks), "check"), count(len(cfg.Rules), "rule"), count(len(cfg.Sinks), "sink"))
	}
	return nil
}

func (c *checkCommand) print(s *session, found diag.List) error {
	if c.Output != "text" {
		return printObjects(s.Stdout, c.Output, found)
	}
	for _, d := range found {
		if _, err := fmt.Fprint(s.Stdout, d.Pretty()); err != nil {
			return err
		}
	}
	return nil
}
