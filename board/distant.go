package board

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"watchdog/alert"
	"watchdog/snapshot"
)

// Distant is what is known here of a server that another replica watches. The zero value knows
// nothing. One goroutine at a time may use it.
type Distant struct {
	head  *head
	parts [sightParts][]*snapshot.Replication
	taken uint64
}

// Take takes in a sight, or what of it was written since the one before. One of a program that
// writes otherwise is an error, and nothing is known then.
func (d *Distant) Take(s *Sight) error {
	d.taken++
	h := &head{}
	if err := unpack(s.Head, h); err != nil {
		return fmt.Errorf("read what another replica sees: %w", err)
	}
	if h.Format != sightFormat {
		d.head = nil
		d.Forget()
		return errors.New("another replica is of a version that writes what it sees in another way")
	}
	d.head = h
	for part, body := range s.Parts {
		if part < 0 || part >= sightParts {
			continue
		}
		var rows []*snapshot.Replication
		if err := unpack(body, &rows); err != nil {
			return fmt.Errorf("read the replications that another replica sees: %w", err)
		}
		d.parts[part] = rows
	}
	return nil
}

// Forget lets go of the replications.
func (d *Distant) Forget() {
	clear(d.parts[:])
	d.taken++
}

// rows are the replications, in order.
func (d *Distant) rows() []*snapshot.Replication {
	rows := slices.Concat(d.parts[:]...)
	slices.SortFunc(rows, func(a, b *snapshot.Replication) int { return a.Compare(b.Key) })
	return rows
}

// Elsewhere publishes what another replica sees of a server that it watches, and the server's
// alerts, and gives what is new; false when nothing is. It may meet a report of the server: then
// the later one is shown.
func (b *Board) Elsewhere(server string, alerts []alert.Alert, d *Distant) (Change, bool) {
	p := b.place(server)
	if p == nil {
		return Change{}, false
	}
	if v := p.view.Load(); v.Elsewhere && v.taken == d.taken && reflect.DeepEqual(v.Alerts, alerts) {
		return Change{}, false
	}
	return Change{View: p.change(func(v *View) {
		checks := v.Checks
		*v = View{Server: v.Server, URL: v.URL, Revision: v.Revision, Alerts: alerts, Elsewhere: true, taken: d.taken}
		for i := range checks {
			v.Checks = append(v.Checks, d.check(checks[i].Name))
		}
		d.show(v)
	})}, true
}

// check is a check of the server as it runs there.
func (d *Distant) check(name string) Check {
	if d.head != nil {
		for _, c := range d.head.Checks {
			if c.Name != name {
				continue
			}
			if c.Error != "" {
				c.Err = errors.New(c.Error)
			}
			return c.Check
		}
	}
	return Check{Name: name}
}

// show puts what is known in a view.
func (d *Distant) show(v *View) {
	h := d.head
	if h == nil {
		return
	}
	v.Replica, v.States, v.FailingSince = h.Replica, h.States, h.FailingSince
	v.Seen = &snapshot.Snapshot{Server: v.Server, At: h.Seen, Version: h.Version, Replications: d.rows()}
	v.Looked = v.Seen
	if h.Error != "" {
		v.Looked = &snapshot.Snapshot{
			Server: v.Server, At: h.Looked, Version: h.Version,
			Gaps: []snapshot.Gap{{Part: snapshot.Jobs, Err: errors.New(h.Error)}},
		}
	}
}
