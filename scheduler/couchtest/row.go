package couchtest

import (
	"strconv"
	"time"
)

// The rows of the scheduler. There are three shapes of a document's row, by who answers: the
// scheduler, the document processor, or the document itself. Their keys are absent, not null.

// appendRow writes the row of /_scheduler/docs.
func (r *Replication) appendRow(b []byte, now time.Time) []byte {
	b = appendString(append(b, `{"database":`...), r.db.name)
	b = appendString(append(b, `,"doc_id":`...), r.id)
	switch {
	case r.phase == scheduled && !r.s.down[r.node]:
		return r.appendScheduled(b, now)
	case (r.phase == initializing || r.phase == erroring) && !r.s.down[r.node]:
		return r.appendProcessed(b)
	}
	return r.appendDocumented(b, now)
}

func (r *Replication) appendScheduled(b []byte, now time.Time) []byte {
	b = appendString(append(b, `,"id":`...), r.jobID)
	b = appendString(append(b, `,"node":`...), r.node)
	b = r.appendEndpoints(b)
	state := r.state()
	b = appendString(append(b, `,"state":`...), string(state))
	b = append(b, `,"info":`...)
	if state == Crashing {
		b = appendError(b, r.history[0].Reason)
	} else {
		b = r.appendInfo(b, now)
	}
	b = appendCount(b, "error_count", r.errorCount())
	b = appendTime(append(b, `,"last_updated":`...), r.history[0].At)
	b = appendTime(append(b, `,"start_time":`...), r.created)
	return append(b, `,"source_proxy":null,"target_proxy":null}`...)
}

func (r *Replication) appendProcessed(b []byte) []byte {
	b = appendString(append(b, `,"id":null,"state":`...), string(r.state()))
	b = append(b, `,"info":`...)
	if r.phase == erroring {
		b = appendError(b, r.reason)
	} else {
		b = append(b, "null"...)
	}
	b = appendCount(b, "error_count", r.errorCount())
	b = appendString(append(b, `,"node":`...), r.node)
	b = appendTime(append(b, `,"last_updated":`...), r.updated)
	b = appendTime(append(b, `,"start_time":`...), r.created)
	return append(b, '}')
}

// appendDocumented is what the document alone tells: the end of its replication, or state null.
func (r *Replication) appendDocumented(b []byte, now time.Time) []byte {
	b = append(b, `,"id":null`...)
	if r.malformed {
		b = append(b, `,"source":null,"target":null`...)
	} else {
		b = r.appendEndpoints(b)
	}
	var state, info []byte
	var started, updated time.Time
	switch r.phase {
	case completed:
		state = append(state, `"completed"`...)
		info = append(r.appendStats(append(info, '{'), now), '}')
		started, updated = r.created, r.updated
	case failed:
		state = append(state, `"failed"`...)
		info = appendError(info, r.reason)
		started, updated = r.updated, r.updated
	default:
		state, info = append(state, "null"...), append(info, "null"...)
	}
	if r.byHand {
		started, updated = time.Time{}, time.Time{}
	}
	b = append(append(b, `,"state":`...), state...)
	b = appendCount(b, "error_count", r.errorCount())
	b = append(append(b, `,"info":`...), info...)
	b = appendTime(append(b, `,"start_time":`...), started)
	b = appendTime(append(b, `,"last_updated":`...), updated)
	return append(b, '}')
}

// appendJob writes the row of /_scheduler/jobs, which has neither state nor error_count.
func (r *Replication) appendJob(b []byte, now time.Time) []byte {
	b = append(b, `{"database":`...)
	if r.db == nil {
		b = append(b, "null"...)
	} else {
		b = appendString(b, r.db.name)
	}
	b = appendString(append(b, `,"id":`...), r.jobID)
	b = appendOptional(append(b, `,"pid":`...), r.pid)
	b = r.appendEndpoints(b)
	b = appendOptional(append(b, `,"user":`...), r.spec.User)
	b = appendOptional(append(b, `,"doc_id":`...), r.id)
	b = r.appendInfo(append(b, `,"info":`...), now)
	b = append(b, `,"history":[`...)
	for i, e := range r.history {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTime(append(b, `{"timestamp":`...), e.At)
		b = appendString(append(b, `,"type":`...), string(e.Type))
		if e.Type == Crashed {
			b = appendString(append(b, `,"reason":`...), e.Reason)
		}
		b = append(b, '}')
	}
	b = appendString(append(b, `],"node":`...), r.node)
	b = appendTime(append(b, `,"start_time":`...), r.created)
	return append(b, '}')
}

