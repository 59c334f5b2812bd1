package rules

import (
	"github.com/expr-lang/expr/vm"

	"watchdog/snapshot"
)

// view is one subject as an expression sees it, made ready for one evaluation after another.
// The engine's own stack is kept between them.
type view struct {
	env   any    // *replicationEnv or *serverEnv
	slots *slots // inside env
	known needs
	at    stamp
	// until is the moment up to which all answers given so far hold if nothing else changes.
	until stamp

	row    *snapshot.Replication // nil in scope server
	past   *past
	census *census // of scope server, when the server could be read

	machine vm.VM
}

// holdsUntil notes that an answer changes at t by the mere passing of time.
func (v *view) holdsUntil(t stamp) { v.until = min(v.until, t) }

func (v *view) timeField(name string) (stamp, bool) {
	switch name {
	case "start_time":
		return stampOf(v.row.StartTime), v.row.Has(snapshot.FieldStartTime)
	case "last_updated":
		return stampOf(v.row.LastUpdated), v.row.Has(snapshot.FieldLastUpdated)
	default: // since
		return v.past.since, v.past.since != 0
	}
}

// replicationView looks at replications of one server, one after another.
type replicationView struct {
	view
	server string
	labels map[string]string
	fields replicationEnv
}

func newReplicationView(server string, labels map[string]string, at stamp) *replicationView {
	v := &replicationView{server: server, labels: labels}
	v.env, v.slots, v.at = &v.fields, &v.fields.slots, at
	return v
}

// look turns to the next replication.
func (v *replicationView) look(r *snapshot.Replication, p *past) {
	v.row, v.past, v.until = r, p, never
	v.known = needs(r.Known)
	if p.previous != "" {
		v.known |= needPreviousState
	}
	if p.since != 0 {
		v.known |= needSince
	}
	v.fields.fill(v.server, v.labels, r, p)
}
