package couchtest

import (
	"sort"
	"strings"
)

// database is one replicator database.
type database struct {
	s     *Server
	name  string
	salt  uint64
	made  int64                   // when, in Unix seconds; not the same again after it was deleted
	docs  map[string]*Replication // deleted ones too
	order ordered                 // by document id, design documents included
	live  int
	seq   int64
	log   []change // by sequence; an entry whose document has a later one is void

	changed chan struct{} // closed at the next change, nil while nobody waits
}

// firstMade is when the databases of the recordings were made.
const firstMade = 1795504031

type change struct {
	seq int64
	r   *Replication
}

// isReplicator reports whether a database of this name is one that the scheduler reads.
func isReplicator(name string) bool {
	return name == "_replicator" || strings.HasSuffix(name, "/_replicator")
}

// database is the replicator database of this name, made if it is not there.
func (s *Server) database(name string) *database {
	db := s.databases[name]
	if db == nil {
		db = &database{s: s, name: name, salt: salt(name) + uint64(s.deleted), made: firstMade + s.deleted, docs: map[string]*Replication{}}
		db.order = ordered{
			key: func(r *Replication) string { return r.id },
			has: func(r *Replication) bool { return !r.deleted },
		}
		s.databases[name] = db
	}
	return db
}

// source is the database of this name or URL, made if it is not there.
func (s *Server) source(endpoint string) *source {
	src := s.sources[endpoint]
	if src == nil {
		src = &source{salt: salt(endpoint)}
		s.sources[endpoint] = src
	}
	return src
}

// add lists a document that was not there.
func (db *database) add(r *Replication) {
	db.docs[r.id] = r
	db.order.add(r)
	db.live++
}

// write gives a document a new revision and the database a new sequence.
func (db *database) write(r *Replication) {
	r.revise()
	r.deleted = false
	db.bump(r)
}

// remove deletes a document.
func (db *database) remove(r *Replication) {
	r.revise()
	r.deleted = true
	db.order.remove()
	db.live--
	db.bump(r)
}

func (db *database) bump(r *Replication) {
	db.seq++
	r.seq = db.seq
	db.log = append(db.log, change{db.seq, r})
	if len(db.log) > 2*len(db.docs)+1000 {
		kept := db.log[:0:0]
		for _, c := range db.log {
			if c.seq == c.r.seq {
				kept = append(kept, c)
			}
		}
		db.log = kept
	}
	if db.changed != nil {
		close(db.changed)
		db.changed = nil
	}
}

// wait is closed at the next change.
func (db *database) wait() <-chan struct{} {
	if db.changed == nil {
		db.changed = make(chan struct{})
	}
	return db.changed
}

// since are the documents that changed after seq, by sequence, at most limit, and how many more
// there are.
func (db *database) since(seq int64, limit int) (changes []change, more int) {
	from := sort.Search(len(db.log), func(i int) bool { return db.log[i].seq > seq })
	for _, c := range db.log[from:] {
		switch {
		case c.seq != c.r.seq:
		case len(changes) < limit:
			changes = append(changes, c)
		default:
			more++
		}
	}
	return changes, more
}
