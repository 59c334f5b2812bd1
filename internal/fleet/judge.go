//go:build linux

package fleet

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"watchdog/internal/chaos"
)

// The checks of what replicas did. What was told is checked by package chaos.
const (
	TwoHolders = "two holders"       // of one epoch
	Backwards  = "epoch backwards"   // an epoch, or the commits in one, did not grow
	Stale      = "stale commit"      // made by who did not hold the lease, or in an epoch when a later one had begun
	Unfenced   = "no tenure's"       // decided by nobody who held the server
	FalseWord  = "said and not so"   // logged, and not what the database knows
	Unwatched  = "not resumed"       // a server was not checked for too long
	Uneven     = "not shared evenly" // in the end
)

// NoFault is what the time between two checks begins with where no fault excuses it.
const NoFault = "the last check"

// Judge compares what replicas did with what they may. A server's checks have resumed in time when
// no more than within passes without one by whoever holds it and can work. That time begins with
// the last check, or when a fault befell the holder later, or one befell a process while nobody
// who could work held the server, or the database was back: the time of a check is when the server
// was asked. Slowest is the longest that there was, by the kind of fault with which it began, NoFault
// where that was a check.
func Judge(h *History, within time.Duration) (found []chaos.Violation, slowest map[string]time.Duration) {
	j := &judge{History: h, tenures: map[string][]tenure{}, slowest: map[string]time.Duration{}}
	j.leases()
	j.fences()
	j.words()
	j.resumptions(within)
	j.shares()
	return append(j.found, chaos.Judge("hook", h.Told, h.Truth, h.Transitions)...), j.slowest
}

type judge struct {
	*History
	tenures map[string][]tenure // by lease, in order
	slowest map[string]time.Duration
	found   []chaos.Violation
}

// tenure is the time in which a process held a lease, as the database knows it.
type tenure struct {
	holder      string
	epoch       int64
	commits     int64
	began, over time.Time // over is zero while it lasts
}

func (j *judge) report(check, format string, args ...any) {
	j.found = append(j.found, chaos.Violation{Check: check, Text: fmt.Sprintf(format, args...)})
}

// leases follows each lease through its tenures: in an epoch there is one holder, whose commits are
// counted, and each epoch is later than those before.
func (j *judge) leases() {
	for _, e := range j.Trail {
		all := j.tenures[e.Lease]
		var last *tenure
		if len(all) > 0 {
			last = &all[len(all)-1]
		}
		switch {
		case last == nil || e.Epoch > last.epoch:
			j.begin(last, e)
		case e.Epoch < last.epoch:
			check := Backwards
			if slices.ContainsFunc(all, func(t tenure) bool { return t.epoch == e.Epoch && e.Commits == t.commits+1 }) {
				check = Stale
			}
			j.report(check, "%s: %s in epoch %d, when epoch %d had begun", e.Lease, e.Holder, e.Epoch, last.epoch)
		case e.Holder == "":
			last.over = e.At
		case e.Holder != last.holder || !last.over.IsZero():
			j.report(TwoHolders, "%s: epoch %d was that of %q, and then of %q", e.Lease, e.Epoch, last.holder, e.Holder)
		case e.Commits != last.commits+1:
			j.report(Backwards, "%s: commit %d of epoch %d came after %d", e.Lease, e.Commits, e.Epoch, last.commits)
		case e.By != e.Holder:
			j.report(Stale, "%s: %s wrote in epoch %d, which is that of %s", e.Lease, e.By, e.Epoch, e.Holder)
			last.commits = e.Commits
		default:
			last.commits = e.Commits
		}
	}
}

// begin ends the tenure before, if it lasts, and begins the one of an entry.
func (j *judge) begin(last *tenure, e Entry) {
	next := tenure{holder: e.Holder, epoch: e.Epoch, commits: e.Commits, began: e.At}
	if e.Holder == "" { // it is new, and nobody's yet
		next.over = e.At
	}
	if last != nil && last.over.IsZero() {
		last.over = e.At
	}
	j.tenures[e.Lease] = append(j.tenures[e.Lease], next)
}

