package rules

import (
	"hash/fnv"
	"slices"

	"watchdog/snapshot"
)

// tracked are the counters whose standing still `stalled` can ask for. Order and length are part
// of the stored form.
var tracked = [...]snapshot.Field{
	snapshot.FieldDocsWritten,
	snapshot.FieldDocsRead,
	snapshot.FieldRevisionsChecked,
	snapshot.FieldThroughSeq,
	snapshot.FieldDocWriteFailures,
}

// anyProgress is how many of tracked, from the first, are looked at by `stalled(window)`.
const anyProgress = 4

// maxCrashes bounds what is remembered of a job that flaps.
const maxCrashes = 128

// counter is what is remembered of one tracked counter.
type counter struct {
	value uint64 // of a sequence its hash: they are compared for equality only
	known bool   // value was given at least once
	// moved is when it was last seen to have moved; 0 when that was never seen.
	moved stamp
	// still is since when it has been seen not to move while the replication had work to do; 0
	// when it is idle, done or moving. While the job is crashing or pending, or nobody knows
	// whether work waits, it stays as it is.
	still stamp
}

// past is what the rules remember of one replication, opened for one step. Between steps it is kept
// in its stored form.
type past struct {
	seen     stamp          // first seen
	state    snapshot.State // the last one known
	since    stamp          // in that state since
	previous snapshot.State // the one before; "" when none was seen
	jobID    string         // the replication id of the job that crashes belong to
	counters [len(tracked)]counter
	// blind is since when it has been running with nothing moving and nobody knowing whether
	// work waits; 0 when it is not.
	blind stamp
	// crashes are the times of the job's crashes in whole seconds, oldest first, merged over
	// all that was seen: a job tells its last 20 events only.
	crashes []stamp
	history bool // the job's history was given at least once
	// crashesFrom is from when on all crashes are known: a history that begins later than the
	// last crash before it may have left some out. 0 means all of them.
	crashesFrom stamp
	series      []series // one for each counter and window that a rule asks for
}

// observe brings the past up to date with one more look at the replication; at first sight it is
// empty. What it shares with a copy made before is not changed.
func (p *past) observe(row *snapshot.Replication, following []follow, at stamp) {
	if p.seen == 0 {
		p.seen = at
	}
	p.observeState(row, at)
	p.observeCrashes(row)
	moved := p.observeMovement(row, at)
	p.observeWaiting(row, at, moved)
	p.observeSeries(row, following, at)
}

// observeState notes a change of state. At first sight the server's own last_updated says since
// when: it is the time of the last event of the job's history, or of the document's end.
func (p *past) observeState(row *snapshot.Replication, at stamp) {
	if !row.Has(snapshot.FieldState) || row.State == p.state {
		return
	}
	p.previous, p.state, p.since = p.state, row.State, at
	if p.previous == "" && row.Has(snapshot.FieldLastUpdated) {
		p.since = min(at, stampOf(row.LastUpdated))
	}
}

// observeCrashes merges the crashes of the job's history into those remembered. Two crashes in
// one second are two: for each second the larger number counts.
func (p *past) observeCrashes(row *snapshot.Replication) {
	if row.Has(snapshot.FieldID) && row.ID != p.jobID {
		if p.jobID != "" { // another replication under the same document
			p.crashes, p.crashesFrom, p.history = nil, 0, false
		}
		p.jobID = row.ID
	}
	if !row.Has(snapshot.FieldHistory) {
		return
	}
	p.history = true
	if from, cut := beginOfHistory(row.History); cut && (len(p.crashes) == 0 || p.crashes[len(p.crashes)-1] < from) {
		p.crashesFrom = from
	}
	var told []stamp
	for _, e := range row.History {
		if e.Type == snapshot.Crashed {
			told = append(told, stampOf(e.At))
		}
	}
	if len(told) == 0 {
		return
	}
	slices.Sort(told)
	p.crashes = mergeCounted(p.crashes, told)
	if extra := len(p.crashes) - maxCrashes; extra > 0 {
		p.crashesFrom = max(p.crashesFrom, p.crashes[extra-1]+1)
		p.crashes = slices.Clone(p.crashes[extra:])
	}
}

// beginOfHistory is the oldest event of a job's history, and whether older ones have been left
// out: a whole history begins with the job being added.
func beginOfHistory(history []snapshot.Event) (from stamp, cut bool) {
	if len(history) == 0 {
		return 0, false
	}
	oldest := history[len(history)-1]
	return stampOf(oldest.At), oldest.Type != snapshot.Added
}

// mergeCounted merges two sorted lists; of what is in both, each value stands as often as in
// the list that has it more often. It returns a itself when b adds nothing.
func mergeCounted(a, b []stamp) []stamp {
	var merged []stamp
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case j == len(b) || i < len(a) && a[i] < b[j]:
			merged = append(merged, a[i])
			i++
		case i == len(a) || b[j] < a[i]:
			merged = append(merged, b[j])
			j++
		default:
			merged = append(merged, a[i])
			i++
			j++
		}
	}
	if len(merged) == len(a) {
		return a
	}
	return merged
}

// observeMovement notes the counters' values; true when any of those that mean progress moved.
// A counter that went down has moved: the job started anew.
func (p *past) observeMovement(row *snapshot.Replication, at stamp) bool {
	progress := false
	for i, field := range tracked {
		if !row.Has(field) {
			continue
		}
		c := &p.counters[i]
		value := counterValue(row, field)
		if c.known && value != c.value {
			c.moved, c.still = at, 0
			progress = progress || i < anyProgress
		}
		c.value, c.known = value, true
	}
	return progress
}

// observeWaiting runs the clocks of stalled and blind.
func (p *past) observeWaiting(row *snapshot.Replication, at stamp, progress bool) {
	if !row.Has(snapshot.FieldState) {
		return
	}
	waits := row.Has(snapshot.FieldChangesPending)
	switch {
	case p.state.Terminal(), p.state == snapshot.Running && waits && row.ChangesPending == 0:
		for i := range p.counters {
			p.counters[i].still = 0
		}
		p.blind = 0
	case p.state == snapshot.Running && waits:
		for i := range p.counters {
			if c := &p.counters[i]; c.known && c.still == 0 {
				c.still = at
			}
		}
		p.blind = 0
	case p.state == snapshot.Running:
		if p.blind == 0 || progress {
			p.blind = at
		}
	}
}

// counterValue is a counter as something that can be compared for equality.
func counterValue(row *snapshot.Replication, field snapshot.Field) uint64 {
	switch field {
	case snapshot.FieldDocsWritten:
		return uint64(row.DocsWritten)
	case snapshot.FieldDocsRead:
		return uint64(row.DocsRead)
	case snapshot.FieldRevisionsChecked:
		return uint64(row.RevisionsChecked)
	case snapshot.FieldDocWriteFailures:
		return uint64(row.DocWriteFailures)
	case snapshot.FieldMissingRevisionsFound:
		return uint64(row.MissingRevisionsFound)
	case snapshot.FieldBulkGetDocs:
		return uint64(row.BulkGetDocs)
	case snapshot.FieldBulkGetAttempts:
		return uint64(row.BulkGetAttempts)
	default:
		h := fnv.New64a()
		h.Write([]byte(row.ThroughSeq))
		return h.Sum64()
	}
}
