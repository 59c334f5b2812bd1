package config

import (
	"time"

	"watchdog/heartbeat"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/scheduler"
	"watchdog/web/gate"
)

// File is what the main file can say.
type File struct {
	Store       string        `yaml:"store"`        // a SQLite file, default watchdog.db; or postgres://user@host/database for several replicas
	HTTP        *gate.Spec    `yaml:"http"`         // of the page, the API and the metrics; default: nothing listens
	ExternalURL string        `yaml:"external_url"` // of the page, for links in messages
	Include     []string      `yaml:"include"`      // files or globs, from the folder of the file
	Retention   time.Duration `yaml:"retention"`    // how long history is kept; default 90d
	// Lease is how long one of several replicas may be silent until others take over, where the store
	// is PostgreSQL; default 15s.
	Lease    time.Duration `yaml:"lease"`
	TimeZone string        `yaml:"time_zone"` // of schedules that name none; default UTC
	// Heartbeat calls a dead man's switch while everything works; default: none is called.
	Heartbeat *heartbeat.Spec `yaml:"heartbeat"`
	// Sources are credentials for asking the sources of replications how much waits there.
	Sources []scheduler.SourceSpec `yaml:"sources"`
	// Windows are times that come again and again, in which routes may be mute.
	Windows []WindowSpec `yaml:"windows"`
	// Inhibit mutes alerts while another, which explains them, fires on the same server.
	Inhibit []notify.InhibitSpec `yaml:"inhibit"`
	Part    `yaml:",inline"`
}

// Part is what an included file can say, and the main file too.
type Part struct {
	Servers []scheduler.Spec   `yaml:"servers"` // CouchDB servers and Cloudant accounts
	Checks  []CheckSpec        `yaml:"checks"`  // when what is read; default: everything every 30s
	Rules   []rules.Spec       `yaml:"rules"`   // what is wrong
	Sinks   []SinkSpec         `yaml:"sinks"`   // places to tell
	Routes  []notify.RouteSpec `yaml:"routes"`  // who hears what; the first that fits takes it
}

// CheckSpec is a check as it is written in YAML.
type CheckSpec struct {
	Name     string         `yaml:"name"`     // unique
	Schedule string         `yaml:"schedule"` // cron with 5 or 6 fields, @every 30s, @hourly, CRON_TZ=…
	Servers  []string       `yaml:"servers"`  // names or globs; default all
	Rules    []string       `yaml:"rules"`    // names or globs; default all
	Timeout  time.Duration  `yaml:"timeout"`  // default 2m
	Jitter   *time.Duration `yaml:"jitter"`   // default a tenth of the interval, 2s at most; none of @every
}

// SinkSpec is a sink as it is written in YAML: one of its kinds, and how it is used.
type SinkSpec struct {
	Name        string `yaml:"name"` // unique; routes lead to it
	SinkKind    `yaml:",inline"`
	Timeout     time.Duration `yaml:"timeout"`       // of one attempt; default 10s
	GiveUpAfter time.Duration `yaml:"give_up_after"` // default 24h
	// RateLimit is how many messages may begin in a time, as 1/s, 30/m or 100/h: that many at
	// once, and after that evenly; default none, and 1/s for Slack.
	RateLimit string `yaml:"rate_limit"`
	// DigestAbove is of how many transitions of one group, which wait because the sink was away,
	// more are told as one digest; default 10. A large number means never.
	DigestAbove int  `yaml:"digest_above"`
	Optional    bool `yaml:"optional"` // left out while it has no address
	Fallback    bool `yaml:"fallback"` // used only where no other sink is
}

const (
	defaultStore       = "watchdog.db"
	defaultLease       = 15 * time.Second
	defaultRetention   = 90 * 24 * time.Hour
	defaultTimeZone    = "UTC"
	defaultSchedule    = "@every 30s"
	defaultTimeout     = 2 * time.Minute
	defaultSinkTimeout = 10 * time.Second
	defaultGiveUpAfter = 24 * time.Hour
	defaultDigestAbove = 10
	defaultSlackRate   = "1/s" // what Slack takes, for each channel
	maxDefaultJitter   = 2 * time.Second
	minLease           = 3 * time.Second
	minRetention       = time.Hour
)
