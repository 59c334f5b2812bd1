package cli

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"watchdog/lease"
)

type replicasCommand struct {
	format
	deskFlags
	Name string `arg:"" optional:"" complete:"server" help:"Only what this replica holds, or who holds this server or sink."`
}

// Run lists who watches which server and who tells which sink. How the replicas do goes to stderr.
func (c *replicasCommand) Run(s *session) error {
	return c.use(s, func(d desk) error {
		roster, err := d.roster(s.ctx)
		if err != nil || roster == nil {
			return err
		}
		if len(roster.Replicas) == 0 && c.Output == "table" {
			fmt.Fprintln(s.Stderr, "no replica shares this store")
		}
		for _, r := range roster.Replicas {
			if c.Output == "table" && (c.Name == "" || c.Name == r.Name) {
				fmt.Fprintln(s.Stderr, replicaLine(&r))
			}
		}
		leases := slices.DeleteFunc(roster.Leases, func(t lease.Tenure) bool {
			return c.Name != "" && t.Name != c.Name && t.Holder != c.Name
		})
		return printList(s.Stdout, c.Output, append([]lease.Tenure{}, leases...), tenureCells)
	})
}

// replicaLine is how a replica does.
func replicaLine(r *lease.Replica) string {
	line := fmt.Sprintf("replica %s lives", r.Name)
	if !r.Live {
		line = fmt.Sprintf("replica %s is not heard of since %s", r.Name, r.Until.Format(time.RFC3339))
	}
	if r.Since != nil {
		line += ", there since " + r.Since.Format(time.RFC3339)
	}
	return line
}

func tenureCells(t *lease.Tenure) string {
	since := ""
	if t.Since != nil {
		since = "since " + t.Since.Format(time.RFC3339)
	}
	holder := cmp.Or(t.Holder, "nobody")
	if t.Holder != "" && !t.Live {
		holder += ", which is dead"
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\tepoch %d", t.Kind, oneLine(t.Name), holder, since, t.Epoch)
}
