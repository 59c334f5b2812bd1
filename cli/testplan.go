package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"watchdog/alert"
	"watchdog/config"
	"watchdog/diag"
	"watchdog/rules"
	"watchdog/rules/ruletest"
	"watchdog/scheduler"
	"watchdog/snapshot"
)

// defaultTestServer is what the server of a test is called where neither it nor a config says.
const defaultTestServer = "prod"

// emptyPlan is for a file whose rules cannot be known.
func emptyPlan() ruletest.Plan {
	return ruletest.Plan{
		Server: defaultTestServer,
		Rules:  func(string) []*rules.Rule { return nil },
		Labels: func(string) map[string]string { return nil },
	}
}

// rulesPlan tests files of rules, on a server of any name.
func rulesPlan(o config.Options, patterns []string) (ruletest.Plan, diag.List) {
	all, list := config.LoadRules(o, patterns)
	p := emptyPlan()
	p.Rules = func(string) []*rules.Rule { return all }
	return p, list
}

// configPlan tests the rules and routes of a config as they are written: also those that the
// environment of this process leaves out, so that a test passes or fails everywhere alike.
func configPlan(o config.Options) (ruletest.Plan, diag.List) {
	c, list := config.Load(o)
	p := emptyPlan()
	if c == nil {
		return p, list
	}
	written := &c.Understood
	if len(written.Servers) > 0 {
		p.Server = written.Servers[0].Name
	}
	labels := map[string]map[string]string{}
	for _, s := range written.Servers {
		labels[s.Name] = s.Labels
	}
	p.Labels = func(server string) map[string]string { return labels[server] }
	p.Rules = func(server string) []*rules.Rule { return rulesWritten(c, server) }
	p.Router = c.Written
	for _, s := range written.Sinks {
		p.Sinks = append(p.Sinks, s.Name)
	}
	return p, list
}

// rulesWritten are the rules of the checks that are to watch a server; all for a server that the
// config does not have.
func rulesWritten(c *config.Config, server string) []*rules.Rule {
	if !slices.ContainsFunc(c.Understood.Servers, func(s scheduler.Spec) bool { return s.Name == server }) {
		return c.Rules
	}
	fits := func(globs []string, name string) bool {
		return slices.ContainsFunc(globs, func(g string) bool { return alert.Glob(g).Match(name) })
	}
	var all []*rules.Rule
	for _, r := range c.Rules {
		if slices.ContainsFunc(c.Understood.Checks, func(check config.CheckSpec) bool {
			return fits(check.Servers, server) && (fits(check.Rules, r.Name) || r.Name == rules.ServerUnreachable.Name)
		}) {
			all = append(all, r)
		}
	}
	return all
}

// recording reads a recording, once.
func (r *testRunner) recording(path string) ([]*snapshot.Snapshot, error) {
	if all, ok := r.recordings[path]; ok {
		return all, nil
	}
	in, err := r.openRecording(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var all []*snapshot.Snapshot
	for reader := snapshot.NewReader(in); ; {
		snap, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			r.recordings[path] = all
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("read recording %s: %w", path, err)
		}
		all = append(all, snap)
	}
}
