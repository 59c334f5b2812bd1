package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/store"
)

type alertsCommand struct {
	format
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
	return printList(s.Stdout, c.Output, all, (*listed).cells)
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

func (l *listed) cells() string {
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", l.Status, l.Severity, l.StartsAt.Format(time.RFC3339), l.Rule, l.Subject(),
		oneLine(cmp.Or(l.Summary, l.Error, l.State))+l.aside())
}
