package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// replicas are several daemons that share a store, and what they watch.
type replicas struct{ ensemble }

// replicaConfig is the file of each of them, but for the rules and the servers.
const replicaConfig = `store: "%s"
http: {listen: "%s"}
include: [rules.yaml]
checks:
  - {name: all, schedule: "@every %s"}
sinks:
  - name: hook
    webhook: {url: "%s"}
routes:
  - to: [hook]
servers:
`

// share starts so many replicas which share a crowd.
func (b *bench) share(ctx context.Context, n int, store string, c *crowd, r *receiver, schedule time.Duration) (*replicas, error) {
	all := &replicas{}
	for range n {
		p, err := b.replica(ctx, store, c, r, schedule)
		if err != nil {
			all.stop()
			return nil, err
		}
		all.processes = append(all.processes, p)
	}
	return all, nil
}

func (b *bench) replica(ctx context.Context, store string, c *crowd, r *receiver, schedule time.Duration) (*process, error) {
	dir, err := os.MkdirTemp(b.scratch, "replica-")
	if err != nil {
		return nil, err
	}
	addr, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	fmt.Fprintf(&text, replicaConfig, store, addr, schedule, r.url)
	for _, m := range c.members {
		fmt.Fprintf(&text, "  - {name: %s, url: \"%s/%s\"}\n", m.name, c.url, m.name)
	}
	path := filepath.Join(dir, "watchdog.yaml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(rules), 0o600); err != nil {
		return nil, err
	}
	return b.launch(ctx, "http://"+addr, b.binary(), "run", "--config", path)
}

// due is, by server, when it is looked at next.
func (all *replicas) due(ctx context.Context) (map[string]time.Time, error) {
	next := map[string]time.Time{}
	for _, p := range all.processes {
		var list struct {
			Servers []struct {
				Name      string
				Elsewhere bool
				Checks    []struct {
					Next *time.Time `json:"next_run"`
				}
			}
		}
		if err := p.get(ctx, "/api/v1/checks", &list); err != nil {
			return nil, err
		}
		for _, s := range list.Servers {
			if !s.Elsewhere && len(s.Checks) == 1 && s.Checks[0].Next != nil {
				next[s.Name] = *s.Checks[0].Next
			}
		}
	}
	return next, nil
}
