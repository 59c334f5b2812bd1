package couchtest

import "time"

// Unknown is a changes_pending of null: the source did not say.
const Unknown = -1

// do changes the replication at the server's present moment.
func (r *Replication) do(change func(now time.Time)) {
	r.s.catchUp()
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	change(r.s.clock())
}

// Start gives the job a process: state running. A document that had failed or completed is
// written anew first; one that asks for what another document's job does already becomes failed.
func (r *Replication) Start() { r.do(r.start) }

// Stop takes the process away, as the scheduler does when more jobs want to run than may: state
// pending, and error_count begins anew.
func (r *Replication) Stop() { r.do(r.stop) }

// Crash ends the process with a reason: state crashing. A transient job is forgotten.
func (r *Replication) Crash(reason string) {
	r.do(func(now time.Time) { r.crash(reason, now) })
}

// Recover is the scheduler's next try after a crash, which goes well this time. changes_pending
// is null until the job has got past where it crashed, and error_count stays.
func (r *Replication) Recover() { r.do(r.start) }

// Fault is trouble that keeps a document from becoming a job, as a filter that cannot be
// fetched: state error, counted at each call.
func (r *Replication) Fault(reason string) {
	r.do(func(now time.Time) { r.fault(reason, now) })
}

// Fail writes the document as failed: nothing more happens until it is written anew.
func (r *Replication) Fail(reason string) {
	r.do(func(now time.Time) { r.fail(reason, now) })
}

// FailInvalid fails it as a restart does that finds an endpoint which is not allowed any more:
// the row's source and target are null.
func (r *Replication) FailInvalid() {
	r.do(func(now time.Time) {
		r.fail("endpoint has an invalid url", now)
		r.malformed = r.phase == failed
	})
}

// Complete copies what is left and writes the document as completed. A transient job is
// forgotten.
func (r *Replication) Complete() { r.do(r.complete) }

// Rewrite writes the document anew, unchanged but for what CouchDB had written into it: state
// initializing, with a new revision.
func (r *Replication) Rewrite() {
	r.do(func(now time.Time) {
		if r.db != nil {
			r.rewrite(now)
		}
	})
}

// Delete deletes the document and its job, or cancels a transient job.
func (r *Replication) Delete() { r.do(r.end) }

// Progress replicates n changes at once, as Effect says; what waits in the source gets less.
func (r *Replication) Progress(n int64) {
	r.do(func(now time.Time) { r.pass(n, now) })
}

// SetPending makes n changes of the source wait. Unknown makes the source silent about it: what
// really waits stays, and can still be asked of the source.
func (r *Replication) SetPending(n int64) {
	r.do(func(now time.Time) {
		r.settle(now)
		if r.blind = n < 0; !r.blind {
			r.src.set(r.through+n, now)
			r.owed, r.waited = 0, n
			r.fresh = false
		}
	})
}

// SetRate changes how many changes a second come to the source.
func (r *Replication) SetRate(perSecond float64) {
	r.do(func(now time.Time) {
		r.settle(now)
		r.src.setRate(perSecond, now)
	})
}

// SetSpeed changes how many changes a second are replicated while it runs; 0 is as fast as they
// come.
func (r *Replication) SetSpeed(perSecond float64) {
	r.do(func(now time.Time) {
		r.settle(now)
		r.spec.Speed = perSecond
	})
}

// SetEffect changes what becomes of the changes that it passes.
func (r *Replication) SetEffect(e Effect) {
	r.do(func(now time.Time) {
		r.settle(now)
		r.effect = e
	})
}

// SetCounters changes the counters to whatever is wanted, as a new job on another node does.
func (r *Replication) SetCounters(change func(*Counters)) {
	r.do(func(now time.Time) {
		r.settle(now)
		change(&r.counters)
		r.silent = false
	})
}

// Stall makes the job hang: it stays running, nothing moves, the source goes on growing.
func (r *Replication) Stall() {
	r.do(func(now time.Time) {
		r.settle(now)
		r.stalled = true
	})
}

// Resume ends a Stall.
func (r *Replication) Resume() {
	r.do(func(now time.Time) {
		r.settle(now)
		r.stalled = false
		if r.pid != "" {
			r.catchUp(now)
		}
	})
}

// HideTask takes the job out of /_active_tasks, or shows it again: a running job without a task
// is one whose process lost its way.
func (r *Replication) HideTask(hidden bool) {
	r.do(func(time.Time) { r.hidden = hidden })
}

// State is what the scheduler says it is doing; Unclaimed too once it is gone.
func (r *Replication) State() State {
	r.s.catchUp()
	r.s.mu.RLock()
	defer r.s.mu.RUnlock()
	return r.state()
}

// JobID is the id of its job, as "f857f4237e2597ad4b67e57a25fcc2ba+continuous".
func (r *Replication) JobID() string {
	r.s.catchUp()
	r.s.mu.RLock()
	defer r.s.mu.RUnlock()
	return r.jobID
}

// ErrorCount is the error_count of its row, as CouchDB derives it.
func (r *Replication) ErrorCount() int64 {
	r.s.catchUp()
	r.s.mu.RLock()
	defer r.s.mu.RUnlock()
	return r.errorCount()
}
