package couchtest

import "time"

// Spec is what a replication is when it is put. The zero value is a continuous replication from
// a database of this server with the document's id as its name, at the beginning of its life.
type Spec struct {
	// Source and Target are URLs, or names of databases of this server. Empty: the document's
	// id, and the same with "_copy".
	Source, Target string
	OneShot        bool
	CreateTarget   bool
	Filter         string
	User           string // of a transient job, "" is null
	Node           string // "" is the first

	// State is where it is from the first moment, with the history that led there.
	State State
	Error string // of Crashing, Erroring and Failed

	Docs    int64 // replicated so far
	Waiting int64 // changes that the source has besides
	// Rate is how many changes a second come to the source. Speed is how many a second are
	// replicated while it runs; 0 is as fast as they come: Waiting stays as it is, and what came
	// while the job did not run is done as soon as it does.
	Rate, Speed float64

	// Silent: the job has not reported statistics yet, info is null.
	Silent bool
	// History replaces the history that State implies: newest first. It does not change State.
	History []Event
	// Owner is who wrote the document, the admin if empty.
	Owner string
	// JobID replaces the id that the job would have.
	JobID string
}

// Put writes a replication document, or writes it anew, into a replicator database, which is
// made if it is not there. The handle of one document is always the same one.
func (s *Server) Put(database, docID string, spec Spec) *Replication {
	s.catchUp()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	db := s.database(database)
	r := db.docs[docID]
	if r == nil {
		r = &Replication{s: s, db: db, id: docID, shard: shardOf(docID), phase: gone}
	}
	r.unschedule(now)
	fresh := r.phase == gone
	r.fields = nil
	r.apply(spec, now)
	if fresh {
		db.add(r)
	}
	db.write(r)
	r.bring(spec, now)
	return r
}

// Transient is a job as POST /_replicate makes it: no document, database and doc_id null. It
// runs at once, and is forgotten as soon as it ends in whatever way.
func (s *Server) Transient(spec Spec) *Replication {
	s.catchUp()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	r := &Replication{s: s, phase: unclaimed}
	if spec.Source == "" {
		spec.Source = "transient"
	}
	r.apply(spec, now)
	if other := s.jobs[jobIDOf(&r.spec)]; other != nil {
		return other // CouchDB answers with the job that is there
	}
	r.start(now)
	return r
}

// Doc is the handle of a document that was put, nil where there was none. A deleted document
// still has its handle.
func (s *Server) Doc(database, docID string) *Replication {
	s.catchUp()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if db := s.databases[database]; db != nil {
		return db.docs[docID]
	}
	return nil
}

// apply takes a spec as what the document says.
func (r *Replication) apply(spec Spec, now time.Time) {
	if spec.Source == "" {
		spec.Source = r.id
	}
	if spec.Target == "" {
		spec.Target = spec.Source + "_copy"
	}
	r.spec = spec
	r.node = spec.Node
	if r.node == "" {
		r.node = r.s.opts.Nodes[0]
	}
	r.claim(now)
	r.effect, r.stalled, r.blind, r.hidden = Written, false, false, false
	r.silent = spec.Silent
	r.src = r.s.source(spec.Source)
	if spec.Docs > 0 {
		r.counters = Counters{}
		r.counters.pass(spec.Docs, Written)
		r.through, r.checkpointed, r.owed = spec.Docs, spec.Docs, 0
	}
	if seq := r.through + spec.Waiting; spec.Waiting > 0 || r.src.at(now) < seq {
		r.src.set(seq, now)
	}
	if spec.Rate > 0 {
		r.src.setRate(spec.Rate, now)
	}
	r.waited = r.waitingAt(now)
}

// bring takes it to the state of its spec.
func (r *Replication) bring(spec Spec, now time.Time) {
	switch spec.State {
	case Unclaimed:
		r.phase = unclaimed
	case Erroring:
		r.fault(spec.Error, now)
	case Pending:
		r.schedule(now)
	case Running:
		r.start(now)
	case Crashing:
		r.crash(spec.Error, now)
	case Completed:
		r.complete(now)
	case Failed:
		r.fail(spec.Error, now)
	}
	if len(spec.History) > 0 && r.phase == scheduled {
		r.history = spec.History
		for _, e := range spec.History {
			r.started = r.started || e.Type == Started
		}
	}
}
