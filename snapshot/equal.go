package snapshot

import "slices"

// Equal reports whether both say the same, field by field. Two looks at a server that share a
// *Replication are equal without looking.
func (r *Replication) Equal(o *Replication) bool {
	return r == o || r.Key == o.Key && r.Known == o.Known && r.State == o.State &&
		r.ErrorCount == o.ErrorCount && r.Continuous == o.Continuous && r.Active == o.Active &&
		r.sameNumbers(o) && r.LastUpdated.Equal(o.LastUpdated) && r.StartTime.Equal(o.StartTime) &&
		r.ID == o.ID && r.Node == o.Node && r.Source == o.Source && r.Target == o.Target &&
		r.Error == o.Error && r.PID == o.PID && r.User == o.User &&
		slices.EqualFunc(r.History, o.History, Event.equal)
}

// sameNumbers compares what a run of a replication counts, and how far it is.
func (r *Replication) sameNumbers(o *Replication) bool {
	return r.DocsRead == o.DocsRead && r.DocsWritten == o.DocsWritten &&
		r.DocWriteFailures == o.DocWriteFailures && r.RevisionsChecked == o.RevisionsChecked &&
		r.MissingRevisionsFound == o.MissingRevisionsFound && r.ChangesPending == o.ChangesPending &&
		r.BulkGetDocs == o.BulkGetDocs && r.BulkGetAttempts == o.BulkGetAttempts &&
		r.ThroughSeq == o.ThroughSeq && r.SourceSeq == o.SourceSeq &&
		r.CheckpointedSourceSeq == o.CheckpointedSourceSeq
}

func (e Event) equal(o Event) bool {
	return e.Type == o.Type && e.At.Equal(o.At) && e.Reason == o.Reason
}
