package watch

import (
	"time"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/snapshot"
)

// Report is what became of one check of a server, for those who only look on: a page, metrics.
// Nothing that it refers to may be changed.
type Report struct {
	Server string
	// Check is empty in the first report of a server, which is made before anything ran and says
	// what is remembered.
	Check   string
	Began   time.Time
	Elapsed time.Duration // reading, deciding and committing
	// Next is when the check comes due again by its schedule; Overdue, the time after that, is
	// when it has missed two of its times.
	Next, Overdue time.Time
	// Snapshot is what was seen; nil when the look itself broke off.
	Snapshot *snapshot.Snapshot
	// Outcome is what was decided and committed. It is nil when nothing was, and Err says why.
	Outcome *cycle.Outcome
	Err     error
	// Alerts are those that are pending or firing afterwards, ordered by rule and subject.
	Alerts []alert.Alert
}

// report tells what became of a check. It does nothing where nobody looks on.
func (o *owner) report(c *dueCheck, r *Report) {
	if o.reported == nil {
		return
	}
	if c == nil || o.changed {
		o.alerts, o.changed = o.state.Alerts(), false
	}
	r.Server, r.Alerts = o.name, o.alerts
	if c != nil {
		now := time.Now()
		r.Check, r.Elapsed = c.Name, now.Sub(r.Began)
		r.Next = c.Schedule.Next(now)
		r.Overdue = c.Schedule.Next(r.Next).Add(c.Jitter)
	}
	o.reported(r)
}
