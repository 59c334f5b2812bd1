package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/snapshot"
)

type replayCommand struct {
	Output string   `short:"o" enum:"table,json,jsonl" default:"table" help:"table, or json: one object a line."`
	Files  []string `arg:"" name:"file" help:"Recordings (.ndjson, .gz, .zst; - for stdin), as one in this order."`
}

// Run decides on each recorded snapshot as the daemon would have, and prints what it would have
// told.
func (c *replayCommand) Run(s *session) error {
	cfg, _, err := s.load()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(s.Stdout)
	defer out.Flush()
	r := &replay{
		plan: plan{cfg}, print: transitionPrinter(out, c.Output),
		cycles: map[string]*cycle.Cycle{}, states: map[string]*cycle.State{},
	}
	for _, path := range c.Files {
		if err := r.file(s, path); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.Stderr, "%s in %s\n", count(r.transitions, "transition"), count(r.snapshots, "snapshot"))
	return nil
}

// replay is one run over recordings of any number of servers.
type replay struct {
	plan        plan
	cycles      map[string]*cycle.Cycle // by server
	states      map[string]*cycle.State
	print       func(alert.Transition) error
	snapshots   int
	transitions int
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
	state, ok := r.states[snap.Server]
	if !ok {
		state = cycle.NewState(snap.Server)
		r.states[snap.Server] = state
		r.cycles[snap.Server] = r.plan.replayCycle(snap.Server)
	}
	outcome := r.cycles[snap.Server].Step(state, snap)
	state.Apply(outcome)
	r.snapshots++
	r.transitions += len(outcome.Transitions)
	for _, t := range outcome.Transitions {
		if err := r.print(t); err != nil {
			return err
		}
	}
	return nil
}

// replayed is one transition as `replay -o json` prints it (SPEC 6).
type replayed struct {
	T             time.Time      `json:"t"`
	Status        alert.Status   `json:"status"`
	Reason        alert.Reason   `json:"reason"`
	Rule          string         `json:"rule"`
	Severity      alert.Severity `json:"severity"`
	Server        string         `json:"server"`
	Database      string         `json:"database"`
	DocID         string         `json:"doc_id"`
	State         string         `json:"state"`
	PreviousState string         `json:"previous_state"`
	Error         string         `json:"error"`
	Summary       string         `json:"summary"`
}

// transitionPrinter prints transitions as they come, as a line for people or an object for
// programs.
func transitionPrinter(w io.Writer, output string) func(alert.Transition) error {
	if output == "table" {
		return func(t alert.Transition) error {
			_, err := fmt.Fprintf(w, "%s  %-8s  %-8s  %-22s  %s  %s\n",
				t.At.Format(time.RFC3339), t.Status, t.Severity, t.Rule, t.Subject(), oneLine(t.Summary))
			return err
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(t alert.Transition) error {
		return enc.Encode(replayed{
			T: t.At, Status: t.Status, Reason: t.Reason, Rule: t.Rule, Severity: t.Severity,
			Server: t.Server, Database: t.Database, DocID: t.DocID,
			State: t.State, PreviousState: t.PreviousState, Error: t.Error, Summary: t.Summary,
		})
	}
}
