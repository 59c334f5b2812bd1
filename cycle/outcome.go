package cycle

import (
	"encoding"
	"time"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/rules"
)

// Outcome is what one Step decided about one server: what to remember, and what to say. It is
// committed whole or not at all, and takes effect in the State only by State.Apply, after the
// commit.
type Outcome struct {
	Server string
	At     time.Time // the snapshot's

	// ServerMemory is what to remember of the server itself; nil when that did not change.
	ServerMemory encoding.BinaryAppender
	// Replications are those whose memory changed, each once.
	Replications []ReplicationChange
	// Alerts are those that began, changed or ended, each once.
	Alerts []AlertChange
	// Transitions are what happened, told or not, ordered by rule and subject.
	Transitions []alert.Transition
	// Messages are what will be said.
	Messages []notify.Message
	// Told are what changed in who was told what, and which groups wait.
	Told []notify.MemoryChange
	// Muted is, by fingerprint, why somebody who would be told of a transition is not.
	Muted map[string]string

	rules *rules.Result // nil of a tick
	plan  *notify.Plan  // nil where nothing is said
}

func (o *Outcome) say(p *notify.Plan) {
	o.plan, o.Messages, o.Told, o.Muted = p, p.Messages, p.Changes, p.Muted
}

// ReplicationChange is the new memory of one replication.
type ReplicationChange = rules.ReplicationChange

// AlertChange is the new value of one alert, or its end.
type AlertChange = rules.AlertChange

// Empty reports whether there is nothing to commit.
func (o *Outcome) Empty() bool {
	return o.ServerMemory == nil && len(o.Replications) == 0 && len(o.Alerts) == 0 &&
		len(o.Transitions) == 0 && len(o.Messages) == 0 && len(o.Told) == 0
}
