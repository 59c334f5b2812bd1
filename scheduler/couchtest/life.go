package couchtest

import (
	"fmt"
	"time"
)

// The steps of a replication's life, under the lock. They are total: whatever the state, they
// leave it consistent.

// schedule makes it a job of the scheduler, unless the same replication is one already: then
// its document fails.
func (r *Replication) schedule(now time.Time) {
	switch r.phase {
	case scheduled, gone:
		return
	case completed, failed:
		r.rewrite(now)
	}
	r.jobID = jobIDOf(&r.spec)
	if other := r.s.jobs[r.jobID]; other != nil && r.db != nil {
		r.fail(duplicateReason(r, other), now)
		return
	}
	r.phase = scheduled
	r.history = []Event{{Type: Added, At: now}}
	r.s.jobs[r.jobID] = r
	r.s.jobOrder.add(r)
	r.count().adds++
}

func duplicateReason(r, other *Replication) string {
	if other.db == nil {
		return fmt.Sprintf("Replication `%s` specified by document `%s` already started by transient replication", r.jobID, r.id)
	}
	return fmt.Sprintf("Replication `%s` specified by document `%s` already started, triggered by document `%s` from db `%s`",
		r.jobID, r.id, other.id, other.db.name)
}

// unschedule removes the job. What it had counted stays: CouchDB finds it in the checkpoint.
func (r *Replication) unschedule(now time.Time) {
	if r.phase != scheduled {
		return
	}
	if r.count().removes++; r.pid != "" {
		r.count().stops++
	}
	r.leave(now)
}

// leave ends the job as if by itself, which the scheduler does not count.
func (r *Replication) leave(now time.Time) {
	if r.phase != scheduled {
		return
	}
	r.settle(now)
	r.checkpointed = r.through
	r.pid = ""
	delete(r.s.jobs, r.jobID)
	r.s.jobOrder.remove()
}

// start runs the job, and does what came while it did not.
func (r *Replication) start(now time.Time) {
	if r.begin(now) {
		r.catchUp(now)
	}
}

// begin runs the job; it reports false where there is nothing to run, or it ran already.
func (r *Replication) begin(now time.Time) bool {
	r.schedule(now)
	if r.phase != scheduled || r.pid != "" {
		return false
	}
	r.settle(now)
	if r.started {
		r.fresh, r.freshAt, r.silent = true, r.through, false
	}
	r.s.pids += 7
	r.pid = fmt.Sprintf("<0.%d.0>", 550+r.s.pids)
	r.started = true
	r.count().starts++
	r.event(Started, now, "")
	return true
}

func (r *Replication) stop(now time.Time) {
	if r.pid == "" {
		return
	}
	r.settle(now)
	r.checkpointed = r.through
	r.pid = ""
	r.count().stops++
	r.event(Stopped, now, "")
}

func (r *Replication) crash(reason string, now time.Time) {
	if r.pid == "" {
		silent := r.silent || !r.started // it will not live long enough to tell anything
		r.begin(now)
		r.silent = silent
	}
	if r.pid == "" {
		return // a duplicate, or gone
	}
	if r.db == nil {
		r.leave(now) // a transient job that crashes is forgotten at once
		r.phase = gone
		return
	}
	r.settle(now)
	r.checkpointed = r.through
	r.pid = ""
	r.count().crashes++
	r.event(Crashed, now, reason)
}

// fault is trouble before there is a job, as a filter that cannot be fetched.
func (r *Replication) fault(reason string, now time.Time) {
	if r.phase == gone || r.db == nil {
		return
	}
	if r.phase == completed || r.phase == failed {
		r.rewrite(now)
	}
	if r.phase != erroring {
		r.unschedule(now)
		r.phase, r.errors = erroring, 0
		if r.created.IsZero() {
			r.created = now
		}
	}
	r.errors++
	r.reason, r.updated = reason, now
}

// fail writes the document as failed; it stays so until somebody writes it.
func (r *Replication) fail(reason string, now time.Time) {
	if r.phase == gone {
		return
	}
	if r.db == nil {
		r.end(now)
		return
	}
	r.unschedule(now)
	r.phase, r.reason, r.updated = failed, reason, now
	r.db.write(r)
}

// complete does what is left and writes the document as completed.
func (r *Replication) complete(now time.Time) {
	r.start(now)
	if r.phase != scheduled {
		return
	}
	r.pass(r.waitingAt(now), now)
	r.leave(now)
	if r.db == nil {
		r.phase = gone
		return
	}
	r.phase, r.updated = completed, now
	r.db.write(r)
}

// rewrite is an edit of the document: all that CouchDB had written into it goes, and it begins
// anew.
func (r *Replication) rewrite(now time.Time) {
	if r.phase == gone {
		return
	}
	r.unschedule(now)
	r.claim(now)
	r.db.write(r)
}

// claim puts it at the beginning of its life. What it counted stays as long as it is the same
// replication.
func (r *Replication) claim(now time.Time) {
	r.phase, r.created, r.updated = initializing, now, now
	r.history, r.errors, r.reason, r.byHand, r.malformed = nil, 0, "", false, false
	if r.src == nil {
		r.moved = now
	} else {
		r.settle(now)
	}
	if id := jobIDOf(&r.spec); id != r.jobID {
		r.jobID, r.started, r.fresh = id, false, false
		r.counters, r.through, r.checkpointed, r.owed = Counters{}, 0, 0, 0
	}
}

// end is the end of all: the document is deleted, or the transient job is over.
func (r *Replication) end(now time.Time) {
	if r.phase == gone {
		return
	}
	r.unschedule(now)
	r.phase = gone
	if r.db != nil {
		r.db.remove(r)
	}
}
