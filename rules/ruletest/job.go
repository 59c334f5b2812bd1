package ruletest

import (
	"slices"
	"time"

	"watchdog/snapshot"
)

// maxHistory is how many events of a job CouchDB keeps, by default.
const maxHistory = 20

// defaultReason is why a job crashed where the test does not say.
const defaultReason = "the job crashed"

// job makes up the history of a replication's job from the states that it was seen in: what
// must have happened in between, at the time of the sample that shows it.
type job struct {
	events  []snapshot.Event // oldest first
	shown   []snapshot.Event // newest first; nil when events have been added since
	state   snapshot.State   // of the job; "" where there is none
	crashes int64
}

// observe is the next sample. The job exists while its state says so: CouchDB forgets it when
// it ends, and begins it when the document is understood.
func (j *job) observe(state snapshot.State, at time.Time, reason string) {
	switch state {
	case snapshot.Running, snapshot.Pending, snapshot.Crashing:
	default:
		*j = job{}
		return
	}
	if j.state == "" {
		j.add(snapshot.Added, at, "")
	}
	if state == j.state {
		return
	}
	switch state {
	case snapshot.Running:
		j.started(at)
	case snapshot.Pending:
		if j.state != "" {
			j.started(at)
			j.add(snapshot.Stopped, at, "")
		}
	case snapshot.Crashing:
		j.started(at)
		j.add(snapshot.Crashed, at, reason)
	}
	j.state = state
}

// observeCrashes is the next sample where the crashes are counted. A count that went down means
// that the job was started anew, and its history with it.
func (j *job) observeCrashes(state snapshot.State, crashes int64, at time.Time, reason string) {
	if len(j.events) == 0 || crashes < j.crashes {
		*j = job{}
		j.add(snapshot.Added, at, "")
	}
	for range min(crashes-j.crashes, maxHistory) {
		j.started(at)
		j.add(snapshot.Crashed, at, reason)
	}
	j.crashes = crashes
	if state == snapshot.Running {
		j.started(at)
	}
}

// started notes a start, unless that was the last event.
func (j *job) started(at time.Time) {
	if n := len(j.events); n == 0 || j.events[n-1].Type != snapshot.Started {
		j.add(snapshot.Started, at, "")
	}
}

func (j *job) add(what snapshot.EventType, at time.Time, reason string) {
	j.events = append(j.events, snapshot.Event{Type: what, At: at.Truncate(time.Second), Reason: reason})
	if extra := len(j.events) - maxHistory; extra > 0 {
		j.events = slices.Clone(j.events[extra:])
	}
	j.shown = nil
}

// history is what the job shows now. It must not be changed.
func (j *job) history() []snapshot.Event {
	if j.shown == nil {
		j.shown = slices.Clone(j.events)
		slices.Reverse(j.shown)
	}
	return j.shown
}

// history is what a job shows of events that are ordered by time: the newest first.
func history(events []snapshot.Event, at time.Time) []snapshot.Event {
	n := len(events)
	for n > 0 && events[n-1].At.After(at) {
		n--
	}
	shown := slices.Clone(events[max(0, n-maxHistory):n])
	slices.Reverse(shown)
	return shown
}
