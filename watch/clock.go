package watch

import (
	"time"

	"github.com/robfig/cron/v3"
)

// settingFrom is from when on a difference between the two clocks is one that somebody set.
const settingFrom = time.Second

// clock notices that somebody has set the wall clock: a time of Go's tells by another clock besides,
// which nobody sets. The zero value has decided nothing yet.
type clock struct {
	looked  time.Time // when the last look began
	decided time.Time // when the last one began by which something was decided
}

// look begins a look, and gives by how far the wall clock was set since the one by which something
// was decided.
func (c *clock) look(now time.Time) time.Duration {
	c.looked = now
	if c.decided.IsZero() {
		return 0
	}
	return setting(now.Round(0).Sub(c.decided.Round(0)), now.Sub(c.decided))
}

// decide notes that something was decided by the last look.
func (c *clock) decide() { c.decided = c.looked }

// setting is by how far a wall clock was set that passed some time while another passed.
func setting(wall, passed time.Duration) time.Duration {
	set := wall - passed
	if set.Abs() < settingFrom {
		return 0
	}
	return set
}

// steady is a schedule whose next time comes after as long as it was away, also where the wall clock
// is set meanwhile; the one after that goes by the clock as it then is.
type steady struct{ cron.Schedule }

// Next implements cron.Schedule.
func (s steady) Next(now time.Time) time.Time {
	next := s.Schedule.Next(now)
	if next.IsZero() {
		return next
	}
	return now.Add(next.Sub(now.Round(0)))
}
