package snapshot

import "time"

// healthThreshold is how long a job must have run for its next crash to begin a new streak:
// CouchDB's default of `[replicator] health_threshold`.
const healthThreshold = 120 * time.Second

// consecutiveCrashes counts as CouchDB does for `error_count`, from the newest event back
// (couch_replicator_scheduler:consecutive_crashes/2). A crash counts when it came within the
// threshold of the event before it; the streak ends at one that did not, and at a stop after a
// start. So the oldest event never counts, and 20 alternating events give at most 10.
//
// CouchDB compares microseconds and shows seconds: at exactly 120 s the two may differ.
func consecutiveCrashes(history []Event, threshold time.Duration) int64 {
	var count int64
	for i := range len(history) - 1 {
		event, before := &history[i], &history[i+1]
		switch {
		case event.Type == Crashed && event.At.Sub(before.At) > threshold:
			return count
		case event.Type == Crashed:
			count++
		case event.Type == Stopped && before.Type == Started:
			return count
		}
	}
	return count
}

// lastCrash is the newest crash, nil when there is none.
func lastCrash(history []Event) *Event {
	for i := range history {
		if history[i].Type == Crashed {
			return &history[i]
		}
	}
	return nil
}
