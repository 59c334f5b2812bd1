package snapshot

// runFields tell of one run of a replication: they are not carried over into another one.
const runFields = counterFields | seqFields

// deriveFromJob sets what the row of a job does not say and CouchDB works out from it for the
// document's row: the state, the error, `error_count` and `last_updated`.
func deriveFromJob(r *Replication) {
	history := r.Has(FieldHistory)
	switch {
	case r.Has(FieldPID):
		r.State, r.Known = Running, r.Known.With(FieldState)
	case history && len(r.History) > 0 && r.History[0].Type == Crashed:
		r.State, r.Known = Crashing, r.Known.With(FieldState)
	case history:
		r.State, r.Known = Pending, r.Known.With(FieldState)
	}
	if !history {
		return
	}
	r.ErrorCount = consecutiveCrashes(r.History, healthThreshold)
	r.Known = r.Known.With(FieldErrorCount)
	if len(r.History) > 0 {
		r.LastUpdated, r.Known = r.History[0].At, r.Known.With(FieldLastUpdated)
	}
	if crash := lastCrash(r.History); crash == nil {
		r.Error, r.Known = "", r.Known.With(FieldError)
	} else if crash.Reason != "" {
		r.Error, r.Known = crash.Reason, r.Known.With(FieldError)
	}
}

// Derive sets what CouchDB works out from the history of a job, for those who make rows without a
// server: the error, `error_count` and `last_updated`, and a state.
func (r *Replication) Derive() { deriveFromJob(r) }

// join is the document's row and its job's, of which the job's was read later and so decides.
//
// There is one exception. When CouchDB finishes a replication it writes the document and then
// forgets the job, so a document that is completed or failed may still have its job listed,
// running as it seems. The document then stands. But the document may also have been written
// anew since it was read, which starts a new job: that job has an event after the document's
// end, and it decides.
func join(doc, job *Replication) *Replication {
	switch {
	case doc == nil:
		return job
	case job == nil:
		return doc
	case doc.Has(FieldState) && doc.State.Terminal() && !startedAfter(job, doc):
		return overlay(job, doc)
	}
	return overlay(doc, job)
}

// newerJob reports whether a is the newer of two jobs of one document.
func newerJob(a, b *Replication) bool {
	if len(a.History) == 0 || len(b.History) == 0 {
		return len(b.History) == 0 && len(a.History) > 0
	}
	return a.History[0].At.After(b.History[0].At)
}

// startedAfter reports whether the newest event of job is after the end of doc. Where a time is
// missing it is not known to be.
func startedAfter(job, doc *Replication) bool {
	return len(job.History) > 0 && doc.Has(FieldLastUpdated) && job.History[0].At.After(doc.LastUpdated)
}

// overlay is what later says, and what base says where later is silent and base can still be
// true: numbers of another run, or a process that is not there any more, cannot. Neither is
// changed.
func overlay(base, later *Replication) *Replication {
	state := later.Has(FieldState)
	ended := base.Has(FieldState) && base.State.Terminal() && state && !later.State.Terminal()
	if ended || base.Has(FieldID) && later.Has(FieldID) && base.ID != later.ID {
		return later // another run
	}
	missing := base.Known &^ later.Known
	if later.Known&runFields != 0 {
		missing &^= runFields // never a mixture
	}
	if state && later.State != Running {
		missing = missing.Without(FieldPID)
	}
	if state && (!base.Has(FieldState) || base.State != later.State) {
		missing = missing.Without(FieldActive)
	}
	if missing == 0 {
		return later
	}
	r := *later
	r.take(base, missing)
	return &r
}

// take sets fields to what from says of them.
func (r *Replication) take(from *Replication, fields Fields) {
	r.Known |= fields
	for f := FieldID; fields != 0; f, fields = f+1, fields.Without(f) {
		if !fields.Has(f) {
			continue
		}
		switch f {
		case FieldID:
			r.ID = from.ID
		case FieldNode:
			r.Node = from.Node
		case FieldState:
			r.State = from.State
		case FieldSource:
			r.Source = from.Source
		case FieldTarget:
			r.Target = from.Target
		case FieldErrorCount:
			r.ErrorCount = from.ErrorCount
		case FieldError:
			r.Error = from.Error
		case FieldContinuous:
			r.Continuous = from.Continuous
		case FieldDocsRead:
			r.DocsRead = from.DocsRead
		case FieldDocsWritten:
			r.DocsWritten = from.DocsWritten
		case FieldDocWriteFailures:
			r.DocWriteFailures = from.DocWriteFailures
		case FieldRevisionsChecked:
			r.RevisionsChecked = from.RevisionsChecked
		case FieldMissingRevisionsFound:
			r.MissingRevisionsFound = from.MissingRevisionsFound
		case FieldChangesPending:
			r.ChangesPending = from.ChangesPending
		case FieldBulkGetDocs:
			r.BulkGetDocs = from.BulkGetDocs
		case FieldBulkGetAttempts:
			r.BulkGetAttempts = from.BulkGetAttempts
		case FieldSourceSeq:
			r.SourceSeq = from.SourceSeq
		case FieldThroughSeq:
			r.ThroughSeq = from.ThroughSeq
		case FieldCheckpointedSourceSeq:
			r.CheckpointedSourceSeq = from.CheckpointedSourceSeq
		case FieldLastUpdated:
			r.LastUpdated = from.LastUpdated
		case FieldStartTime:
			r.StartTime = from.StartTime
		case FieldPID:
			r.PID = from.PID
		case FieldUser:
			r.User = from.User
		case FieldActive:
			r.Active = from.Active
		case FieldHistory:
			r.History = from.History
		}
	}
}
