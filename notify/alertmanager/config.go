package alertmanager

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"watchdog/diag"
	"watchdog/notify/post"
	"watchdog/secret"
)

// Config is an Alertmanager, or a cluster of some, as it is written in YAML.
type Config struct {
	// URLs are the Alertmanagers of one cluster, without /api/v2/alerts. Each is told; it counts
	// when one has it. They may hold credentials.
	URLs []secret.String `yaml:"urls"`
	// Headers are added to each request, as Authorization: Bearer …
	Headers map[string]secret.String `yaml:"headers"`
	// EndsAfter is how far ahead the end of a firing alert is set; default 1y. With a
	// repeat_interval in the route it may be some of those.
	EndsAfter time.Duration `yaml:"ends_after"`
}

const (
	defaultEndsAfter = 365 * 24 * time.Hour
	minEndsAfter     = time.Minute
)

// Empty reports whether there is nobody to tell.
func (c Config) Empty() bool {
	return !slices.ContainsFunc(c.URLs, func(u secret.String) bool { return u != "" })
}

// Problems are the mistakes in c.
func (c Config) Problems() []diag.Problem {
	var all []diag.Problem
	if len(c.URLs) == 0 {
		all = append(all, diag.Problemf("urls", "write it like http://alertmanager:9093", "urls is missing"))
	}
	for i, u := range c.URLs {
		if _, err := address(u); err != nil {
			all = append(all, diag.Problemf(fmt.Sprintf("urls[%d]", i), "write it like http://alertmanager:9093", "%v", err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if err := post.CheckHeader(name, c.Headers[name].Reveal()); err != nil {
			all = append(all, diag.Problemf("headers."+name, "", "%v", err))
		}
	}
	if c.EndsAfter != 0 && c.EndsAfter < minEndsAfter {
		all = append(all, diag.Problemf("ends_after", "write some repeat intervals of the route, as 15m", "an alert that ends so soon is hardly told"))
	}
	return all
}

// apiPath is where alerts are taken, below the address of an Alertmanager.
const apiPath = "/api/v2/alerts"

// address is where one Alertmanager takes alerts.
func address(u secret.String) (*url.URL, error) {
	base, err := post.Address(u.Reveal())
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(strings.TrimSuffix(base.Path, "/"), apiPath) {
		return nil, errors.New("the URL has " + apiPath + ", which is added")
	}
	return base.JoinPath(apiPath), nil
}
