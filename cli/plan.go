package cli

import (
	"slices"

	"watchdog/config"
	"watchdog/cycle"
	"watchdog/rules"
	"watchdog/watch"
)

// plan reads the config as what to watch.
type plan struct{ *config.Config }

// checks are the checks of one server, ready to run.
func (p plan) checks(server string) []watch.Check {
	all, labels := p.rulesOf(server), p.labelsOf(server)
	var checks []watch.Check
	for _, c := range p.Checks {
		if !slices.Contains(c.Servers, server) {
			continue
		}
		set := rules.NewSet(rules.SetSpec{Labels: labels, Rules: c.Rules, All: all})
		checks = append(checks, watch.Check{
			Name: c.Name, Schedule: c.Schedule.Spread(server + "/" + c.Name), Timeout: c.Timeout, Jitter: c.Jitter,
			Cycle: &cycle.Cycle{Rules: set, Router: p.Router},
		})
	}
	return checks
}

// rulesOf are the rules of every check that watches a server, each once.
func (p plan) rulesOf(server string) []*rules.Rule {
	var all []*rules.Rule
	for _, c := range p.Checks {
		if !slices.Contains(c.Servers, server) {
			continue
		}
		for _, r := range c.Rules {
			if !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
	}
	return all
}

func (p plan) labelsOf(server string) map[string]string {
	for _, s := range p.Servers {
		if s.Name == server {
			return s.Labels
		}
	}
	return nil
}

// replayCycle is one cycle of all rules that the config has for a server. A recording names no
// checks: every snapshot is evaluated by all of them. A server that the config does not know
// gets every rule.
func (p plan) replayCycle(server string) *cycle.Cycle {
	all := p.rulesOf(server)
	if len(all) == 0 {
		all = p.Rules
	}
	return &cycle.Cycle{Rules: rules.NewSet(rules.SetSpec{Labels: p.labelsOf(server), Rules: all})}
}
