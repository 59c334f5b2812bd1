package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Tally is what happened to jobs, in the manner of CouchDB's counters
// (`couch_replicator.jobs` of /_node/{node}/_stats).
type Tally struct {
	Added, Removed, Started, Stopped, Crashed int64
	// Ended are jobs that ran and are gone. One was either removed, which counts as a stop too,
	// or it ended by itself, which counts nowhere.
	Ended int64
}

// Plus is both together.
func (t Tally) Plus(o Tally) Tally {
	return Tally{
		t.Added + o.Added, t.Removed + o.Removed, t.Started + o.Started,
		t.Stopped + o.Stopped, t.Crashed + o.Crashed, t.Ended + o.Ended,
	}
}

// Less is what t has more than o.
func (t Tally) Less(o Tally) Tally {
	return Tally{
		t.Added - o.Added, t.Removed - o.Removed, t.Started - o.Started,
		t.Stopped - o.Stopped, t.Crashed - o.Crashed, t.Ended - o.Ended,
	}
}

// Explains reports whether what was counted is all in t, and nothing else.
func (t Tally) Explains(counted Tally) bool {
	rest := counted.Less(t)
	return rest.Added == 0 && rest.Started == 0 && rest.Crashed == 0 &&
		rest.Removed == rest.Stopped && 0 <= rest.Removed && rest.Removed <= t.Ended
}

// Doubt is a job of which the look before does not tell any more what there is now.
type Doubt struct {
	ID    string
	place int // in the look before; -1 where it was not there
}

// Standing is what the active tasks tell of the jobs of the look before.
type Standing struct {
	Doubts []Doubt
	// Nodes are those that have jobs. True: a task of the node has gone on since the look before,
	// so that the node is not another one than it was.
	Nodes map[string]bool
	Jobs  int
}

// FollowJobs takes the jobs from the look before instead of from a listing: each stands as it was.
// It is called after Tasks. Those in doubt are to be asked for, see Job and Gone: a job that has a
// task of a process which was not its own then, a job without a task that has a process, and a
// job that was not there. stopped are others to ask for. Ok is false where the jobs of the look
// before cannot be followed.
//
// The tasks tell of each job that ran that it runs on, and so nothing that happens to those without
// doubt can be missed, but for what happens to those that wait. CouchDB counts that: see Tally.
func (b *Builder) FollowJobs(stopped map[string]bool) (s Standing, ok bool) {
	b.begin(Jobs, "")
	s.Nodes = map[string]bool{}
	if b.tasks == nil {
		return s, false
	}
	met := 0
	for _, place := range b.prev.jobs {
		if place < 0 {
			continue
		}
		job := b.prev.at(place).job
		if !job.Known.Contains(Fields(0).With(FieldID, FieldNode, FieldHistory)) || len(job.History) == 0 {
			return s, false
		}
		s.Jobs++
		if b.wanted(job.Database) {
			b.setJob(b.seen(job.Database, nil, place), job, b.prev.at(place).jobSum, place)
		}
		t := b.tasks[job.ID]
		if t != nil {
			met++
		}
		s.Nodes[job.Node] = s.Nodes[job.Node] || t != nil && t.Node == job.Node && t.sameRun(b.prev.tasks[job.ID])
		switch {
		case stopped[job.ID], job.Has(FieldPID) != (t != nil), t != nil && t.PID != job.PID:
			s.Doubts = append(s.Doubts, Doubt{job.ID, place})
		}
	}
	if met < len(b.tasks) {
		s.Doubts = append(s.Doubts, b.newcomers()...)
	}
	return s, true
}

// newcomers are the tasks of jobs that the look before did not show, but for those of processes
// that it did: their jobs are of databases that nobody wants.
func (b *Builder) newcomers() (all []Doubt) {
	known := make(map[string]bool, len(b.prev.jobs))
	for _, place := range b.prev.jobs {
		if place >= 0 {
			known[b.prev.at(place).job.ID] = true
		}
	}
	for id, t := range b.tasks {
		if !known[id] && !t.sameRun(b.prev.tasks[id]) {
			all = append(all, Doubt{id, -1})
		}
	}
	slices.SortFunc(all, func(x, y Doubt) int { return cmp.Compare(x.ID, y.ID) })
	return all
}

// DoubtsOf are the jobs of documents that were written: those that they had, and those that their
// rows name now.
func (b *Builder) DoubtsOf(database string, docs map[string]bool) (all []Doubt) {
	for doc := range docs {
		place := b.prev.find(database, []byte(doc), -1)
		id := ""
		if job := b.prev.at(place).job; job != nil {
			id = job.ID
			all = append(all, Doubt{id, place})
		}
		if e := b.seen(database, []byte(doc), place); e != nil && e.doc != nil && e.doc.Has(FieldID) && e.doc.ID != id {
			all = append(all, Doubt{e.doc.ID, -1})
		}
	}
	return all
}

