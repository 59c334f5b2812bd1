package couchtest

import (
	"strings"
	"time"
)

// accept takes a document that a client wrote.
func (r *Replication) accept(d draft, who identity, now time.Time) {
	fresh := r.phase == gone
	r.unschedule(now)
	r.fields = d.fields
	if r.design = strings.HasPrefix(r.id, "_design/"); r.design {
		r.phase, r.malformed = unclaimed, true
	} else {
		r.take(d, who, now)
	}
	if fresh {
		r.db.add(r)
	}
	r.db.write(r)
	if r.phase == unclaimed && !r.design && !r.s.opts.Manual {
		r.later(now.Add(200*time.Millisecond), unclaimed, func(time.Time) { r.phase = initializing })
		r.later(now.Add(time.Second), initializing, r.try)
	}
}

// take makes it the replication that a draft asks for, or that a draft says has ended. A source
// that nobody has heard of is missing if it should be here, and has 500 changes if it is far.
func (r *Replication) take(d draft, who identity, now time.Time) {
	spec := d.spec
	spec.Source, spec.Target = r.s.localize(spec.Source), r.s.localize(spec.Target)
	spec.Speed, spec.Silent = 100, true
	if spec.Owner == "" {
		spec.Owner = who.name
	}
	known := r.s.sources[spec.Source] != nil
	r.apply(spec, now)
	switch State(d.state) {
	case Failed:
		r.phase, r.reason, r.byHand = failed, d.reason, true
		return
	case Completed:
		r.phase, r.byHand = completed, true
		return
	}
	r.phase = unclaimed
	switch {
	case known:
	case local(spec.Source):
		r.src.missing = true
	default:
		r.src.set(500, now)
	}
}

// later does something at a time, unless the document was written or left its phase before.
func (r *Replication) later(at time.Time, in phase, do func(now time.Time)) {
	rev := r.rev
	r.s.agenda.add(at, func() {
		r.do(func(now time.Time) {
			if r.rev == rev && r.phase == in {
				do(now)
			}
		})
	})
}

// try starts the job, and tries again later if the source is not there, as often as CouchDB
// would. A job that is not continuous completes when it has copied all.
func (r *Replication) try(now time.Time) {
	if r.src.missing {
		r.crash("db_not_found: could not open "+string(appendEndpoint(nil, r.s.base, r.spec.Source)), now)
		backOff := 30 * time.Second << min(max(r.errorCount()-1, 0), 10)
		r.later(now.Add(backOff), scheduled, r.try)
		return
	}
	r.start(now)
	r.later(now.Add(time.Second), scheduled, func(time.Time) { r.silent = false })
	if r.spec.OneShot {
		copying := time.Duration(float64(r.waitingAt(now)) / r.spec.Speed * float64(time.Second))
		r.later(now.Add(max(copying, time.Second)), scheduled, r.complete)
	}
}
