package rules

import (
	"slices"

	"watchdog/alert"
	"watchdog/snapshot"
)

// slowLook is how much older than what is remembered a look may be where nobody set the clock: it
// is as old as its beginning.
const slowLook = stamp(60_000_000)

// moved is what is remembered after the clock was set: everything in it that is measured by our clock
// moves along, so that what has lasted an hour still has lasted an hour, and no more. What was told
// stays as it was told.
type moved struct {
	*Memory
	places []int         // of the replications that are not as they were
	alerts []alert.Alert // likewise
}

// afterSetting is the memory as of a look, and the same one where the clock was not set before it. By
// how much it was, the snapshot says. After a start nobody knows; then what is remembered to be
// later than now tells that the clock was set back, and it counts as having happened now.
func (m *Memory) afterSetting(snap *snapshot.Snapshot) *moved {
	out := &moved{Memory: m}
	at, set := stampOf(snap.At), stamp(snap.ClockSet.Microseconds())
	if set == 0 && at+slowLook >= m.at {
		return out
	}
	by := func(latest stamp, alerts []*alert.Alert) stamp {
		switch {
		case set != 0:
			return set
		case max(latest, latestOf(alerts)) <= at+slowLook:
			return 0
		}
		for _, a := range alerts { // what fires does not move: it says how late it was at least
			latest = max(latest, stampOf(a.StartsAt))
		}
		return at - latest
	}
	next := *m
	next.alerts = out.moveAlerts(m.alerts, by(0, m.alerts))
	next.replications = slices.Clone(m.replications)
	for i := range next.replications {
		e := &next.replications[i]
		p := e.past.open()
		d := by(p.latest(), e.alerts)
		if d == 0 || e.past == "" {
			continue
		}
		p.move(d)
		e.past, e.alerts, e.marks = kept(p.append(nil)), out.moveAlerts(e.alerts, d), nil
		out.places = append(out.places, i)
	}
	out.Memory = &next
	return out
}

// latestOf is the latest moment since when something is pending or quiet.
func latestOf(alerts []*alert.Alert) stamp {
	last := stamp(0)
	for _, a := range alerts {
		switch {
		case a.QuietSince != nil:
			last = max(last, stampOf(*a.QuietSince))
		case a.Status == alert.StatusPending:
			last = max(last, stampOf(a.StartsAt))
		}
	}
	return last
}

// moveAlerts moves the beginning of what is pending, and of the quiet of what still fires.
func (m *moved) moveAlerts(alerts []*alert.Alert, d stamp) []*alert.Alert {
	if d == 0 {
		return alerts
	}
	out := slices.Clone(alerts)
	for i, a := range alerts {
		if a.Status != alert.StatusPending && a.QuietSince == nil {
			continue
		}
		a = clone(a)
		if a.Status == alert.StatusPending {
			a.StartsAt = stampOf(a.StartsAt).moved(d).time()
		}
		if a.QuietSince != nil {
			quiet := stampOf(*a.QuietSince).moved(d).time()
			a.QuietSince = &quiet
		}
		out[i] = a
		m.alerts = append(m.alerts, *a)
	}
	return out
}

// keep puts into the result of a step what moved and did not change besides.
func (m *moved) keep(r *Result) {
	decided := map[int]bool{}
	for _, c := range r.entries {
		decided[c.place] = true
	}
	remembered := map[snapshot.Key]bool{}
	for _, c := range r.Replications {
		remembered[snapshot.Key{Database: c.Database, DocID: c.DocID}] = true
	}
	for _, place := range m.places {
		e := m.replications[place]
		if !decided[place] {
			r.entries = append(r.entries, entryChange{place, e})
		}
		if !remembered[e.key] {
			r.Replications = append(r.Replications, ReplicationChange{
				Database: e.key.Database, DocID: e.key.DocID, State: string(e.past.open().state), Memory: e.past,
			})
		}
	}
	changed := map[string]bool{}
	for i := range r.Alerts {
		changed[r.Alerts[i].Alert.Fingerprint] = true
	}
	for _, a := range m.alerts {
		if !changed[a.Fingerprint] {
			r.Alerts = append(r.Alerts, AlertChange{Alert: a})
		}
	}
}

// latest is the latest moment that is remembered to have been, by our clock.
func (p *past) latest() stamp {
	last := max(p.seen, p.since, p.blind)
	for _, c := range p.counters {
		last = max(last, c.moved, c.still)
	}
	for i := range p.series {
		if points := p.series[i].points; len(points) > 0 {
			last = max(last, points[len(points)-1].at)
		}
	}
	return last
}

// move makes all moments later by d, but for those by the server's clock.
func (p *past) move(d stamp) {
	p.seen, p.since, p.blind = p.seen.moved(d), p.since.moved(d), p.blind.moved(d)
	for i := range p.counters {
		c := &p.counters[i]
		c.moved, c.still = c.moved.moved(d), c.still.moved(d)
	}
	for i := range p.series {
		for j := range p.series[i].points {
			at := &p.series[i].points[j].at
			*at = at.moved(d)
		}
	}
}
