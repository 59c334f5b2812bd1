package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// watching is how the daemon is run: the shipped rules, one server, one webhook.
type watching struct {
	server    string // URL
	receiver  string // URL
	schedule  time.Duration
	fullEvery time.Duration // 0: the default
	doorbell  bool
	store     string // a file; "": a new one
}

// config is the file, but for the rules.
const config = `store: %s
http: {listen: "%s"}
include: [rules.yaml]
servers:
  - {name: bench, url: "%s", doorbell: %t, timeout: 5m%s}
checks:
  - {name: all, schedule: "@every %s"}
sinks:
  - name: hook
    webhook: {url: "%s"}
routes:
  - to: [hook]
`

// rules are those of the shipped watchdog.yaml that are for every server.
const rules = `rules:
  - {name: replication-failed, severity: critical, when: state == "failed"}
  - {name: replication-crashing, when: state == "crashing"}
  - {name: replication-error, when: state == "error"}
  - {name: replication-flapping, when: crashes("1h") >= 5}
  - {name: replication-stalled, when: 'stalled("docs_written", "10m")'}
`

// watch starts the daemon, and waits until it serves.
func (b *bench) watch(ctx context.Context, w watching) (*process, error) {
	dir, err := os.MkdirTemp(b.scratch, "run-")
	if err != nil {
		return nil, err
	}
	addr, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	if w.store == "" {
		w.store = filepath.Join(dir, "watchdog.db")
	}
	full := ""
	if w.fullEvery > 0 {
		full = fmt.Sprintf(", full_every: %s", w.fullEvery)
	}
	text := fmt.Sprintf(config, w.store, addr, w.server, w.doorbell, full, w.schedule, w.receiver)
	path := filepath.Join(dir, "watchdog.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(rules), 0o600); err != nil {
		return nil, err
	}
	p, err := b.launch(ctx, "http://"+addr, b.binary(), "run", "--config", path)
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, "it served", 10*time.Millisecond, func() bool { return p.get(ctx, "/healthz", nil) == nil }); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// looked is what the API says of the check.
type looked struct {
	Duration float64 `json:"duration"` // of the last run, in seconds
	Requests int     `json:"requests"`
	Bytes    int64   `json:"bytes"`
	Runs     int     `json:"runs"`
	Failures int     `json:"failures"`
	Error    string  `json:"error"`
}

// checks asks the daemon what became of its check.
func (p *process) checks(ctx context.Context) (looked, error) {
	var list struct {
		Servers []struct {
			Checks []looked `json:"checks"`
		} `json:"servers"`
	}
	if err := p.get(ctx, "/api/v1/checks", &list); err != nil {
		return looked{}, err
	}
	if len(list.Servers) != 1 || len(list.Servers[0].Checks) != 1 {
		return looked{}, fmt.Errorf("the daemon knows of %d servers, want one with one check", len(list.Servers))
	}
	return list.Servers[0].Checks[0], nil
}

// ran waits until so many runs of the check have ended, none of which may have failed. It asks
// every so often: an answer costs the daemon a walk over its replications.
func (p *process) ran(ctx context.Context, runs int, often time.Duration) (looked, error) {
	var last looked
	err := p.await(ctx, fmt.Sprintf("%d checks had run", runs), often, func() bool {
		l, err := p.checks(ctx)
		if err == nil {
			last = l
		}
		return last.Runs >= runs
	})
	if err == nil && last.Failures > 0 {
		err = fmt.Errorf("%d of %d checks failed: %s", last.Failures, last.Runs, last.Error)
	}
	return last, err
}
