package config

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"watchdog/diag"
	"watchdog/web/gate"
)

// buildSettings checks what stands at the top of the main file, and fills in its defaults.
func (l *loader) buildSettings(main *document) {
	c, u, top := &l.config, &l.config.Understood, origin{main, ""}
	u.Store = cmp.Or(u.Store, defaultStore)
	u.TimeZone = cmp.Or(u.TimeZone, defaultTimeZone)
	if _, given := main.fields["retention"]; !given {
		u.Retention = defaultRetention
	}
	if u.Retention < minRetention {
		l.problem(top, diag.Problemf("retention", "write one hour or more, as 90d", "a retention of %s keeps nothing", formatDuration(u.Retention)))
	}
	if u.Lease = cmp.Or(u.Lease, defaultLease); u.Lease < minLease {
		l.problem(top, diag.Problemf("lease", "write three seconds or more, as 15s", "a lease of %s ends before it can be renewed", formatDuration(u.Lease)))
	}
	if u.ExternalURL != "" && !isWebURL(u.ExternalURL) {
		l.problem(top, diag.Problemf("external_url", "write it like https://watchdog.example.com", "not the URL of a page"))
	}
	for i, source := range u.Sources {
		source = source.PathsFrom(main.dir())
		u.Sources[i] = source
		for _, p := range append(source.Problems(), source.FileProblems(l.options.ReadFile)...) {
			p.Field = fmt.Sprintf("sources[%d].%s", i, p.Field)
			l.problem(top, p)
		}
	}
	c.Sources = u.Sources
	var err error
	if c.Location, err = time.LoadLocation(u.TimeZone); err != nil {
		l.problem(top, diag.Problemf("time_zone", zoneHint, "%q is not a time zone", u.TimeZone))
		c.Location = time.UTC
	}
	l.buildHTTP(main)
	l.buildHeartbeat(main)
	c.Store, c.Retention, c.Lease = u.Store, u.Retention, u.Lease
	c.ExternalURL = strings.TrimRight(u.ExternalURL, "/")
}

// buildHTTP checks where the page listens. An address that is there and empty turns it off.
func (l *loader) buildHTTP(main *document) {
	spec := l.config.Understood.HTTP
	if spec == nil {
		return
	}
	if _, given := main.fields["http.listen"]; !given {
		spec.Listen = gate.DefaultListen
	}
	*spec = spec.PathsFrom(main.dir())
	for _, p := range append(spec.Problems(), spec.FileProblems(l.options.ReadFile)...) {
		p.Field = join("http", p.Field)
		l.problem(origin{main, ""}, p)
	}
	l.config.HTTP = *spec
}

// buildHeartbeat checks how a dead man's switch is called.
func (l *loader) buildHeartbeat(main *document) {
	spec := l.config.Understood.Heartbeat
	if spec == nil {
		return
	}
	*spec = spec.WithDefaults()
	for _, p := range spec.Problems() {
		p.Field = join("heartbeat", p.Field)
		l.problem(origin{main, ""}, p)
	}
	l.config.Heartbeat = *spec
}

func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}
