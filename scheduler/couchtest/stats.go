package couchtest

import (
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// statsBody is /_node/{node}/_stats/couch_replicator as it was recorded. What the simulated server
// does not do, such as requests to sources, counts nothing.
//
//go:embed stats.json
var statsBody string

// jobCounts are what a node counts of its jobs since it was started. A job that ends by itself, or
// a transient one that crashes, is counted nowhere.
type jobCounts struct{ adds, removes, starts, stops, crashes int64 }

// count is of the node that a job is on.
func (r *Replication) count() *jobCounts {
	c := r.s.counts[r.node]
	if c == nil {
		c = &jobCounts{}
		r.s.counts[r.node] = c
	}
	return c
}

// recount is what nodes have counted that were just started: each of their jobs was added, and
// runs.
func (s *Server) recount() {
	clear(s.counts)
	for _, r := range s.jobs {
		r.count().adds++
		r.count().starts++
	}
}

// node answers what is asked of one node: what its replicator counted.
func (q *request) node() {
	if len(q.path) != 4 || q.path[2] != "_stats" || q.path[3] != "couch_replicator" {
		q.missing("missing")
		return
	}
	node := q.path[1]
	if node == "_local" {
		node = q.s.opts.Nodes[0]
	}
	q.s.mu.RLock()
	down, body := q.s.down[node], q.s.stats(node)
	q.s.mu.RUnlock()
	switch {
	case !slices.Contains(q.s.opts.Nodes, node):
		q.missing("no such node: " + node)
	case down:
		q.fail(http.StatusPreconditionFailed, "nodedown", node+" is down")
	default:
		q.bytes(http.StatusOK, []byte(body))
	}
}

// stats is what a node tells. Its gauges are those of this moment; a real one refreshes them every
// five seconds.
func (s *Server) stats(node string) string {
	var total, running, pending, crashed int
	for _, r := range s.jobs {
		if r.node != node {
			continue
		}
		total++
		switch r.state() {
		case Running:
			running++
		case Pending:
			pending++
		case Crashing:
			crashed++
		}
	}
	var c jobCounts
	if known := s.counts[node]; known != nil {
		c = *known
	}
	return strings.NewReplacer(
		"{total}", fmt.Sprint(total), "{running}", fmt.Sprint(running),
		"{pending}", fmt.Sprint(pending), "{crashed}", fmt.Sprint(crashed), "{duplicate_adds}", "0",
		"{adds}", fmt.Sprint(c.adds), "{removes}", fmt.Sprint(c.removes), "{starts}", fmt.Sprint(c.starts),
		"{stops}", fmt.Sprint(c.stops), "{crashes}", fmt.Sprint(c.crashes),
	).Replace(statsBody)
}
