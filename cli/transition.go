package cli

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"watchdog/alert"
)

// printed is one transition on its way out. Change is + or - in a comparison, otherwise empty.
type printed struct {
	Change string
	alert.Transition
}

// replayed is one transition as `replay -o json` prints it.
type replayed struct {
	Change        string         `json:"change,omitempty"`
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
func transitionPrinter(w io.Writer, output string) func(printed) error {
	if output == "table" {
		return func(t printed) error {
			if t.Change != "" {
				t.Change += " "
			}
			_, err := fmt.Fprintf(w, "%s%s  %-8s  %-8s  %-22s  %s  %s\n", t.Change,
				t.At.Format(time.RFC3339), t.Status, t.Severity, t.Rule, t.Subject(), oneLine(cmp.Or(t.Summary, t.Error, t.State)))
			return err
		}
	}
	if output == "json" {
		output = "jsonl" // it may be long
	}
	list := objects{w: w, output: output}
	return func(t printed) error {
		object, err := oneObject(replayed{
			Change: t.Change, T: t.At, Status: t.Status, Reason: t.Reason, Rule: t.Rule, Severity: t.Severity,
			Server: t.Server, Database: t.Database, DocID: t.DocID,
			State: t.State, PreviousState: t.PreviousState, Error: t.Error, Summary: t.Summary,
		})
		if err != nil {
			return err
		}
		return list.one(object)
	}
}
