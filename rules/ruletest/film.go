package ruletest

import (
	"errors"
	"slices"
	"time"

	"watchdog/snapshot"
)

// errUnread is why a check failed, where the test does not say.
var errUnread = errors.New("connection refused")

// server is one server over time.
type server struct {
	name         string
	labels       map[string]string // nil: as the config has them
	check        series
	version      string
	latency      series
	replications []*replication // ordered by key
}

// replication is one replication over time.
type replication struct {
	key     snapshot.Key
	state   series
	fields  []fieldSeries
	crashes series
	events  []snapshot.Event // given, ordered by time; nil: made up
	job     job              // as of the last sample
}

type fieldSeries struct {
	field
	series
}

// samples is how many samples the server has before it stays as it is.
func (s *server) samples() int {
	n := max(len(s.check), len(s.latency))
	for _, r := range s.replications {
		n = max(n, len(r.state), len(r.crashes))
		for _, f := range r.fields {
			n = max(n, len(f.series))
		}
	}
	return n
}

// rewind makes the server ready to be seen from its first sample.
func (s *server) rewind() {
	for _, r := range s.replications {
		r.job = job{}
	}
}

// snapshot is what the check at index i saw. It is called for each index in turn.
func (s *server) snapshot(i int, at time.Time) *snapshot.Snapshot {
	snap := &snapshot.Snapshot{Server: s.name, At: at, Version: s.version, Latency: s.latency.at(i).offset}
	for _, r := range s.replications {
		r.observe(i, at)
	}
	check := s.check.at(i)
	if !check.given || check.text == checkOK && !check.quoted {
		s.show(snap, i, at)
		return snap
	}
	err := errUnread
	switch {
	case check.quoted:
		err = errors.New(check.text)
	case check.text == checkPartial:
		err = errors.New("the listing broke off")
		s.show(snap, i, at)
	}
	for _, database := range s.databases() {
		snap.Gaps = append(snap.Gaps, snapshot.Gap{Part: snapshot.Docs, Database: database, Err: err})
	}
	snap.Gaps = append(snap.Gaps, snapshot.Gap{Part: snapshot.Jobs, Err: err})
	return snap
}

func (s *server) databases() []string {
	all := []string{snapshot.DefaultDatabase}
	for _, r := range s.replications {
		if !slices.Contains(all, r.key.Database) {
			all = append(all, r.key.Database)
		}
	}
	return all
}

// show puts the replications into the snapshot.
func (s *server) show(snap *snapshot.Snapshot, i int, at time.Time) {
	for _, r := range s.replications {
		switch state := r.state.at(i); {
		case state.given && state.text == absent:
			// Nobody can tell.
		case state.given && state.text == deleted:
			if snap.Asked == nil {
				snap.Asked = map[snapshot.Key]snapshot.Answer{}
			}
			snap.Asked[r.key] = snapshot.Answer{Missing: true}
		default:
			snap.Replications = append(snap.Replications, r.row(i, at))
		}
	}
}

// observe brings the job up to the sample. A replication that is not shown may still have it.
func (r *replication) observe(i int, at time.Time) {
	state := r.state.at(i)
	if r.events != nil || !state.given && r.crashes == nil || state.text == absent {
		return
	}
	reason := defaultReason
	for _, f := range r.fields {
		if s := f.at(i); f.field.field == snapshot.FieldError && s.given && s.text != "" {
			reason = s.text
		}
	}
	if r.crashes == nil {
		r.job.observe(snapshot.State(state.text), at, reason)
	} else if s := r.crashes.at(i); s.given {
		r.job.observeCrashes(snapshot.State(state.text), s.number, at, reason)
	}
}

// row is what the server shows of the replication: what follows from the job's history, and over
// it what the test says.
func (r *replication) row(i int, at time.Time) *snapshot.Replication {
	row := &snapshot.Replication{Key: r.key}
	state := r.state.at(i)
	switch {
	case r.events != nil:
		row.History = history(r.events, at)
	case r.crashes != nil && !r.crashes.at(i).given, r.crashes == nil && !state.given:
		// The job is not shown.
	case len(r.job.events) > 0:
		row.History = r.job.history()
	}
	if row.History != nil {
		row.Known = row.Known.With(snapshot.FieldHistory)
		row.Derive()
	}
	row.State, row.Known = snapshot.State(state.text), row.Known.With(snapshot.FieldState)
	if !state.given {
		row.Known = row.Known.Without(snapshot.FieldState)
	}
	for _, f := range r.fields {
		f.put(row, f.at(i))
	}
	return row
}
