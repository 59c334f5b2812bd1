// Package couchtest is a simulated CouchDB: one server with replicator databases, a replication
// scheduler, sessions and faults. Tests move its replications through their lives, the demo
// lets a story run on it, and a client cannot tell its answers from those of Apache CouchDB
// 3.5.0: the same keys in the same order, the same types, headers and status codes, as a
// conformance test proves against recordings.
//
//	srv := couchtest.New(couchtest.Options{})
//	orders := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running, Rate: 5})
//	url, stop, err := srv.Serve("")
//	…
//	orders.Crash("db_not_found: could not open http://127.0.0.1:5984/orders/")
//
// # Time
//
// The server's time is Options.Now plus what Advance added. Nothing ticks: counters that grow
// are computed when somebody looks, and the steps of a script (After, Play) that are due run, in
// order and each at its own instant, before the next request is answered. So a test with a
// frozen clock is exact, and a test inside a testing/synctest bubble is too: Client talks to the
// server without a socket.
//
// # Promises
//
//   - Safe for use by many goroutines at once.
//   - A change of one replication costs the same among ten as among 100,000.
//   - A listing is made row by row from the present state, as CouchDB makes it: it is no
//     snapshot of one moment, and a slow reader holds nobody up.
//
// # Not promised
//
// No scheduler decides anything about replications that a test put: they stay where they are
// until they are moved. Databases hold no documents but replications: a source has only an
// update sequence. The status text is Go's ("404 Not Found", where CouchDB says "404 Object Not
// Found").
package couchtest

import (
	"cmp"
	"sync"
	"time"
)

// Options say what the server is like. The zero value is a server without users, on which
// everybody is admin, with an empty _replicator.
type Options struct {
	// Now is the clock, time.Now if nil.
	Now func() time.Time
	// Username and Password are the server admin's. Without them there is no need to log in.
	Username, Password string
	// Users are the passwords of further users by name, who are no admins.
	Users map[string]string
	// SessionTTL is how long a session cookie is good, 10 minutes if 0.
	SessionTTL time.Duration
	// Version is what the server says of itself, "3.5.0" if empty.
	Version string
	// Nodes are the members of the cluster, "couchdb@127.0.0.1" if none are named.
	Nodes []string
	// Databases are replicator databases besides _replicator.
	Databases []string
	// Manual leaves documents that clients write as they are. Otherwise such a replication lives
	// by itself: it starts within a second, copies, and completes if it is not continuous.
	Manual bool
	// Say is told what happens in the story of Demo, as it happens: a clause such as "the source of
	// orders is deleted". It must not ask the server anything. Nil tells nobody.
	Say func(text string)
}

// Server is a simulated CouchDB. It is an http.Handler.
type Server struct {
	opts   Options
	agenda agenda
	auth   auth
	faults faults
	log    log
	pieces sync.Pool // of *[]byte, of answers that were sent

	mu        sync.RWMutex // guards all below, and the replications
	ahead     time.Duration
	base      string // the URL by which others know it, without a slash at the end
	databases map[string]*database
	sources   map[string]*source
	jobs      map[string]*Replication // by id
	jobOrder  ordered
	down      map[string]bool       // nodes
	counts    map[string]*jobCounts // by node
	pids      int
	deleted   int64 // how many replicator databases were
}

// New makes a server.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.SessionTTL = cmp.Or(o.SessionTTL, 10*time.Minute)
	o.Version = cmp.Or(o.Version, "3.5.0")
	if len(o.Nodes) == 0 {
		o.Nodes = []string{"couchdb@127.0.0.1"}
	}
	s := &Server{
		opts:      o,
		base:      "http://127.0.0.1:5984",
		databases: map[string]*database{},
		sources:   map[string]*source{},
		jobs:      map[string]*Replication{},
		down:      map[string]bool{},
		counts:    map[string]*jobCounts{},
	}
	s.jobOrder = ordered{
		key: func(r *Replication) string { return r.jobID },
		has: func(r *Replication) bool { return s.jobs[r.jobID] == r },
	}
	s.database("_replicator")
	for _, name := range o.Databases {
		s.database(name)
	}
	return s
}

// CreateDatabase makes a replicator database, or one that can be asked for its changes.
func (s *Server) CreateDatabase(name string) {
	s.catchUp()
	s.mu.Lock()
	defer s.mu.Unlock()
	if isReplicator(name) {
		s.database(name)
		return
	}
	s.source(name).missing = false
}

// DeleteDatabase deletes a database: a replicator database with all its documents and jobs, or
// a source, which then answers 404.
func (s *Server) DeleteDatabase(name string) {
	s.catchUp()
	s.mu.Lock()
	defer s.mu.Unlock()
	db := s.databases[name]
	if db == nil {
		s.source(name).missing = true
		return
	}
	now := s.clock()
	for _, r := range db.docs {
		r.end(now)
	}
	delete(s.databases, name)
	s.deleted++
}

// URL is a database of this server as the scheduler shows it: absolute, a slash at the end.
func (s *Server) URL(database string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return string(appendEndpoint(nil, s.base, database))
}

// Restart is a restart of the server: every job begins a new history and runs. One that has
// nothing to do shows changes_pending null from then on.
func (s *Server) Restart() {
	s.catchUp()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	defer func() { s.recount() }()
	for _, r := range s.jobOrder.list() {
		if s.jobs[r.jobID] != r {
			continue
		}
		if r.db == nil {
			r.end(now) // nobody starts it again
			continue
		}
		r.stop(now)
		r.created, r.history = now, []Event{{Type: Added, At: now}}
		r.start(now)
	}
}

// NodeDown takes a node away, or brings it back: its jobs are silently missing from the list,
// with status 200, its documents have state null, and /_membership names one node less.
func (s *Server) NodeDown(node string, down bool) {
	s.catchUp()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down[node] = down
}
