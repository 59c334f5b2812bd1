package snapshot

import (
	"bytes"
	"slices"
	"strings"

	"watchdog/secret"
)

// decoder makes replications of rows. Strings that have not changed are shared with what was
// seen before, those that many rows have in common with each other.
type decoder struct {
	row   row
	texts texts
	names names
	added []Event // the last history of a single event without a reason
}

// replication is what the row says of the replication that name names in a database. before and
// older are what is known of the same replication already; either may be nil.
func (d *decoder) replication(database string, name []byte, before, older *Replication) *Replication {
	if before == nil {
		before = &Replication{}
	}
	if older == nil {
		older = &Replication{}
	}
	row := &d.row
	r := &Replication{Key: Key{Database: database}, Known: row.known}
	d.texts.put(&r.DocID, name, before.DocID, older.DocID)
	d.put(r, FieldID, &r.ID, row.id, before.ID, older.ID)
	d.put(r, FieldSource, &r.Source, masked(row.source), before.Source, older.Source)
	d.put(r, FieldTarget, &r.Target, masked(row.target), before.Target, older.Target)
	d.put(r, FieldSourceSeq, &r.SourceSeq, row.seqs[0], before.SourceSeq, older.SourceSeq)
	d.put(r, FieldThroughSeq, &r.ThroughSeq, row.seqs[1], before.ThroughSeq, older.ThroughSeq)
	d.put(r, FieldCheckpointedSourceSeq, &r.CheckpointedSourceSeq, row.seqs[2],
		before.CheckpointedSourceSeq, older.CheckpointedSourceSeq)
	d.put(r, FieldPID, &r.PID, row.pid, before.PID, older.PID)
	d.put(r, FieldError, &r.Error, masked(row.errText), before.Error, older.Error)
	d.history(r, older.History)
	d.texts.seal()
	d.words(r)
	d.numbers(r)
	if r.Has(FieldID) {
		r.Continuous, r.Known = strings.Contains(r.ID, "+continuous"), r.Known.With(FieldContinuous)
	}
	return r
}

// put sets one text of r, known unless b is nil.
func (d *decoder) put(r *Replication, f Field, dst *string, b []byte, before, older string) {
	if b != nil {
		r.Known = r.Known.With(f)
		d.texts.put(dst, b, before, older)
	}
}

func (d *decoder) history(r *Replication, older []Event) {
	events := d.row.history
	if len(events) == 0 {
		return
	}
	if slices.EqualFunc(events, older, rowEvent.equal) {
		r.History = older
		return
	}
	lone := len(events) == 1 && events[0].reason == nil
	if lone && slices.EqualFunc(events, d.added, rowEvent.equal) {
		r.History = d.added // after a restart of the server thousands wait that were added in one second
		return
	}
	r.History = make([]Event, len(events))
	for i, e := range events {
		r.History[i] = Event{Type: eventType(e.typ), At: e.at}
		if e.reason != nil {
			d.texts.put(&r.History[i].Reason, masked(e.reason), "", "")
		}
	}
	if lone {
		d.added = r.History
	}
}

func (e rowEvent) equal(o Event) bool {
	return string(e.typ) == string(o.Type) && e.at.Equal(o.At) && string(masked(e.reason)) == o.Reason
}

// words sets what is the same in many rows.
func (d *decoder) words(r *Replication) {
	if d.row.state != nil {
		r.State, r.Known = d.state(d.row.state), r.Known.With(FieldState)
	}
	if d.row.node != nil {
		r.Node, r.Known = d.names.get(d.row.node), r.Known.With(FieldNode)
	}
	if d.row.user != nil {
		r.User, r.Known = d.names.get(d.row.user), r.Known.With(FieldUser)
	}
}

func (d *decoder) numbers(r *Replication) {
	row := &d.row
	r.ErrorCount = row.errorCount
	r.DocsRead = row.counter(FieldDocsRead)
	r.DocsWritten = row.counter(FieldDocsWritten)
	r.DocWriteFailures = row.counter(FieldDocWriteFailures)
	r.RevisionsChecked = row.counter(FieldRevisionsChecked)
	r.MissingRevisionsFound = row.counter(FieldMissingRevisionsFound)
	r.ChangesPending = row.counter(FieldChangesPending)
	r.BulkGetDocs = row.counter(FieldBulkGetDocs)
	r.BulkGetAttempts = row.counter(FieldBulkGetAttempts)
	r.LastUpdated = row.lastUpdated
	r.StartTime = row.startTime
}

func (d *decoder) state(word []byte) State {
	for _, s := range [...]State{Running, Completed, Crashing, Pending, Failed, ErrorState, Initializing} {
		if string(word) == string(s) {
			return s
		}
	}
	return State(d.names.get(word))
}

func eventType(word []byte) EventType {
	for _, t := range [...]EventType{Started, Crashed, Stopped, Added} {
		if string(word) == string(t) {
			return t
		}
	}
	return EventType(word)
}

// masked is text without the credentials of URLs in it.
func masked(text []byte) []byte {
	if bytes.IndexByte(text, '@') < 0 {
		return text
	}
	return []byte(secret.MaskURLs(string(text)))
}

// document finishes what the row of /_scheduler/docs says.
func document(r *Replication) *Replication {
	if r.Has(FieldState) && r.State == Completed && !r.Has(FieldError) {
		r.Error, r.Known = "", r.Known.With(FieldError) // there is no job that could say more
	}
	return r
}

// databaseName is the replicator database that a row names, without the shard:
// "shards/00000000-7fffffff/team/_replicator.1795504031" is "team/_replicator".
func databaseName(b []byte) []byte {
	rest, ok := bytes.CutPrefix(b, []byte("shards/"))
	if !ok {
		return b
	}
	_, name, ok := bytes.Cut(rest, []byte("/"))
	if !ok {
		return b
	}
	if dot := bytes.LastIndexByte(name, '.'); dot >= 0 && digits(name[dot+1:]) >= 0 {
		name = name[:dot]
	}
	return name
}
