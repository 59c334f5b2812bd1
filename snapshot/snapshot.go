// Package snapshot is everything one check saw of one server, and what it could not see. It
// decodes CouchDB's answers, joins docs, jobs and active tasks per replication, and owns the
// recording format.
//
// The one rule: what the server did not give is unknown, and named. Absent is never zero, and
// a listing that ended early is a Gap, never a shorter list.
package snapshot

import (
	"slices"
	"strings"
	"time"
)

// TransientDatabase stands as the database of a job started by POST /_replicate, which has
// no document; its DocID is the replication id.
const TransientDatabase = "_replicate"

// Key names one replication of a server.
type Key struct {
	Database string // the replicator database, shard and account prefixes removed
	DocID    string
}

// Path is "database/doc_id"; ParseKey reads it.
func (k Key) Path() string { return k.Database + "/" + k.DocID }

// Compare orders keys by database, then document, in bytes.
func (k Key) Compare(o Key) int {
	if k.Database != o.Database {
		return strings.Compare(k.Database, o.Database)
	}
	return strings.Compare(k.DocID, o.DocID)
}

// Snapshot is one look at one server. It is never changed once made: readers may share it, and
// its Replications may be shared with the snapshot before it.
type Snapshot struct {
	Server string
	// At is when the look began, in UTC: the time of everything it decides.
	At time.Time
	// ClockSet is by how far somebody has set the clock since the look before, below 0 when back: what
	// At differs by from that of the look before is not all of it time. 0 where nobody has, and where
	// that is not known: after a start, and in a recording.
	ClockSet time.Duration
	// Latency is how long the look took; 0 in a recording.
	Latency time.Duration
	// Usage is what the look cost; nothing in a recording.
	Usage Usage
	// Version is the server's, "" when it was not asked.
	Version string
	// Replications are all that were seen, ordered by Key, no Key twice.
	Replications []*Replication
	// Gaps are what could not be read, and why. None means the view is complete.
	Gaps []Gap
	// RowErrors are single rows that could not be read: their replications are unknown, the
	// rest of the listing stands.
	RowErrors []error
	// Asked holds the answers to asking for single documents that the listings did not show, or
	// that are missing by now. Their keys are not among Replications.
	Asked map[Key]Answer
	// Whole are the replicator databases whose listing, and the jobs with it, were read to their
	// end and without a row error, in order; TransientDatabase is one when the jobs were. It is
	// nil where no Builder made the snapshot: then Gaps alone say what is complete.
	Whole []string

	look *look
}

// Usage is what was asked of servers for a look: of the one that was looked at, and of sources that
// were asked what waits there.
type Usage struct {
	Requests int
	Bytes    int64 // of the bodies of answers, uncompressed
}

// Answer is what asking for one document said.
type Answer struct {
	// Missing: the server answered 404, the replication does not exist. Where neither Missing
	// nor Replication is set, the answer told nothing (`state` null, an error): unknown.
	Missing     bool
	Replication *Replication
}

// Part is a part of the view that can be missing.
type Part string

// The parts.
const (
	Docs  Part = "docs"  // the documents of one replicator database
	Jobs  Part = "jobs"  // all jobs
	Tasks Part = "tasks" // the active tasks
	// Nodes are those of a cluster that do not answer. What the others show is true; what they do
	// not show may be on a node that is away, whose jobs CouchDB leaves out without a word.
	Nodes Part = "nodes"
)

// Gap is a part of the view that could not be read.
type Gap struct {
	Part     Part
	Database string // for Docs: which replicator database
	Err      error
}

// Failed reports whether docs or jobs are missing from the view: such a check counts as a
// failed one for `failures`. Missing tasks only leave `active` unknown; missing nodes only take
// from absence what it proves, see Complete.
func (s *Snapshot) Failed() bool { return s.Err() != nil }

// Err is the first gap that makes the view incomplete, nil when it is complete.
func (s *Snapshot) Err() error {
	for _, g := range s.Gaps {
		if g.Part == Docs || g.Part == Jobs {
			return g.Err
		}
	}
	return nil
}

// Complete reports whether the view of one replicator database is whole, so that a replication
// which is absent from it may be gone. It is not where the documents of the database were not
// asked for: a document without a job is in no listing of jobs. And it is not while a node of
// the cluster is away.
func (s *Snapshot) Complete(database string) bool {
	if s.Whole != nil {
		_, found := slices.BinarySearch(s.Whole, database)
		return found
	}
	for _, g := range s.Gaps {
		if g.Part == Jobs || g.Part == Nodes || g.Part == Docs && g.Database == database {
			return false
		}
	}
	return true
}
