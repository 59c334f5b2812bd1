package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"watchdog/alert"
)

type alertsCommand struct {
	Output string `short:"o" enum:"table,json,jsonl" default:"table" help:"table, json or jsonl."`
	Status string `enum:"pending,firing,all" default:"all" help:"pending, firing or all."`
}

// Run lists what is pending and firing, from the store: what the daemon last decided.
func (c *alertsCommand) Run(s *session) error {
	cfg, _, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	kept, err := s.openBeside(cfg.Store)
	if err != nil {
		return err
	}
	all := []alert.Alert{}
	if kept != nil {
		defer kept.Close()
		if all, err = kept.Alerts(s.ctx); err != nil {
			return err
		}
	}
	all = slices.DeleteFunc(all, func(a alert.Alert) bool { return c.Status != "all" && string(a.Status) != c.Status })
	slices.SortStableFunc(all, func(a, b alert.Alert) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(b.Severity, a.Severity), a.StartsAt.Compare(b.StartsAt))
	})
	return printAlerts(s.Stdout, c.Output, all)
}

func printAlerts(w io.Writer, output string, all []alert.Alert) error {
	enc := json.NewEncoder(w)
	switch output {
	case "json":
		if all == nil {
			all = []alert.Alert{}
		}
		return enc.Encode(all)
	case "jsonl":
		for i := range all {
			if err := enc.Encode(&all[i]); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, a := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", a.Status, a.Severity, a.StartsAt.Format(time.RFC3339), a.Rule, a.Subject(), oneLine(cmp.Or(a.Summary, a.Error, a.State)))
	}
	return table.Flush()
}
