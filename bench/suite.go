package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bench is one run of the suite.
type bench struct {
	root     string // of the module
	scratch  string // for the binary, stores and logs
	quick    bool
	progress io.Writer
	goals    []goal // that the part which runs was held to
}

// part is one part of the suite: a place of the page.
type part struct {
	name string
	run  func(*bench, context.Context) (string, error) // gives Markdown
}

// parts are all of them, in the order in which they run.
func parts() []part {
	return []part{
		{"told", (*bench).told},
		{"seen", (*bench).seen},
		{"growth", (*bench).growth},
		{"start", (*bench).restart},
		{"inside", (*bench).inside},
		{"instead", (*bench).instead},
		{"rivals", (*bench).rivals},
		{"fleet", (*bench).fleet},
	}
}

// text is what one part says in its place of the page, and the goals that it was held to.
type text struct {
	name, markdown string
	goals          []goal
}

// errAbsent is of what this machine does not have: the part that needs it says so in the page.
var errAbsent = errors.New("not on this machine")

// measure runs the parts, or only those named.
func (b *bench) measure(ctx context.Context, only string) ([]text, error) {
	var all []text
	for _, p := range parts() {
		if only != "" && !slices.Contains(strings.Split(only, ","), p.name) {
			continue
		}
		began := time.Now()
		b.goals = nil
		fmt.Fprintf(b.progress, "== %s\n", p.name)
		markdown, err := p.run(b, ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Fprintf(b.progress, "%s-- %.0f s\n", markdown, time.Since(began).Seconds())
		all = append(all, text{p.name, markdown, b.goals})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no part %q", only)
	}
	return all, nil
}

// pick is the value for the whole suite, or for a quick run.
func pick[T any](b *bench, whole, quick T) T {
	if b.quick {
		return quick
	}
	return whole
}

// build builds the binary that is measured, as a release is built.
func (b *bench) build(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.binary(), ".")
	cmd.Dir, cmd.Env = b.root, append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build watchdog: %w\n%s", err, said)
	}
	return nil
}

func (b *bench) binary() string { return filepath.Join(b.scratch, "watchdog") }

// write puts what was measured into its places of docs/performance.md, and with it where the goals
// stand.
func (b *bench) write(measured []text) error {
	goals, err := b.remember(measured)
	if err != nil {
		return err
	}
	measured = append(measured, text{name: "goals", markdown: goals})
	path := filepath.Join(b.root, "docs", "performance.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, t := range measured {
		if page, err = fill(page, t.name, t.markdown); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return os.WriteFile(path, page, 0o644)
}

// draw writes a chart beside the page and gives the Markdown that shows it. A quick run draws it
// for nobody.
func (b *bench) draw(name string, c chart) (string, error) {
	drawn := c.svg()
	if !b.quick {
		dir := filepath.Join(b.root, "docs", "performance")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name+".svg"), drawn, 0o644); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("\n![%s](performance/%s.svg)\n", c.title, name), nil
}
