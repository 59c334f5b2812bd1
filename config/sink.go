package config

import (
	"cmp"
	"strings"

	"watchdog/diag"
	"watchdog/notify/alertmanager"
	"watchdog/notify/email"
	"watchdog/notify/exec"
	"watchdog/notify/pagerduty"
	"watchdog/notify/shoutrrr"
	"watchdog/notify/slack"
	"watchdog/notify/terminal"
	"watchdog/notify/webhook"
)

// SinkKind is the kind of a sink: exactly one of these is set, by the key that names it.
type SinkKind struct {
	Slack        *slack.Config        `yaml:"slack"`        // a channel of Slack
	Webhook      *webhook.Config      `yaml:"webhook"`      // a receiver of signed JSON
	PagerDuty    *pagerduty.Config    `yaml:"pagerduty"`    // a service of PagerDuty
	Alertmanager *alertmanager.Config `yaml:"alertmanager"` // Prometheus' Alertmanager
	Email        *email.Config        `yaml:"email"`        // people, by mail
	Exec         *exec.Config         `yaml:"exec"`         // a command
	Shoutrrr     *shoutrrr.Config     `yaml:"shoutrrr"`     // a service of the library shoutrrr
	Terminal     *terminal.Config     `yaml:"terminal"`     // standard output
}

// kindConfig is what the config asks of every kind.
type kindConfig interface {
	Problems() []diag.Problem
	Empty() bool // has no address
}

// keyedKind is one of the kinds there are.
type keyedKind struct {
	key    string
	set    bool
	config kindConfig // usable where set
}

func (k SinkKind) all() []keyedKind {
	return []keyedKind{
		{"slack", k.Slack != nil, k.Slack},
		{"webhook", k.Webhook != nil, k.Webhook},
		{"pagerduty", k.PagerDuty != nil, k.PagerDuty},
		{"alertmanager", k.Alertmanager != nil, k.Alertmanager},
		{"email", k.Email != nil, k.Email},
		{"exec", k.Exec != nil, k.Exec},
		{"shoutrrr", k.Shoutrrr != nil, k.Shoutrrr},
		{"terminal", k.Terminal != nil, k.Terminal},
	}
}

// Kind is the key of the kind that is set, "" when none is.
func (k SinkKind) Kind() string {
	for _, one := range k.all() {
		if one.set {
			return one.key
		}
	}
	return ""
}

func sinkName(s SinkSpec) string { return s.Name }

func (l *loader) buildSinks() {
	var sinks choice[SinkSpec]
	for i := range l.sinks {
		it := &l.sinks[i]
		it.spec.Timeout = cmp.Or(it.spec.Timeout, defaultSinkTimeout)
		it.spec.GiveUpAfter = cmp.Or(it.spec.GiveUpAfter, defaultGiveUpAfter)
		it.spec.DigestAbove = cmp.Or(it.spec.DigestAbove, defaultDigestAbove)
		if it.spec.DigestAbove < 0 {
			l.problem(it.origin, diag.Problemf("digest_above", "write how many messages a person wants to read, as 10", "there cannot be fewer than none"))
		}
		if it.spec.Slack != nil {
			it.spec.RateLimit = cmp.Or(it.spec.RateLimit, defaultSlackRate)
		}
		if _, ok := parseRate(it.spec.RateLimit); !ok {
			l.problem(it.origin, rateProblem(it.spec.RateLimit))
		}
		if l.checkSink(*it) {
			sinks.leaveOut("sink", it.spec.Name, "it is optional, and has no address")
			continue
		}
		sinks.add(it.spec, it.spec.Fallback)
	}
	l.sinkNames = define(l, "sink", l.sinks, sinkName)
	l.config.Understood.Sinks = specs(l.sinks)

	used, leftOut := sinks.settle("sink", sinkName)
	l.config.LeftOut = append(l.config.LeftOut, leftOut...)
	for _, s := range used {
		limit, _ := parseRate(s.RateLimit) // what is wrong was reported
		l.config.Sinks = append(l.config.Sinks, Sink{
			Name: s.Name, SinkKind: s.SinkKind, Timeout: s.Timeout, GiveUpAfter: s.GiveUpAfter, RateLimit: limit,
			DigestAbove: s.DigestAbove,
		})
	}
}

// checkSink checks a sink, and reports whether it is left out.
func (l *loader) checkSink(it item[SinkSpec]) (leftOut bool) {
	first := it.spec.Kind()
	if first == "" {
		var keys []string
		for _, kind := range it.spec.all() {
			keys = append(keys, kind.key)
		}
		l.problem(it.origin, diag.Problemf("", "add one of "+strings.Join(keys, ", "), "the sink has no kind"))
		return false
	}
	for _, kind := range it.spec.all() {
		switch {
		case !kind.set:
		case kind.key != first:
			l.problem(it.origin, diag.Problemf(kind.key, "make two sinks of it", "a sink has one kind, and this one is a %s already", first))
		case it.spec.Optional && kind.config.Empty():
			leftOut = true
		default:
			for _, p := range kind.config.Problems() {
				p.Field = join(kind.key, p.Field)
				l.problem(it.origin, p)
			}
		}
	}
	return leftOut
}
