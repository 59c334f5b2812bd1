package scheduler

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"watchdog/snapshot"
)

const (
	// jobsPerAsk is how many rows of a listing of jobs cost the server as much as asking for one job
	// by its id: a row takes 20 µs, an answer to anything 2 ms.
	jobsPerAsk = 100
	// maxJobAsks bounds how many jobs a look asks for one by one, whatever their number.
	maxJobAsks = 200
	// maxRest is for how many looks at most following the jobs is not tried, when it keeps failing.
	maxRest = 32
)

// ledger is what CouchDB had counted of its jobs before the last look read them. With it the next
// look need not list them: the active tasks tell of the jobs that run, and what the counters moved
// by tells whether anything happened to the others. It must come out even: what has been found to
// have happened to single jobs is what was counted, event by event, or all jobs are listed.
type ledger struct {
	counted map[string]snapshot.Tally // by node
	listed  time.Time                 // all jobs
	stopped map[string]bool           // by id: their last numbers may have come after they were read
}

// followed is whether jobs are followed, from one look to the next.
type followed struct {
	*ledger           // nil: they are to be listed
	many    bool      // so many that following them is cheaper
	failed  int       // how often in a row following them went wrong
	rest    int       // for so many looks it is not tried
	refused time.Time // when the server did not let its counters be read; zero if it did
}

// jobsOf reads the jobs, without a listing where that is certain to show the same.
func (l *following) jobsOf(ctx context.Context, trails map[string]*trail) bool {
	state := &l.client.jobs
	before := state.ledger
	state.ledger = nil
	if before != nil && l.down == nil && l.fresh(before.listed) {
		if after := l.followJobs(ctx, before, trails); after != nil {
			state.ledger, state.failed = after, 0
			l.heard, l.followed = true, true
			return true
		}
		state.failed++
		state.rest = min(1<<state.failed-2, maxRest)
	}
	return l.listJobs(ctx)
}

// fresh reports whether a listing of that time need not be made anew.
func (l *following) fresh(listed time.Time) bool {
	age := l.at.Sub(listed)
	return age >= 0 && age < l.client.spec.FullEvery
}

// listJobs lists all jobs. What was counted is read before them, so that nothing is lost between
// the two.
func (l *following) listJobs(ctx context.Context) bool {
	state := &l.client.jobs
	state.ledger, l.followed = nil, false
	refused := !state.refused.IsZero() && l.fresh(state.refused)
	if state.rest > 0 {
		state.rest--
	} else if state.many && !refused && l.down == nil {
		counted, err := l.client.counted(ctx)
		if err == nil {
			state.ledger = &ledger{counted: counted, listed: l.at}
		} else if isRefusal(err) || isMissing(err) {
			state.refused = l.at
		}
	}
	return l.jobs(ctx)
}

// concludeJobs notes whether the jobs can be followed after a look that listed them.
func (l *following) concludeJobs() {
	state := &l.client.jobs
	n, whole := l.b.WholeJobs()
	state.many = n > l.client.cheapRows
	if !state.many || !whole {
		state.ledger = nil
	}
	if state.ledger != nil {
		state.stopped = l.b.NewlyStopped()
	}
}

// roll is one look at the jobs without a listing.
type roll struct {
	*following
	counted map[string]snapshot.Tally
	moved   snapshot.Tally // by how much the counters did, on all nodes
	found   snapshot.Tally // what was found to have happened
	asked   map[string]bool
	asks    int             // how many more may be asked for
	stopped map[string]bool // those that were found to have stopped
}

