package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/config"
	"watchdog/cycle"
	"watchdog/rules"
	"watchdog/snapshot"
)

type replayCommand struct {
	Output string     `short:"o" enum:"table,json,jsonl,yaml" default:"table" help:"table, json or jsonl (both one object a line), or yaml."`
	Since  moment     `placeholder:"TIME" help:"Leave out what would have been told before: 2026-01-02T03:04:05Z or 2026-01-02."`
	Until  moment     `placeholder:"TIME" help:"Leave out what would have been told from then on."`
	Rule   alert.Glob `complete:"rule" placeholder:"GLOB" help:"Leave out other rules."`
	Diff   string     `complete:"file" placeholder:"OLD.yaml" help:"Print only what this config would have added (+) and taken away (-)."`
	Files  []string   `complete:"file" arg:"" name:"file" help:"Recordings (.ndjson, .gz, .zst; - for stdin), as one in this order."`
}

// Run decides on each recorded snapshot as the daemon would have, and prints what it would have
// told.
func (c *replayCommand) Run(s *session) error {
	cfg, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	if c.Rule != "" && !slices.ContainsFunc(cfg.Rules, func(r *rules.Rule) bool { return c.Rule.Match(r.Name) }) {
		var names []string
		for _, r := range cfg.Rules {
			names = append(names, r.Name)
		}
		return notFound("rule", string(c.Rule), names, "")
	}
	out := bufio.NewWriter(s.Stdout)
	r := &replay{wants: c.wants, say: transitionPrinter(out, c.Output), now: newRerun(cfg)}
	if c.Diff != "" {
		old, err := s.load(c.Diff)
		if err != nil {
			return err
		}
		r.before = newRerun(old)
	}
	for _, path := range c.Files {
		if err := r.file(s, path); err != nil {
			return errors.Join(err, out.Flush())
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(s.Stderr, "%s in %s\n", count(r.printed, "transition"), count(r.snapshots, "snapshot"))
	return nil
}

// wants reports whether a transition is to be printed.
func (c *replayCommand) wants(t *alert.Transition) bool {
	return (c.Since.IsZero() || !t.At.Before(c.Since.Time)) && (c.Until.IsZero() || t.At.Before(c.Until.Time)) &&
		(c.Rule == "" || c.Rule.Match(t.Rule))
}

// moment is a time or a date of the command line.
type moment struct{ time.Time }

// UnmarshalText reads RFC 3339, or a date, which begins in UTC.
func (m *moment) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			m.Time = t
			return nil
		}
	}
	return fmt.Errorf("%q is not a time: write it like 2026-01-02T03:04:05Z or 2026-01-02", text)
}

// replay is one run over recordings of any number of servers.
type replay struct {
	wants     func(*alert.Transition) bool
	say       func(printed) error
	now       *rerun
	before    *rerun // of the config to compare with; nil: print everything
	snapshots int
	printed   int
}

func (r *replay) file(s *session, path string) error {
	in, err := s.openRecording(path)
	if err != nil {
		return err
	}
	defer in.Close()
	for reader := snapshot.NewReader(in); ; {
		snap, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, snapshot.ErrCutShort):
			fmt.Fprintf(s.Stderr, "watchdog: %s: %v\n", path, err)
			return nil
		case err != nil:
			return fmt.Errorf("read recording %s: %w", path, err)
		case s.ctx.Err() != nil:
			return s.ctx.Err()
		}
		if err := r.step(snap); err != nil {
			return err
		}
	}
}

func (r *replay) step(snap *snapshot.Snapshot) error {
	r.snapshots++
	told := r.now.step(snap)
	if r.before == nil {
		return r.printAll(told, "")
	}
	old := r.before.step(snap)
	return errors.Join(r.printAll(without(old, told), "-"), r.printAll(without(told, old), "+"))
}

func (r *replay) printAll(transitions []alert.Transition, change string) error {
	for i := range transitions {
		if !r.wants(&transitions[i]) {
			continue
		}
		r.printed++
		if err := r.say(printed{Change: change, Transition: transitions[i]}); err != nil {
			return err
		}
	}
	return nil
}

// without is what of a list of transitions of one snapshot is not in another.
func without(a, b []alert.Transition) []alert.Transition {
	type key struct {
		fingerprint string
		status      alert.Status
		reason      alert.Reason
		severity    alert.Severity
	}
	of := func(t *alert.Transition) key { return key{t.Fingerprint, t.Status, t.Reason, t.Severity} }
	in := map[key]bool{}
	for i := range b {
		in[of(&b[i])] = true
	}
	var out []alert.Transition
	for i := range a {
		if !in[of(&a[i])] {
			out = append(out, a[i])
		}
	}
	return out
}

// rerun decides for one config on the snapshots of any number of servers.
type rerun struct {
	plan   plan
	cycles map[string]*cycle.Cycle // by server
	states map[string]*cycle.State
}

func newRerun(cfg *config.Config) *rerun {
	return &rerun{plan: plan{cfg}, cycles: map[string]*cycle.Cycle{}, states: map[string]*cycle.State{}}
}

func (r *rerun) step(snap *snapshot.Snapshot) []alert.Transition {
	state, ok := r.states[snap.Server]
	if !ok {
		state = cycle.NewState(snap.Server)
		r.states[snap.Server] = state
		r.cycles[snap.Server] = r.plan.replayCycle(snap.Server)
	}
	outcome := r.cycles[snap.Server].Step(state, snap, nil)
	state.Apply(outcome)
	return outcome.Transitions
}
