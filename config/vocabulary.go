package config

import (
	"fmt"
	"strings"

	"watchdog/diag"
	"watchdog/notify"
)

// LintNoFit is the id of the lint of a match that no alert can fit.
const LintNoFit = "match-fits-nothing"

// vocabulary is which labels alerts can have: servers and rules give them, in use or not.
func (l *loader) vocabulary() notify.Vocabulary {
	var rules []string
	for _, r := range l.config.Rules {
		rules = append(rules, r.Name)
	}
	v := notify.NewVocabulary(rules, l.serverNames.all)
	for _, it := range l.servers {
		v.Add(it.spec.Labels)
	}
	for _, it := range l.rules {
		v.Add(it.spec.Labels)
	}
	return v
}

// lintMatches finds matches that no alert can fit, and labels that none has.
func (l *loader) lintMatches(main *document) {
	if !l.clean("rules") || !l.clean("servers") {
		return
	}
	v := l.config.Vocabulary
	for _, it := range l.routes {
		if l.cleanItem(it.origin) {
			l.lintMatch(it.origin, "match", it.spec.Match, v.Misfits)
			l.lintLabels(it.origin, "group_by", it.spec.GroupBy, v)
		}
	}
	for i, in := range l.config.Understood.Inhibit {
		at := origin{main, fmt.Sprintf("inhibit[%d]", i)}
		if l.cleanItem(at) {
			l.lintMatch(at, "source", in.Source, v.Misfits)
			l.lintMatch(at, "target", in.Target, v.Misfits)
			l.lintLabels(at, "equal", in.Equal, v)
		}
	}
	l.lintRuleMatches()
}

// lintRuleMatches is for what rules are narrowed to: they see the labels of their subject, and of
// its server.
func (l *loader) lintRuleMatches() {
	subjects := notify.NewVocabulary(nil, l.serverNames.all)
	for _, label := range []string{"rule", "severity", "state"} {
		delete(subjects, label)
	}
	for _, it := range l.servers {
		subjects.Add(it.spec.Labels)
	}
	misfits := func(match map[string][]string) []diag.Problem {
		problems := subjects.Misfits(match)
		for i := range problems {
			problems[i].Message = strings.Replace(problems[i].Message, "no alert has", "no subject of a rule has", 1)
		}
		return problems
	}
	for _, it := range l.rules {
		l.lintMatch(it.origin, "match", it.spec.Match, misfits)
	}
}

func (l *loader) lintMatch(o origin, field string, match map[string][]string, misfits func(map[string][]string) []diag.Problem) {
	for _, p := range misfits(match) {
		p.Field = field + p.Field[len("match"):]
		p.Level, p.ID = diag.Lint, LintNoFit
		l.problem(o, p)
	}
}

func (l *loader) lintLabels(o origin, field string, labels []string, v notify.Vocabulary) {
	for i, label := range labels {
		if p := v.Unknown(fmt.Sprintf("%s[%d]", field, i), label); p != nil {
			p.Level, p.ID = diag.Lint, LintNoFit
			l.problem(o, *p)
		}
	}
}
