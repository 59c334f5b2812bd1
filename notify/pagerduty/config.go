package pagerduty

import (
	"strings"
	"unicode"

	"watchdog/diag"
	"watchdog/notify/post"
	"watchdog/secret"
)

// Config is a service of PagerDuty as it is written in YAML.
type Config struct {
	// RoutingKey is the integration key of the service, of the kind Events API v2. Whoever has it
	// can trigger and resolve.
	RoutingKey secret.String `yaml:"routing_key"`
	// URL is in place of https://events.pagerduty.com/v2/enqueue: in the EU it is
	// https://events.eu.pagerduty.com/v2/enqueue.
	URL string `yaml:"url"`
}

// standardURL is the events API of PagerDuty's US region.
const standardURL = "https://events.pagerduty.com/v2/enqueue"

// Empty reports whether there is nobody to tell.
func (c Config) Empty() bool { return c.RoutingKey == "" }

// Follows says that the sink hears who has an alert: PagerDuty shows it, and stops its escalation.
func (c Config) Follows() bool { return true }

// Problems are the mistakes in c.
func (c Config) Problems() []diag.Problem {
	var all []diag.Problem
	const hint = "take the integration key of a service's integration Events API v2"
	switch key := c.RoutingKey.Reveal(); {
	case key == "":
		all = append(all, diag.Problemf("routing_key", hint, "routing_key is missing"))
	case strings.ContainsFunc(key, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		all = append(all, diag.Problemf("routing_key", "remove it", "the routing key holds a blank or a line break"))
	}
	if _, err := post.Address(c.address()); err != nil {
		all = append(all, diag.Problemf("url", "write it like "+standardURL, "%v", err))
	}
	return all
}

func (c Config) address() string {
	if c.URL == "" {
		return standardURL
	}
	return c.URL
}
