// Package board holds what readers see: of each server the last look, its checks and its alerts,
// as values that nobody changes again.
//
// # Promises
//
// The goroutine that owns a server publishes a whole new View after each check; readers load a
// pointer, and wait for nobody. A View is consistent in itself: its alerts are those that its
// last committed decision left. What the server did not show in its last look stays on the board
// as it was last seen, with the time of that look beside it.
//
// # Not promised
//
// That two servers are seen at the same moment, or that what is shown outlives the process: the
// store has what must.
//
// # Testing
//
// With reports made by hand, and under -race with readers beside an owner.
package board

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"watchdog/alert"
	"watchdog/snapshot"
	"watchdog/watch"
)

// Server says what a board is to show of one server.
type Server struct {
	Name   string
	URL    string // credentials masked
	Checks []string
}

// Board is what readers see. One goroutine for each server calls Report; everything else may be
// called by anyone.
type Board struct {
	servers atomic.Pointer[[]*place] // by name
	started time.Time
}

// place is where the view of one server hangs.
type place struct {
	name string
	view atomic.Pointer[View]
}

// View is one server as its owner last published it.
type View struct {
	Server string
	URL    string
	// Revision grows with every view of the server.
	Revision uint64
	// Looked is the last look, whatever came of it; nil before the first.
	Looked *snapshot.Snapshot
	// Seen is the last look that was not cut short: its rows are what is known. It is Looked
	// when all is well, and nil before the first; where no look was ever whole it is the last.
	Seen *snapshot.Snapshot
	// FailingSince is when the first of the looks in a row that were cut short was taken; zero
	// while they are whole.
	FailingSince time.Time
	// Alerts are those that are pending or firing, ordered by rule and subject.
	Alerts []alert.Alert
	Checks []Check
	// States says how many replications of Seen are in which state, by CouchDB's words; "" where it
	// gave none. It is known also where the replications of another replica's server are not.
	States map[string]int
	// Elsewhere: another replica watches it. Its alerts are as that one has committed them, all else
	// is as it has last written it down: Replica, "" where it has not yet.
	Elsewhere bool
	Replica   string

	taken uint64 // of Distant
}

// Check is how one check of a server does.
type Check struct {
	Name string
	// Runs is how often it ran since the process began, Failures how often nothing came of it or
	// the look was cut short.
	Runs, Failures int
	// Began is when it last ran, zero before the first time; Elapsed is how long that took.
	Began   time.Time
	Elapsed time.Duration
	// Next is when it comes due, and Overdue when it has missed two of its times; zero before
	// the first run.
	Next, Overdue time.Time
	// Usage is what the last look cost, and Used what all of them did since the process began.
	Usage, Used snapshot.Usage
	// LastGood is when the last run ended whose look was whole.
	LastGood time.Time
	// Undecided: the last run decided nothing, or could not commit it.
	Undecided bool
	// Err is what was wrong with the last run; nil when nothing was.
	Err error
}

// New makes a board that shows nothing yet.
func New(servers []Server) *Board {
	b := &Board{started: time.Now()}
	b.servers.Store(&[]*place{})
	b.Show(servers)
	return b
}

