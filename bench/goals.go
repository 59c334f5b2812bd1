package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// goal is one of what Watchdog is meant to reach.
type goal struct {
	what     string
	measured string
	reached  bool
}

// verdicts says where each goal stands, as the parts before found.
func (b *bench) verdicts(context.Context) (string, error) {
	t := newTable("goal", "measured", "")
	for _, g := range b.goals {
		verdict := "reached"
		if !g.reached {
			verdict = "**missed**"
		}
		t.row(g.what, g.measured, verdict)
	}
	return t.String(), nil
}

// machine says where and when it was measured, and with what.
func (b *bench) machine(ctx context.Context) (string, error) {
	commit := "unknown"
	cmd := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD")
	cmd.Dir = b.root
	if out, err := cmd.Output(); err == nil {
		commit = strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("Measured on %s, at commit %s, with %s on %s/%s, Linux %s: %d cores of %s, %s of memory, shared with others.\n",
		time.Now().UTC().Format(time.DateOnly), commit, runtime.Version(), runtime.GOOS, runtime.GOARCH,
		line("/proc/sys/kernel/osrelease", ""), runtime.NumCPU(), line("/proc/cpuinfo", "model name"), line("/proc/meminfo", "MemTotal")), nil
}

// line is what a file says under a name, or its first line; "?" where it does not say.
func line(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return "?"
	}
	defer func() { _ = f.Close() }() // it was only read
	for s := bufio.NewScanner(f); s.Scan(); {
		if name == "" {
			return s.Text()
		}
		if key, value, found := strings.Cut(s.Text(), ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "?"
}
