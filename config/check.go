package config

import (
	"cmp"
	"slices"
	"time"

	"watchdog/diag"
	"watchdog/rules"
	"watchdog/scheduler"
)

// plannedCheck is a check with all that it refers to, in use or not.
type plannedCheck struct {
	Check
	interval time.Duration // 0 where the schedule is wrong
}

func checkName(s CheckSpec) string { return s.Name }

func (l *loader) buildChecks() {
	if len(l.checks) == 0 && !l.torn {
		l.checks = []item[CheckSpec]{{origin{l.docs[0], "checks"}, CheckSpec{Name: "default", Schedule: defaultSchedule}}}
	}
	define(l, "check", l.checks, checkName)
	for i := range l.checks {
		it := &l.checks[i]
		planned := l.plan(it)
		l.planned = append(l.planned, planned)
		check := planned.Check
		check.Servers = slices.DeleteFunc(slices.Clone(check.Servers), func(name string) bool { return !l.serverInUse(name) })
		if len(check.Servers) == 0 {
			l.config.LeftOut = append(l.config.LeftOut, LeftOut{"check", check.Name, "none of its servers is in use"})
			continue
		}
		l.config.Checks = append(l.config.Checks, check)
	}
	l.config.Understood.Checks = specs(l.checks)
	if len(l.config.Checks) == 0 && len(l.config.Servers) > 0 && l.clean("checks") {
		l.problem(origin{l.docs[0], ""}, diag.Problemf("checks", "leave out servers of a check to run it on all",
			"no check reads a server that is in use, so nothing would be watched"))
	}
}

// plan checks one check and resolves what it refers to.
func (l *loader) plan(it *item[CheckSpec]) plannedCheck {
	s := &it.spec
	p := plannedCheck{Check: Check{Name: s.Name}}
	p.Servers = l.choose(it.origin, "servers", &s.Servers, l.serverNames)
	chosen := l.choose(it.origin, "rules", &s.Rules, l.ruleNames)
	if len(s.Servers) == 0 {
		l.problem(it.origin, diag.Problemf("servers", "leave it out to read all", "the check reads no server"))
	}
	for _, r := range l.config.Rules {
		if r.Name == rules.ServerUnreachable.Name || slices.Contains(chosen, r.Name) {
			p.Rules = append(p.Rules, r)
		}
	}
	s.Timeout = cmp.Or(s.Timeout, defaultTimeout)
	p.Timeout = s.Timeout
	l.planSchedule(it, &p)
	return p
}

// choose are the names in a field, by default all.
func (l *loader) choose(o origin, field string, patterns *[]string, n names) []string {
	if *patterns == nil {
		*patterns = []string{"*"}
		return n.all
	}
	return l.resolve(o, field, *patterns, n)
}

func (l *loader) planSchedule(it *item[CheckSpec], p *plannedCheck) {
	s := &it.spec
	if s.Schedule == "" {
		l.problem(it.origin, diag.Problemf("schedule", scheduleHint, "the check has no schedule"))
		return
	}
	schedule, problem := ParseSchedule(s.Schedule, l.config.Location)
	if problem != nil {
		problem.Field = "schedule"
		l.problem(it.origin, *problem)
		return
	}
	p.Schedule, p.interval = schedule, schedule.Interval()
	if s.Jitter == nil {
		jitter := min(p.interval/10, maxDefaultJitter)
		if p.Schedule.spreads() {
			jitter = 0
		}
		s.Jitter = &jitter
	}
	if p.Jitter = *s.Jitter; p.Jitter >= p.interval {
		l.problem(it.origin, diag.Problemf("jitter", "a tenth of the interval is plenty",
			"a jitter of %s would mix up the runs of a check that comes every %s",
			formatDuration(p.Jitter), formatDuration(p.interval)))
	}
}

func (l *loader) serverInUse(name string) bool {
	return slices.ContainsFunc(l.config.Servers, func(s scheduler.Spec) bool { return s.Name == name })
}
