package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/web"
)

type alertsCommand struct {
	format
	deskFlags
	Status string `enum:"pending,firing,all" default:"all" help:"pending, firing or all."`
}

// Run lists what is pending and firing: what the daemon last decided.
func (c *alertsCommand) Run(s *session) error {
	return c.use(s, func(d desk) error {
		all, err := d.alerts(s.ctx)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(a web.Listed) bool { return c.Status != "all" && string(a.Status) != c.Status })
		if all != nil && len(all) == 0 && c.Output == "table" {
			fmt.Fprintf(s.Stderr, "nothing is %s\n", strings.Replace(c.Status, "all", "pending or firing", 1))
		}
		return printList(s.Stdout, c.Output, append([]web.Listed{}, all...), alertCells)
	})
}

// mutedBy gives, for each alert of a list of all servers, why nobody is told of it.
func mutedBy(router *notify.Router, alerts []alert.Alert, standing *notify.Standing) []string {
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

func alertCells(a *web.Listed) string {
	words := slices.Clone(a.MutedBy)
	if a.AckedBy != "" {
		words = append(words, a.AckedBy+" has it")
	}
	aside := ""
	if len(words) > 0 {
		aside = " [" + strings.Join(words, "; ") + "]"
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", a.Status, a.Severity, a.StartsAt.Format(time.RFC3339), a.Rule, a.Subject(),
		oneLine(cmp.Or(a.Summary, a.Error, a.State))+aside)
}