// followJobs reads what has happened to jobs since the look before. Nil means that they are to be
// listed: it is not certain that this is all.
func (l *following) followJobs(ctx context.Context, before *ledger, trails map[string]*trail) *ledger {
	counted, err := l.client.counted(ctx)
	if err != nil {
		_ = l.note(err)
		return nil
	}
	r := &roll{following: l, counted: counted, asked: map[string]bool{}, stopped: map[string]bool{}}
	for node, now := range counted {
		then, known := before.counted[node]
		if !known || len(counted) != len(before.counted) || !atLeast(now, then) {
			return nil // a node is new, is gone, or was started again
		}
		r.moved = r.moved.Plus(now.Less(then))
	}
	if l.fetch(ctx, tasksPath, "", l.b.Tasks) != nil {
		return nil
	}
	standing, ok := l.b.FollowJobs(before.stopped)
	for node, goesOn := range standing.Nodes {
		if _, known := counted[node]; !known || !goesOn {
			return nil // it may have been started again, and have counted as far as before
		}
	}
	r.asks = min(standing.Jobs/l.client.jobsPerAsk, maxJobAsks)
	if !ok || !r.ask(ctx, standing.Doubts) || !r.even(ctx, trails) {
		return nil
	}
	if len(r.asked) > 0 { // nothing may have happened meanwhile
		if again, err := l.client.counted(ctx); err != nil || !maps.Equal(again, counted) {
			return nil
		}
	}
	return &ledger{counted: counted, listed: before.listed, stopped: r.stopped}
}

// even looks for what was counted, where the tasks do not tell, until it comes out even.
func (r *roll) even(ctx context.Context, trails map[string]*trail) bool {
	if r.found.Explains(r.moved) {
		return true
	}
	for db, t := range trails {
		if t != nil && !r.ask(ctx, r.b.DoubtsOf(db, t.asked)) {
			return false
		}
	}
	missing := r.moved.Less(r.found)
	for _, doubt := range r.b.Turns(int(2 * max(missing.Started, 0))) {
		if r.found.Explains(r.moved) {
			return true
		}
		if !r.ask(ctx, []snapshot.Doubt{doubt}) {
			return false
		}
	}
	return r.found.Explains(r.moved)
}

// ask asks for single jobs. False means that it went wrong, or that they are too many.
func (r *roll) ask(ctx context.Context, doubts []snapshot.Doubt) bool {
	if len(doubts) > r.asks {
		return false
	}
	for _, doubt := range doubts {
		if r.asked[doubt.ID] {
			continue
		}
		r.asked[doubt.ID] = true
		r.asks--
		row, err := r.client.getSmall(ctx, jobsPath+"/"+escape(doubt.ID))
		switch {
		case err == nil:
			happened, stopped, err := r.b.Job(doubt, row)
			if err != nil {
				return false
			}
			if stopped {
				r.stopped[doubt.ID] = true
			}
			r.found = r.found.Plus(happened)
		case isMissing(err):
			r.found = r.found.Plus(r.b.Gone(doubt))
		default:
			_ = r.note(err)
			return false
		}
	}
	return true
}

// atLeast reports whether no counter is lower than it was.
func atLeast(now, then snapshot.Tally) bool {
	moved := now.Less(then)
	return min(moved.Added, moved.Removed, moved.Started, moved.Stopped, moved.Crashed) >= 0
}

// counted is what each node of the cluster has counted of its jobs. Servers before 3.4 gather
// their counters every ten seconds unless they are asked to do so at once; later ones always tell
// the present ones.
func (c *Client) counted(ctx context.Context) (map[string]snapshot.Tally, error) {
	members, err := c.members(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(members.All)
	slices.Sort(members.Cluster)
	if len(members.Cluster) == 0 || !slices.Equal(members.All, members.Cluster) {
		return nil, errors.New("not all nodes of the cluster answer")
	}
	all := make(map[string]snapshot.Tally, len(members.Cluster))
	for _, node := range members.Cluster {
		var stats struct {
			Jobs struct{ Adds, Removes, Starts, Stops, Crashes *counter }
		}
		path := "/_node/" + escape(node) + "/_stats/couch_replicator"
		if err := c.optional(ctx, get(path, "flush=true"), func(a *answer) error { return a.decode(&stats) }); err != nil {
			return nil, err
		}
		j := stats.Jobs
		if j.Adds == nil || j.Removes == nil || j.Starts == nil || j.Stops == nil || j.Crashes == nil {
			return nil, fmt.Errorf("node %s does not count its jobs", node)
		}
		all[node] = snapshot.Tally{
			Added: j.Adds.Value, Removed: j.Removes.Value, Started: j.Starts.Value,
			Stopped: j.Stops.Value, Crashed: j.Crashes.Value,
		}
	}
	return all, nil
}

// counter is one of /_stats.
type counter struct{ Value int64 }
