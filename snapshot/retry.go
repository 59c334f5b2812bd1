package snapshot

import "time"

// CouchDB waits retryFirst after a crash that is the first in a row, and twice as long after
// each further one, until it has doubled retryDoublings times
// (couch_replicator_scheduler:backoff_micros/1).
const (
	retryFirst     = 30 * time.Second
	retryDoublings = 10
)

// RetryWithin is how long after that moment the scheduler may take to start a replication: it
// looks once in CouchDB's `[replicator] interval`, by default.
const RetryWithin = time.Minute

// NextTry is when CouchDB will start a crashing replication again, at the soonest: the time of
// its last crash and the wait that its crashes in a row have earned. It is not known of a
// replication in any other state, or where CouchDB did not say when it crashed or how often.
func (r *Replication) NextTry() (at time.Time, known bool) {
	if !r.Has(FieldState) || r.State != Crashing || !r.Has(FieldErrorCount) {
		return time.Time{}, false
	}
	switch crash := lastCrash(r.History); {
	case crash != nil:
		at = crash.At
	case r.Has(FieldLastUpdated):
		at = r.LastUpdated // of a crashing document, the time of the crash
	default:
		return time.Time{}, false
	}
	if r.ErrorCount < 1 {
		return at, true // it had run for long: nothing is held against it
	}
	return at.Add(retryFirst << min(r.ErrorCount-1, retryDoublings)), true
}