// Show makes the board show these servers in place of those before. What is known of a server and
// of a check that stay remains on it. One goroutine may call it, while others report and read.
func (b *Board) Show(servers []Server) {
	servers = slices.Clone(servers)
	slices.SortFunc(servers, func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
	places := make([]*place, len(servers))
	for i, s := range servers {
		if places[i] = b.place(s.Name); places[i] != nil {
			places[i].change(func(v *View) { v.watchedBy(s) })
			continue
		}
		v := &View{Server: s.Name}
		v.watchedBy(s)
		places[i] = &place{name: s.Name}
		places[i].view.Store(v)
	}
	b.servers.Store(&places)
}

// change publishes a view that differs. A report and a change of what is shown may meet: then the
// later one is made again, of what the other has left.
func (p *place) change(do func(*View)) *View {
	for {
		before := p.view.Load()
		v := *before
		v.Revision++
		do(&v)
		if p.view.CompareAndSwap(before, &v) {
			return &v
		}
	}
}

// watchedBy takes over what the config says of the server.
func (v *View) watchedBy(s Server) {
	checks := make([]Check, len(s.Checks))
	for i, name := range s.Checks {
		if c := v.Check(name); c != nil {
			checks[i] = *c
		} else {
			checks[i].Name = name
		}
	}
	v.URL, v.Checks = s.URL, checks
}

// Started is when the board was made.
func (b *Board) Started() time.Time { return b.started }

// Views are all servers, by name.
func (b *Board) Views() []*View {
	places := *b.servers.Load()
	views := make([]*View, len(places))
	for i, p := range places {
		views[i] = p.view.Load()
	}
	return views
}

// Server is one server, nil when there is none of that name.
func (b *Board) Server(name string) *View {
	if p := b.place(name); p != nil {
		return p.view.Load()
	}
	return nil
}

func (b *Board) place(name string) *place {
	for _, p := range *b.servers.Load() {
		if p.name == name {
			return p
		}
	}
	return nil
}

// Alerts are those of all servers that are pending or firing, ordered by Compare.
func (b *Board) Alerts() []alert.Alert {
	all := []alert.Alert{}
	for _, v := range b.Views() {
		all = append(all, v.Alerts...)
	}
	slices.SortFunc(all, func(a, b alert.Alert) int { return Compare(&a, &b) })
	return all
}

// Compare orders alerts as people want to read them: firing before pending, the most severe first,
// then the one that began last, then by rule and subject.
func Compare(a, b *alert.Alert) int {
	return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(b.Severity, a.Severity), b.StartsAt.Compare(a.StartsAt),
		cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Server, b.Server), cmp.Compare(a.Database, b.Database), cmp.Compare(a.DocID, b.DocID))
}

// Change is what one report brought.
type Change struct {
	View        *View
	Check       string // empty for what is remembered at the start
	Transitions []alert.Transition
}

// Report publishes what became of a check, and gives what is new. It is called by the goroutine
// that owns the server.
func (b *Board) Report(r *watch.Report) Change {
	p := b.place(r.Server)
	if p == nil {
		return Change{View: &View{Server: r.Server}}
	}
	v := p.change(func(v *View) {
		v.Alerts = r.Alerts
		v.Checks = slices.Clone(v.Checks)
		if v.Elsewhere { // what was seen there is shown until there is a look of ours
			v.Elsewhere, v.Replica = false, ""
			for i := range v.Checks {
				v.Checks[i] = Check{Name: v.Checks[i].Name}
			}
		}
		for i := range v.Checks {
			if v.Checks[i].Name == r.Check {
				v.Checks[i].ran(r)
			}
		}
		if r.Snapshot != nil {
			v.look(r.Snapshot)
		}
	})
	change := Change{View: v, Check: r.Check}
	if r.Outcome != nil {
		change.Transitions = r.Outcome.Transitions
	}
	return change
}

// Check is one of the checks, nil when there is none of that name.
func (v *View) Check(name string) *Check {
	for i := range v.Checks {
		if v.Checks[i].Name == name {
			return &v.Checks[i]
		}
	}
	return nil
}

func (v *View) look(s *snapshot.Snapshot) {
	v.Looked = s
	switch {
	case !s.Failed():
		v.FailingSince = time.Time{}
		v.see(s)
		return
	case v.FailingSince.IsZero():
		v.FailingSince = s.At
	}
	if v.Seen == nil || v.Seen.Failed() {
		v.see(s)
	}
}

func (v *View) see(s *snapshot.Snapshot) {
	v.Seen, v.States = s, map[string]int{}
	for _, r := range s.Replications {
		state := ""
		if r.Has(snapshot.FieldState) {
			state = string(r.State)
		}
		v.States[state]++
	}
}

func (c *Check) ran(r *watch.Report) {
	c.Runs++
	c.Began, c.Elapsed, c.Next, c.Overdue = r.Began, r.Elapsed, r.Next, r.Overdue
	c.Usage = snapshot.Usage{}
	if r.Snapshot != nil {
		c.Usage = r.Snapshot.Usage
		c.Used.Requests += c.Usage.Requests
		c.Used.Bytes += c.Usage.Bytes
	}
	c.Err, c.Undecided = r.Err, r.Err != nil
	if !c.Undecided {
		c.Err = r.Snapshot.Err()
	}
	if c.Err != nil {
		c.Failures++
		return
	}
	c.LastGood = r.Began.Add(r.Elapsed)
}
