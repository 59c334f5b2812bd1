package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/store"
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
	all := []listed{}
	if kept != nil {
		defer kept.Close() //nolint:errcheck // it was only read
		if all, err = s.listAlerts(cfg.Router, kept); err != nil {
			return err
		}
	}
	all = slices.DeleteFunc(all, func(a listed) bool { return c.Status != "all" && string(a.Status) != c.Status })
	slices.SortStableFunc(all, func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(b.Severity, a.Severity), a.StartsAt.Compare(b.StartsAt))
	})
	return printAlerts(s.Stdout, c.Output, all)
}

// listed is an alert, and whether people are told of it.
type listed struct {
	alert.Alert
	MutedBy []string `json:"muted_by"` // what keeps it from being told; empty when nothing does
	AckedBy string   `json:"acked_by"` // who has it, "" when nobody does
}

func (s *session) listAlerts(router *notify.Router, kept *store.SQLite) ([]listed, error) {
	alerts, err := kept.Alerts(s.ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	standing, err := kept.Standing(s.ctx, now)
	if err != nil {
		return nil, err
	}
	muted := mutedBy(router, alerts, standing)
	all := make([]listed, len(alerts))
	for i, a := range alerts {
		all[i] = listed{Alert: a, MutedBy: []string{}}
		if muted[i] != "" {
			all[i].MutedBy = []string{muted[i]}
		}
		if ack, ok := standing.Acks[a.Fingerprint]; ok && !ack.At.Before(a.StartsAt) {
			all[i].AckedBy = ack.By
		}
	}
	return all, nil
}

// mutedBy gives, for each alert of a list of all servers, why nobody is told of it.
func mutedBy(router *notify.Router, alerts []alert.Alert, standing *notify.Standing) []string {
	if standing == nil {
		standing = &notify.Standing{}
	}
	firing := map[string][]alert.Alert{} // by server
	for _, a := range alerts {
		if a.Status == alert.StatusFiring {
			firing[a.Server] = append(firing[a.Server], a)
		}
	}
	now, muted := time.Now(), make([]string, len(alerts))
	for i := range alerts {
		muted[i] = router.MutedBy(&alerts[i], firing[alerts[i].Server], standing, now)
	}
	return muted
}

// aside is what a person who reads the list should know beside the alert itself.
func (l *listed) aside() string {
	words := slices.Clone(l.MutedBy)
	if l.AckedBy != "" {
		words = append(words, l.AckedBy+" has it")
	}
	if len(words) == 0 {
		return ""
	}
	return " [" + strings.Join(words, "; ") + "]"
}

func printAlerts(w io.Writer, output string, all []listed) error {
	enc := json.NewEncoder(w)
	switch output {
	case "json":
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
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", a.Status, a.Severity, a.StartsAt.Format(time.RFC3339), a.Rule, a.Subject(), oneLine(cmp.Or(a.Summary, a.Error, a.State))+a.aside())
	}
	return table.Flush()
}