// Job takes the row of a job in doubt, as asking for it answered, and says what happened to it
// since the look before. Stopped reports that the last thing is a stop: then the process may
// still be telling how far it came.
func (b *Builder) Job(d Doubt, data []byte) (t Tally, stopped bool, err error) {
	old, rows := b.dropJob(d), b.jobRows
	if err := b.jobRow(data, sumOf(data)); err != nil {
		return t, false, fmt.Errorf("read the answer about job %s: %w", d.ID, err)
	}
	if b.jobRows == rows {
		return t, false, fmt.Errorf("read the answer about job %s: its document has a later one, or nobody wants it", d.ID)
	}
	row := &b.decoder.row
	if string(row.id) != d.ID {
		return t, false, fmt.Errorf("read the answer about job %s: it is about %q", d.ID, row.id)
	}
	events := row.history
	if len(events) == 0 {
		return t, false, fmt.Errorf("read the answer about job %s: %w", d.ID, errNoHistory)
	}
	if old != nil {
		if n, goesOn := newEvents(events, old.History); goesOn {
			return tallyOf(events[:n]), n > 0 && eventType(events[0].typ) == Stopped, nil
		}
		t = endOf(old)
	}
	if eventType(events[len(events)-1].typ) != Added {
		return t, false, fmt.Errorf("read the answer about job %s: %w", d.ID, errNoHistory)
	}
	return t.Plus(tallyOf(events)), eventType(events[0].typ) == Stopped, nil
}

var errNoHistory = errors.New("its history does not tell all of its life")

// Gone takes that there is no job of that id, and says what happened to it.
func (b *Builder) Gone(d Doubt) Tally {
	if old := b.dropJob(d); old != nil {
		return endOf(old)
	}
	return Tally{}
}

// dropJob forgets what stood for a job of the look before, and returns it.
func (b *Builder) dropJob(d Doubt) *Replication {
	old := b.prev.at(d.place).job
	if old != nil {
		// The document may have another job already: that one stays.
		if e := b.seen(old.Database, []byte(old.DocID), d.place); e != nil && e.job == old {
			e.job, e.jobSum = nil, 0
		}
	}
	return old
}

func endOf(job *Replication) Tally {
	if job.Has(FieldPID) {
		return Tally{Ended: 1}
	}
	return Tally{Removed: 1}
}

// newEvents is how many events of a history are newer than those of the one before; false where it
// does not go on from there. CouchDB forgets the oldest ones.
func newEvents(now []rowEvent, before []Event) (int, bool) {
	for n := range now {
		rest := len(now) - n
		if rest > len(before) || rest < len(before) && len(now) < len(before) {
			continue
		}
		if slices.EqualFunc(now[n:], before[:rest], rowEvent.equal) {
			return n, true
		}
	}
	return 0, false
}

func tallyOf(events []rowEvent) (t Tally) {
	for _, e := range events {
		switch eventType(e.typ) {
		case Added:
			t.Added++
		case Started:
			t.Started++
		case Stopped:
			t.Stopped++
		case Crashed:
			t.Crashed++
		}
	}
	return t
}

// Turns are the jobs that wait and may have been started, and crashed again, since the look
// before: first those that crashed and may be tried again by now, then those that are pending,
// each beginning with the one that has not run for the longest time, as CouchDB picks them. At
// most so many are pending.
func (b *Builder) Turns(pending int) []Doubt {
	var crashed, waiting []Doubt
	for _, place := range b.prev.jobs {
		if place < 0 {
			continue
		}
		job := b.prev.at(place).job
		switch {
		case job.Has(FieldPID):
		case job.State == Crashing && !b.snap.At.Before(retryOf(job)):
			crashed = append(crashed, Doubt{job.ID, place})
		case job.State == Pending:
			waiting = append(waiting, Doubt{job.ID, place})
		}
	}
	longest := func(x, y Doubt) int {
		return cmp.Or(lastStart(b.prev.at(x.place).job).Compare(lastStart(b.prev.at(y.place).job)), cmp.Compare(x.ID, y.ID))
	}
	slices.SortFunc(crashed, longest)
	slices.SortFunc(waiting, longest)
	return append(crashed, waiting[:min(pending, len(waiting))]...)
}

// clockSlack is how far the clocks of a server and of Watchdog may be apart before the jobs that
// are due are not found, so that all are listed.
const clockSlack = 10 * time.Second

// retryOf is when a job that crashed may be tried again: 30 s after the crash, and twice as long
// after each that follows, 2^10 times as long at most. Source: couch_replicator_scheduler:
// backoff_micros/1.
func retryOf(job *Replication) time.Time {
	const first, doublings = 30 * time.Second, 10
	return job.History[0].At.Add(first<<min(max(job.ErrorCount-1, 0), doublings) - clockSlack)
}

// lastStart is zero for a job that never ran.
func lastStart(job *Replication) time.Time {
	for _, e := range job.History {
		if e.Type == Started {
			return e.At
		}
	}
	return time.Time{}
}

// NewlyStopped are the jobs whose last event is a stop that the look before did not show.
func (b *Builder) NewlyStopped() map[string]bool {
	all := map[string]bool{}
	for i := range b.look.entries {
		e := &b.look.entries[i]
		if e.job == nil || e.job.Has(FieldPID) || len(e.job.History) == 0 || e.job.History[0].Type != Stopped {
			continue
		}
		if p := b.prev.at(int(e.prev)).job; p == nil || len(p.History) == 0 || !p.History[0].equal(e.job.History[0]) {
			all[e.job.ID] = true
		}
	}
	return all
}

// WholeJobs reports whether the jobs were read to their end, every row of them, and the tasks: so
// that they can be followed; and how many there are.
func (b *Builder) WholeJobs() (n int, ok bool) {
	l := b.listing(Jobs, "")
	return b.jobRows, l.err == nil && l.oddRows == 0 && b.tasks != nil
}