// fences: what was decided of a server became part of the store by a commit of its holder.
func (j *judge) fences() {
	type commit struct {
		lease string
		tx    int64
	}
	made := map[commit]bool{}
	for _, e := range j.Trail {
		if e.Holder != "" && e.Commits > 0 {
			made[commit{e.Lease, e.Tx}] = true
		}
	}
	for _, d := range j.Decided {
		if !made[commit{serverLease(d.Server), d.Tx}] {
			j.report(Unfenced, "a transition of %s in transaction %d, which is no commit of who holds it", d.Server, d.Tx)
		}
	}
}

// words: who says that a lease is his has it from the database.
func (j *judge) words() {
	for _, w := range j.Words {
		if w.Said == saidTaken && !slices.ContainsFunc(j.tenures[w.Lease], func(t tenure) bool { return t.epoch == w.Epoch && t.holder == w.Process }) {
			j.report(FalseWord, "%s says that epoch %d of %s is its own", w.Process, w.Epoch, w.Lease)
		}
	}
}

// holder is who held a lease at a moment, "" if nobody did.
func (j *judge) holder(lease string, at time.Time) string {
	for _, t := range j.tenures[lease] {
		if !t.began.After(at) && (t.over.IsZero() || t.over.After(at)) {
			return t.holder
		}
	}
	return ""
}

// works reports whether a process could work at a moment.
func (j *judge) works(process string, at time.Time) bool {
	return process != "" && !slices.ContainsFunc(j.Faults, func(f Fault) bool {
		return f.Process == process && !f.Began.After(at) && (f.Over.IsZero() || f.Over.After(at))
	})
}

// resumptions: each server is checked by one who holds it and can work, again and again.
func (j *judge) resumptions(within time.Duration) {
	looks := map[string][]Look{}
	for _, l := range j.Looks {
		looks[l.Server] = append(looks[l.Server], l)
	}
	for _, server := range j.Servers {
		var last time.Time
		for _, l := range looks[server] {
			if j.holder(serverLease(server), l.At) != l.Process || !j.works(l.Process, l.At) {
				continue
			}
			if !last.IsZero() {
				j.resumed(server, last, l.At, within)
			}
			last = l.At
		}
		if last.IsZero() {
			j.report(Unwatched, "%s was never checked", server)
			continue
		}
		j.resumed(server, last, j.End, within)
	}
}

// resumed judges the time between two checks of a server.
func (j *judge) resumed(server string, last, next time.Time, within time.Duration) {
	since, why := last, NoFault
	for _, f := range j.Faults {
		if at := j.excuse(server, f); at.After(since) && at.Before(next) {
			since, why = at, f.Kind
		}
	}
	took := next.Sub(since)
	j.slowest[why] = max(j.slowest[why], took.Round(10*time.Millisecond))
	if took > within {
		j.report(Unwatched, "%s was not checked for %s after %s at %s, want %s at most", server, took.Round(time.Millisecond), why, since.Format(clock), within)
	}
}

const clock = "15:04:05.000"

// excuse is from when on a fault excuses that a server is not checked; zero: it does not.
func (j *judge) excuse(server string, f Fault) time.Time {
	if f.Process == "" {
		return f.Over
	}
	if holder := j.holder(serverLease(server), f.Began); holder != f.Process && j.works(holder, f.Began) {
		return time.Time{}
	}
	return f.Began
}

// shares: in the quiet at the end each server is checked by one process alone, and no process has
// two servers more than another.
func (j *judge) shares() {
	by, of := map[string]string{}, map[string]int{}
	for _, process := range j.Living {
		of[process] = 0
	}
	for _, l := range j.Looks {
		if l.At.Before(j.Quiet) || l.At.After(j.End) {
			continue
		}
		other, seen := by[l.Server]
		if seen && other != l.Process {
			j.report(Uneven, "%s is checked by %s and by %s", l.Server, other, l.Process)
		}
		if by[l.Server] = l.Process; !seen {
			of[l.Process]++
		}
	}
	counts := slices.Sorted(maps.Values(of))
	if len(counts) == 0 || counts[len(counts)-1]-counts[0] > 1 {
		j.report(Uneven, "how many servers each checks: %v", of)
	}
}