// appendTask writes the entry of /_active_tasks, whose keys are sorted but for the first three.
func (r *Replication) appendTask(b []byte, now time.Time) []byte {
	c := r.countersAt(now)
	b = appendString(append(b, `{"node":`...), r.node)
	b = appendString(append(b, `,"pid":`...), r.pid)
	b = append(b, `,"process_status":"waiting"`...)
	b = appendCount(b, "bulk_get_attempts", c.BulkGetAttempts)
	b = appendCount(b, "bulk_get_docs", c.BulkGetDocs)
	b = r.appendPending(append(b, `,"changes_pending":`...), now)
	b = appendCount(b, "checkpoint_interval", checkpointInterval.Milliseconds())
	b = r.appendSeq(append(b, `,"checkpointed_source_seq":`...), r.checkpointedAt(now))
	b = strconv.AppendBool(append(b, `,"continuous":`...), !r.spec.OneShot)
	b = append(b, `,"database":`...)
	if r.db == nil {
		b = append(b, "null"...)
	} else {
		b = r.appendShard(b)
	}
	b = appendOptional(append(b, `,"doc_id":`...), r.id)
	b = appendCount(b, "doc_write_failures", c.DocWriteFailures)
	b = appendCount(b, "docs_read", c.DocsRead)
	b = appendCount(b, "docs_written", c.DocsWritten)
	b = appendCount(b, "missing_revisions_found", c.MissingRevisionsFound)
	b = appendString(append(b, `,"replication_id":`...), r.jobID)
	b = appendCount(b, "revisions_checked", c.RevisionsChecked)
	b = r.appendEndpoint(append(b, `,"source":`...), r.spec.Source)
	b = r.appendSourceSeq(append(b, `,"source_seq":`...), now)
	b = appendCount(b, "started_on", r.history[0].At.Unix())
	b = r.appendEndpoint(append(b, `,"target":`...), r.spec.Target)
	b = r.appendSeq(append(b, `,"through_seq":`...), r.throughAt(now))
	b = append(b, `,"type":"replication"`...)
	alive := now.Sub(r.history[0].At) / checkpointInterval * checkpointInterval
	b = appendCount(b, "updated_on", r.history[0].At.Add(alive).Unix())
	b = appendOptional(append(b, `,"user":`...), r.spec.User)
	return append(b, '}')
}

func (r *Replication) errorCount() int64 {
	switch r.phase {
	case scheduled:
		return consecutiveCrashes(r.history)
	case erroring:
		return r.errors
	case failed:
		return 1 // always
	}
	return 0
}

func (r *Replication) appendEndpoints(b []byte) []byte {
	b = r.appendEndpoint(append(b, `,"source":`...), r.spec.Source)
	return r.appendEndpoint(append(b, `,"target":`...), r.spec.Target)
}

func (r *Replication) appendEndpoint(b []byte, endpoint string) []byte {
	b = append(b, '"') // an endpoint is escaped as a URL already
	b = appendEndpoint(b, r.s.base, endpoint)
	return append(b, '"')
}

func appendError(b []byte, reason string) []byte {
	return append(appendString(append(b, `{"error":`...), reason), '}')
}

// appendInfo writes what a job has told of itself.
func (r *Replication) appendInfo(b []byte, now time.Time) []byte {
	if r.silent || !r.started {
		return append(b, "null"...)
	}
	b = r.appendStats(append(b, '{'), now)
	b = r.appendSourceSeq(append(b, `,"source_seq":`...), now)
	b = r.appendSeq(append(b, `,"through_seq":`...), r.throughAt(now))
	return append(b, '}')
}

// appendStats writes the members that a running job and a completed document have in common.
func (r *Replication) appendStats(b []byte, now time.Time) []byte {
	c := r.countersAt(now)
	b = strconv.AppendInt(append(b, `"revisions_checked":`...), c.RevisionsChecked, 10)
	b = appendCount(b, "missing_revisions_found", c.MissingRevisionsFound)
	b = appendCount(b, "docs_read", c.DocsRead)
	b = appendCount(b, "docs_written", c.DocsWritten)
	b = r.appendPending(append(b, `,"changes_pending":`...), now)
	b = appendCount(b, "doc_write_failures", c.DocWriteFailures)
	b = appendCount(b, "bulk_get_docs", c.BulkGetDocs)
	b = appendCount(b, "bulk_get_attempts", c.BulkGetAttempts)
	return r.appendSeq(append(b, `,"checkpointed_source_seq":`...), r.checkpointedAt(now))
}

func (r *Replication) appendPending(b []byte, now time.Time) []byte {
	if r.blind || r.phase == completed || r.unmoved(now) {
		return append(b, "null"...)
	}
	if r.pid == "" {
		return strconv.AppendInt(b, r.waited, 10)
	}
	return strconv.AppendInt(b, r.waitingAt(now), 10)
}

// appendSourceSeq writes how far any worker got, which a job that did nothing yet calls "0".
func (r *Replication) appendSourceSeq(b []byte, now time.Time) []byte {
	if r.unmoved(now) {
		return append(b, `"0"`...)
	}
	return r.appendSeq(b, r.throughAt(now))
}

// appendSeq writes a sequence of the source. A job that has not heard from it calls it "0".
func (r *Replication) appendSeq(b []byte, n int64) []byte {
	if n == 0 && (r.blind || r.fresh || r.phase == completed) {
		return append(b, `"0"`...)
	}
	return append(appendSeq(append(b, '"'), r.src.salt, n), '"')
}
