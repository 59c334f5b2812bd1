package couchtest

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"time"
)

// State is what the scheduler says a replication is doing.
type State string

// The states of /_scheduler/docs, and Unclaimed: the document was just written and no node has
// taken it yet, so the list does not show it and asking for it answers `state` null.
const (
	Unclaimed    State = "null"
	Initializing State = "initializing"
	Erroring     State = "error"
	Pending      State = "pending"
	Running      State = "running"
	Crashing     State = "crashing"
	Completed    State = "completed"
	Failed       State = "failed"
)

// Effect is what becomes of the changes that a replication passes.
type Effect int

// The effects.
const (
	Written  Effect = iota // every change is read and written
	Filtered               // a filter, or the target has them already: only the sequence moves
	Refused                // the target refuses each: doc_write_failures grows, nothing else tells
)

// Counters are the numbers in `info`, but for changes_pending.
type Counters struct {
	RevisionsChecked, MissingRevisionsFound int64
	DocsRead, DocsWritten, DocWriteFailures int64
	BulkGetDocs, BulkGetAttempts            int64
}

// pass counts n changes.
func (c *Counters) pass(n int64, e Effect) {
	c.RevisionsChecked += n
	if e == Filtered {
		return
	}
	c.MissingRevisionsFound += n
	c.DocsRead += n
	c.BulkGetDocs += n
	c.BulkGetAttempts += n
	if e == Refused {
		c.DocWriteFailures += n
		return
	}
	c.DocsWritten += n
}

// phase is where a replication is known: in nobody's hands, in the document processor, in the
// scheduler, or only by its document.
type phase int

const (
	unclaimed phase = iota
	initializing
	erroring
	scheduled // running, pending or crashing: the job's pid and history say which
	completed
	failed
	gone // the document was deleted, or the transient job ended
)

// checkpointInterval is how often a job saves how far it came.
const checkpointInterval = 5 * time.Second

// Replication is one replication document, or one transient job, and the handle by which a test
// moves it through its life. Every method is safe to call at any time, from any goroutine, in
// any state: one that asks for what cannot be from here does what CouchDB would have done first
// (a job that is to crash is started, a failed document that is to start is written anew).
type Replication struct {
	s     *Server
	db    *database // nil for a transient job
	id    string    // the document's
	shard int       // of the two of its database

	// All below is guarded by s.mu.
	document
	spec    Spec
	phase   phase
	src     *source
	effect  Effect
	jobID   string
	node    string
	created time.Time // start_time
	updated time.Time // of the phases that have no history
	errors  int64     // of erroring
	reason  string    // of erroring and failed

	pid     string // "" unless running
	history []Event
	started bool // ever
	silent  bool // has not reported any statistics yet: info is null
	hidden  bool // missing from /_active_tasks

	// What it had done at moved; what came since is computed when somebody looks.
	moved        time.Time
	counters     Counters
	through      int64
	checkpointed int64
	waited       int64 // changes that waited when its process last told; a job that does not run shows it
	stalled      bool
	owed         int64 // came while it did not move, of what is replicated as fast as it comes
	fresh        bool  // it is a later run of the job, and has not got past freshAt
	freshAt      int64 // sequence
	blind        bool  // the source does not say how much is pending
}

// shardOf is the shard of a database of two that holds a document.
func shardOf(id string) int { return int(crc32.ChecksumIEEE([]byte(id)) >> 31) }

// jobIDOf is the id under which a replication is scheduled. Two documents that ask for the same
// have the same, which is how CouchDB finds duplicates.
func jobIDOf(spec *Spec) string {
	if spec.JobID != "" {
		return spec.JobID
	}
	sum := md5.Sum(fmt.Append(nil, spec.Source, "\x00", spec.Target, "\x00", spec.Filter, "\x00",
		spec.OneShot, "\x00", spec.CreateTarget))
	id := hex.EncodeToString(sum[:])
	if !spec.OneShot {
		id += "+continuous"
	}
	if spec.CreateTarget {
		id += "+create_target"
	}
	return id
}

// state is the scheduler's word for it.
func (r *Replication) state() State {
	switch r.phase {
	case initializing:
		return Initializing
	case erroring:
		return Erroring
	case completed:
		return Completed
	case failed:
		return Failed
	case scheduled:
		switch {
		case r.pid != "":
			return Running
		case r.history[0].Type == Crashed:
			return Crashing
		}
		return Pending
	}
	return Unclaimed
}

// throughAt is the sequence of the source up to which all is done.
func (r *Replication) throughAt(now time.Time) int64 {
	d := now.Sub(r.moved)
	if r.pid == "" || r.stalled || d <= 0 {
		return r.through
	}
	n := r.through + grown(r.spec.Speed, d)
	if r.spec.Speed == 0 {
		n = r.through + r.src.at(now) - r.src.at(r.moved) // as fast as they come
	}
	return max(r.through, min(n, r.src.at(now)))
}

// countersAt are the counters, with what was done since it was moved.
func (r *Replication) countersAt(now time.Time) Counters {
	c := r.counters
	c.pass(r.throughAt(now)-r.through, r.effect)
	return c
}

// checkpointedAt is the last sequence that was saved.
func (r *Replication) checkpointedAt(now time.Time) int64 {
	whole := now.Sub(r.moved) / checkpointInterval * checkpointInterval
	if whole <= 0 || r.pid == "" {
		return r.checkpointed
	}
	return r.throughAt(r.moved.Add(whole))
}

// unmoved reports whether this run of the job has done nothing yet. It then shows source_seq
// "0" and changes_pending null, for ever if nothing comes.
func (r *Replication) unmoved(now time.Time) bool {
	return r.fresh && r.throughAt(now) == r.freshAt
}

// waitingAt is how many changes the source has that are not done.
func (r *Replication) waitingAt(now time.Time) int64 { return r.src.at(now) - r.throughAt(now) }

// settle makes what was done until now a fact, so that what happens next can differ.
func (r *Replication) settle(now time.Time) {
	counters, through := r.countersAt(now), r.throughAt(now)
	r.checkpointed = r.checkpointedAt(now)
	r.fresh = r.unmoved(now)
	if r.spec.Speed == 0 && (r.pid == "" || r.stalled) {
		r.owed += r.src.at(now) - r.src.at(r.moved)
	}
	r.counters, r.through, r.moved = counters, through, now
	if r.pid != "" {
		r.waited = r.waitingAt(now)
	}
}

// pass does n more changes at once; the source is taken to have had them.
func (r *Replication) pass(n int64, now time.Time) {
	r.settle(now)
	r.counters.pass(n, r.effect)
	r.through += n
	if r.src.at(now) < r.through {
		r.src.set(r.through, now)
	}
	r.fresh = r.fresh && n == 0
	r.silent = false
}

// catchUp does what came while it did not move.
func (r *Replication) catchUp(now time.Time) {
	if owed := r.owed; owed > 0 {
		r.owed = 0
		r.pass(owed, now)
	}
}

// event adds to the job's history.
func (r *Replication) event(t EventType, at time.Time, reason string) {
	r.history = push(r.history, Event{Type: t, At: at, Reason: reason})
}
