package board

import "time"

// Late is a check that did not do what it should have done.
type Late struct {
	Server, Check string
	Why           string
}

// Late are the checks that have not run yet, did not run when they should have, or decided nothing.
// A server that cannot be read makes none late: that is decided, and told; nor does one that another
// replica watches.
func (b *Board) Late(now time.Time) []Late {
	var all []Late
	for _, v := range b.Views() {
		if v.Elsewhere {
			continue
		}
		for i := range v.Checks {
			if why := v.Checks[i].late(now); why != "" {
				all = append(all, Late{v.Server, v.Checks[i].Name, why})
			}
		}
	}
	return all
}

func (c *Check) late(now time.Time) string {
	switch {
	case c.Runs == 0:
		return "it has not run yet"
	case now.After(c.Overdue):
		return "it has not run for two intervals"
	case c.Undecided:
		return "its last run decided nothing"
	}
	return ""
}
