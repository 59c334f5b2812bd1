package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// goal is one of what Watchdog is meant to reach.
type goal struct {
	What     string `json:"what"`
	Measured string `json:"measured"`
	Reached  bool   `json:"reached"`
}

// stand is when and where one part was measured, and how its goals stood.
type stand struct {
	Date    string `json:"date"`
	Machine string `json:"machine"`
	Goals   []goal `json:"goals"`
}

// remember keeps how the goals stand beside the page, by part: parts may be measured on different
// days. It gives the table of all.
func (b *bench) remember(measured []text) (string, error) {
	path := filepath.Join(b.root, "docs", "performance", "goals.json")
	stands := map[string]stand{}
	kept, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(kept, &stands)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, t := range measured {
		stands[t.name] = stand{time.Now().UTC().Format(time.DateOnly), machine(), t.goals}
	}
	kept, err = json.MarshalIndent(stands, "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return verdicts(stands), os.WriteFile(path, append(kept, '\n'), 0o644)
}

// verdicts says where each goal stands, and when and where each part was measured.
func verdicts(stands map[string]stand) string {
	t, when := newTable("goal", "measured", "verdict"), newTable("part", "measured", "machine")
	for _, p := range parts() {
		s, found := stands[p.name]
		if !found {
			continue
		}
		for _, g := range s.Goals {
			verdict := "reached"
			if !g.Reached {
				verdict = "**missed**"
			}
			t.row(g.What, g.Measured, verdict)
		}
		when.row(p.name, s.Date, s.Machine)
	}
	return t.String() + "\n" + when.String()
}

// machine is where it is measured.
func machine() string {
	return fmt.Sprintf("%s %s/%s, Linux %s, %d cores of %s, %s", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		line("/proc/sys/kernel/osrelease", ""), runtime.NumCPU(), line("/proc/cpuinfo", "model name"), line("/proc/meminfo", "MemTotal"))
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
