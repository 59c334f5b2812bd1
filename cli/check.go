package cli

import (
	"fmt"

	"watchdog/config"
	"watchdog/diag"
)

type checkCommand struct {
	Strict bool   `help:"Fail on lints too."`
	Probe  bool   `help:"Also contact every server and sink; nobody is told anything."`
	Output string `short:"o" enum:"text,json,jsonl,yaml" default:"text" help:"text, json, jsonl (one object a line) or yaml."`
}

// Run prints every mistake and lint. Mistakes exit with 2, lints with 1 when strict, and so does a
// server or sink that does not answer.
func (c *checkCommand) Run(s *session) error {
	cfg, found := config.Load(config.Options{Path: s.configPath, Env: s.Env})
	var silent diag.List
	if cfg != nil && c.Probe {
		all, failed, err := s.probe(cfg)
		if err != nil {
			return err
		}
		silent = failed
		for _, p := range all {
			if p.err == nil && c.Output == "text" {
				fmt.Fprintf(s.Stderr, "%s: ok: %s\n", p.what, p.found)
			}
		}
	}
	if err := c.print(s, append(found, silent...)); err != nil {
		return err
	}
	switch {
	case cfg == nil:
		return exit(exitUsage)
	case len(silent) > 0:
		return exit(exitFailed)
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
