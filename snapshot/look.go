package snapshot

import (
	"hash/maphash"
	"iter"
	"maps"
	"slices"
)

// look is what a snapshot was made from, kept so that the next one of the same server decodes
// only what is new.
type look struct {
	entries    []entry           // ordered by Key
	docs, jobs []int             // places of entries, in the order of the rows; -1 for a row that does not count
	aliases    map[string]string // the database that rows name, to the name it was asked for by
	pending    map[Key]int64     // what sources said
	listed     []string          // the replicator databases whose documents were asked for
	tasks      map[string]*task  // by replication id; nil when they were not read
}

// entry is one replication as the listings showed it.
type entry struct {
	doc, job       *Replication // what either row says alone; nil where it was not listed
	docSum, jobSum uint64       // of those rows
	rep            *Replication // joined and finished; it may be doc or job itself
	docAt, jobAt   int32        // which rows of the look they are
	prev           int32        // its place in the look before, -1 when it was not there
	sourced        bool         // the ChangesPending of rep is what the source said
}

func (e *entry) key() *Key {
	if e.doc != nil {
		return &e.doc.Key
	}
	return &e.job.Key
}

// previous is the look before, and how far this one has come in it. Rows come in the same order
// every time, so that the next row is most often the one that is expected.
type previous struct {
	look
	nextDoc, nextJob int   // in the order of the rows
	now              []int // by place: the entry of this look and 1, 0 when there is none yet
	none             entry
}

// sumSeed makes the sums of rows, which are compared within this process only.
var sumSeed = maphash.MakeSeed()

func sumOf(row []byte) uint64 { return maphash.Bytes(sumSeed, row) }

// expect is the place of the next row that counts, -1 behind the last one.
func expect(order []int, next *int) int {
	for ; *next < len(order); *next++ {
		if place := order[*next]; place >= 0 {
			return place
		}
	}
	return -1
}

// at is an entry by its place; the empty one for -1.
func (p *previous) at(place int) *entry {
	if place < 0 {
		return &p.none
	}
	return &p.entries[place]
}

