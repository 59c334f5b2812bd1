package config

import (
	"cmp"
	"slices"

	"watchdog/rules"
)

func ruleName(s rules.Spec) string { return s.Name }

func (l *loader) buildRules() {
	for i := range l.rules {
		it := &l.rules[i]
		rule, problems := rules.Compile(it.spec)
		for _, p := range problems {
			if p.Field != "name" {
				l.problem(it.origin, p)
			}
		}
		if rule != nil {
			l.config.Rules = append(l.config.Rules, rule)
		}
		it.spec = withRuleDefaults(it.spec)
	}
	l.ruleNames = define(l, "rule", l.rules, ruleName)
	l.config.Understood.Rules = specs(l.rules)
	if slices.Contains(l.ruleNames.all, rules.ServerUnreachable.Name) {
		return
	}
	l.ruleNames.all = append(l.ruleNames.all, rules.ServerUnreachable.Name)
	l.config.Understood.Rules = append(l.config.Understood.Rules, withRuleDefaults(rules.ServerUnreachable))
	builtIn, problems := rules.Compile(rules.ServerUnreachable)
	if builtIn == nil {
		panic("config: the built-in rule is wrong: " + problems[0].Message)
	}
	l.config.Rules = append(l.config.Rules, builtIn)
}

// withRuleDefaults is a rule with what it leaves out, for those who read it.
func withRuleDefaults(s rules.Spec) rules.Spec {
	s.Severity = cmp.Or(s.Severity, "warning")
	s.Scope = cmp.Or(s.Scope, "replication")
	s.OnUnknown = cmp.Or(s.OnUnknown, "hold")
	return s
}
