package snapshot

import (
	"hash/maphash"
	"maps"
	"slices"
)

// look is what a snapshot was made from, kept so that the next one of the same server decodes
// only what is new.
type look struct {
	entries []entry           // ordered by Key
	aliases map[string]string // the database that rows name, to the name it was asked for by
	pending map[Key]int64     // what sources said
	listed  []string          // the replicator databases whose documents were asked for
}

// entry is one replication as the listings showed it.
type entry struct {
	doc, job       *Replication // what either row says alone; nil where it was not listed
	docSum, jobSum uint64       // of those rows
	rep            *Replication // joined and finished; it may be doc or job itself
	sourced        bool         // the ChangesPending of rep is what the source said
	prev           int          // its place in the look before, -1 when it was not there
}

func (e *entry) key() Key {
	if e.doc != nil {
		return e.doc.Key
	}
	return e.job.Key
}

// setJob takes a job. During a change of the document two jobs may be listed for it: the one
// with the newer event counts.
func (e *entry) setJob(job *Replication, sum uint64) {
	if e.job == nil || !newerJob(e.job, job) {
		e.job, e.jobSum = job, sum
	}
}

// previous is the look before, with its rows by their sums.
type previous struct {
	entries    []entry
	docs, jobs map[uint64]int
}

// sumSeed makes the sums of rows, which are compared within this process only.
var sumSeed = maphash.MakeSeed()

func sumOf(row []byte) uint64 { return maphash.Bytes(sumSeed, row) }

// find is the place of key in the look before, -1 when it is not there.
func (p *previous) find(key Key) int {
	i, found := slices.BinarySearchFunc(p.entries, key, func(e entry, key Key) int {
		return e.key().Compare(key)
	})
	if !found {
		return -1
	}
	return i
}

// at is an entry by its place; the empty one for -1.
func (p *previous) at(place int) entry {
	if place < 0 {
		return entry{}
	}
	return p.entries[place]
}

// Reuse shares with prev, which may be nil, every replication that has not changed, and does
// not decode a row that reads as it did then. It is called before anything is read.
func (b *Builder) Reuse(prev *Snapshot) {
	if prev == nil || prev.look == nil {
		return
	}
	entries := prev.look.entries
	b.look.aliases = maps.Clone(prev.look.aliases)
	b.look.entries = make([]entry, 0, len(entries))
	b.index = make(map[Key]int, len(entries))
	b.prev = previous{entries, make(map[uint64]int, len(entries)), make(map[uint64]int, len(entries))}
	for i := range entries {
		if entries[i].doc != nil {
			b.prev.docs[entries[i].docSum] = i
		}
		if entries[i].job != nil {
			b.prev.jobs[entries[i].jobSum] = i
		}
	}
}

// seen is the entry of a replication that was at place in the look before.
func (b *Builder) seen(key Key, place int) *entry {
	if i, ok := b.index[key]; ok {
		return &b.look.entries[i]
	}
	i := len(b.look.entries)
	b.index[key] = i
	b.look.entries = append(b.look.entries, entry{prev: place})
	return &b.look.entries[i]
}

// decoded is the replication that the row just read names, as far as this look and the one
// before know it.
func (b *Builder) decoded(database string, name []byte) (r *Replication, e *entry) {
	place := -1
	var before *Replication
	if i, ok := b.index[Key{database, string(name)}]; ok {
		place, before = b.look.entries[i].prev, b.look.entries[i].doc
	} else if len(b.prev.entries) > 0 {
		place = b.prev.find(Key{database, string(name)})
	}
	r = b.decoder.replication(database, name, before, b.prev.at(place).rep)
	return r, b.seen(r.Key, place)
}

// joined makes the replications of a snapshot.
func (b *Builder) joined() []*Replication {
	l := b.look
	l.entries = slices.DeleteFunc(l.entries, func(e entry) bool { return e.doc == nil && e.job == nil })
	slices.SortFunc(l.entries, func(x, y entry) int { return x.key().Compare(y.key()) })
	all := make([]*Replication, len(l.entries))
	for i := range l.entries {
		e := &l.entries[i]
		p := b.prev.at(e.prev)
		if p.rep != nil && e.doc == p.doc && e.job == p.job {
			e.rep, e.sourced = p.rep, p.sourced
		} else {
			e.rep = join(e.doc, e.job)
		}
		b.finish(e, e.rep == p.rep || e.rep == p.doc || e.rep == p.job)
		all[i] = e.rep
	}
	return all
}

// finish adds what the active tasks say, and the source where the server gave no number of
// pending changes. A replication that is shared with the look before is copied first.
func (b *Builder) finish(e *entry, shared bool) {
	r := e.rep
	known, active, pending := r.Known.Without(FieldActive), false, r.ChangesPending
	if b.tasks != nil && known.Has(FieldID) {
		known, active = known.With(FieldActive), b.tasks[r.ID]
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