// find is the place of a replication in the look before, -1 when it is not there. It may well be
// the one that is expected.
func (p *previous) find(database string, name []byte, expected int) int {
	if expected >= 0 {
		if k := p.entries[expected].key(); k.DocID == string(name) && k.Database == database {
			return expected
		}
	}
	low, high := 0, len(p.entries)
	for low < high {
		mid := (low + high) / 2
		k := p.entries[mid].key()
		if k.Database < database || k.Database == database && k.DocID < string(name) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(p.entries) {
		return -1
	}
	if k := p.entries[low].key(); k.DocID != string(name) || k.Database != database {
		return -1
	}
	return low
}

// Reuse shares with prev, which may be nil, every replication that has not changed, and does
// not decode a row that reads as it did then. It is called before anything is read.
func (b *Builder) Reuse(prev *Snapshot) {
	if prev == nil || prev.look == nil {
		return
	}
	n := len(prev.look.entries)
	b.prev = previous{look: *prev.look, now: make([]int, n)}
	b.look.aliases = maps.Clone(prev.look.aliases)
	b.look.entries = make([]entry, 0, n+n/8)
}

// seen is the entry of a replication that was at place in the look before; nil while this one
// has not shown it.
//
// The index of those that are new is made when one is looked for that may be there already:
// never, while new documents come in the order of their keys, as those of one listing do.
func (b *Builder) seen(database string, name []byte, place int) *entry {
	i := 0
	switch last := &b.last; {
	case place >= 0:
		i = b.prev.now[place]
	case b.index != nil:
		i = b.index[Key{database, string(name)}]
	case last.Database > database || last.Database == database && last.DocID >= string(name):
		b.makeIndex()
		i = b.index[Key{database, string(name)}]
	}
	if i == 0 {
		return nil
	}
	return &b.look.entries[i-1]
}

func (b *Builder) makeIndex() {
	b.index = make(map[Key]int, len(b.look.entries))
	for i := range b.look.entries {
		if e := &b.look.entries[i]; e.prev < 0 {
			b.index[*e.key()] = i + 1
		}
	}
}

// add makes the entry of a replication that has not been seen.
func (b *Builder) add(key Key, place int) *entry {
	b.look.entries = append(b.look.entries, entry{prev: int32(place)})
	n := len(b.look.entries)
	switch {
	case place >= 0:
		b.prev.now[place] = n
	case b.index != nil:
		b.index[key] = n
	default:
		b.last = key
	}
	return &b.look.entries[n-1]
}

// joined makes the replications of a snapshot.
func (b *Builder) joined() []*Replication {
	b.merge()
	all := make([]*Replication, len(b.look.entries))
	for i := range b.look.entries {
		e := &b.look.entries[i]
		p := b.prev.at(int(e.prev))
		b.finish(e, e.rep == p.rep || e.rep == p.doc || e.rep == p.job)
		all[i] = e.rep
	}
	return all
}

// merge joins the rows, once: nothing may be read after it.
func (b *Builder) merge() {
	if b.merged {
		return
	}
	b.merged = true
	l := b.look
	l.tasks = b.tasks
	l.entries = slices.DeleteFunc(l.entries, func(e entry) bool { return e.doc == nil && e.job == nil })
	slices.SortFunc(l.entries, byKey)
	l.docs, l.jobs = slices.Repeat([]int{-1}, b.docRows), slices.Repeat([]int{-1}, b.jobRows)
	for i := range l.entries {
		e := &l.entries[i]
		p := b.prev.at(int(e.prev))
		b.hear(e)
		if p.rep != nil && e.doc == p.doc && e.job == p.job {
			e.rep, e.sourced = p.rep, p.sourced
		} else {
			e.rep = join(e.doc, e.job)
		}
		if e.doc != nil {
			l.docs[e.docAt] = i
		}
		if e.job != nil {
			l.jobs[e.jobAt] = i
		}
	}
}

// hear gives the task of a running job the last word on its numbers. The job then is not as any row
// of the listing has it.
func (b *Builder) hear(e *entry) {
	if e.job == nil || !e.job.Has(FieldPID) {
		return
	}
	if t := b.tasks[e.job.ID]; t != nil {
		if job := t.lastWord(e.job); job != e.job {
			e.job, e.jobSum = job, 0
		}
	}
}

// byKey orders entries. Two that were in the look before stand as they stood there: jobs come in an
// order of their own, and comparing the names of a million of them takes seconds.
func byKey(x, y entry) int {
	if x.prev >= 0 && y.prev >= 0 {
		return int(x.prev) - int(y.prev)
	}
	return x.key().Compare(*y.key())
}

// Blind are the continuous replications that run while the server does not say how much waits
// for them, ordered by Key: what SourcePending is for. It is called when all has been read.
func (b *Builder) Blind() iter.Seq[*Replication] {
	b.merge()
	return func(yield func(*Replication) bool) {
		for i := range b.look.entries {
			e := &b.look.entries[i]
			blind := e.sourced || !e.rep.Has(FieldChangesPending)
			if blind && e.rep.Has(FieldState) && e.rep.State == Running && e.rep.Continuous && !yield(e.rep) {
				return
			}
		}
	}
}

// finish adds what the active tasks say, and the source where the server gave no number of
// pending changes. A replication that is shared with the look before is copied first.
func (b *Builder) finish(e *entry, shared bool) {
	r := e.rep
	known, active, pending := r.Known.Without(FieldActive), false, r.ChangesPending
	if b.tasks != nil && known.Has(FieldID) {
		known, active = known.With(FieldActive), b.tasks[r.ID] != nil
	}
	if e.sourced {
		known, pending, e.sourced = known.Without(FieldChangesPending), 0, false
	}
	if !known.Has(FieldChangesPending) {
		if pending, e.sourced = b.look.pending[r.Key]; e.sourced {
			known = known.With(FieldChangesPending)
		}
	}
	if known == r.Known && active == r.Active && pending == r.ChangesPending {
		return
	}
	if shared || e.sourced { // what a row says alone must not be mixed with what the source says
		c := *r
		r = &c
	}
	r.Known, r.Active, r.ChangesPending = known, active, pending
	e.rep = r
}
