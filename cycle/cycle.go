// Package cycle is one whole decision: what was seen and what is remembered go in; what to
// remember, what happened and what to say come out. The daemon, replay and rule tests all call
// the same Step.
//
// # Promises
//
// Pure: the same State and Snapshot give the same Outcome, down to the ids of the messages.
// A State changes only by Apply; a Step whose Outcome was not committed leaves no trace, and
// the next one decides anew. The same snapshot twice decides nothing the second time.
//
// # Not promised
//
// That an Outcome was stored or a message sent: that is the Ledger's and the outbox's.
//
// # Testing
//
// Outcomes are compared as values; recordings of a real server are replayed against golden
// files.
package cycle

import (
	"time"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/snapshot"
)

// Cycle decides for one check on one server. It is immutable and may be shared.
type Cycle struct {
	// Rules are those of the check, for the server.
	Rules *rules.Set
	// Router turns transitions into messages; nil decides without saying anything.
	Router *notify.Router
}

// Standing is what people have said that stands.
type Standing = notify.Standing

// Explain says of each rule what it makes of one replication now, and changes nothing.
func (c *Cycle) Explain(state *State, row *snapshot.Replication, now time.Time) []rules.Explanation {
	return c.Rules.Explain(state.memory, row, now)
}

// Outlook says who hears of an alert, who was told, and what is to come. It is Router.Outlook by
// what is remembered.
func (c *Cycle) Outlook(state *State, a *alert.Alert, firing []alert.Alert, standing *Standing, now time.Time) []notify.Destination {
	return c.Router.Outlook(state.told, a, firing, standing, now)
}

// Step decides what one snapshot means, given what is remembered. It changes neither. The
// caller commits the outcome and then applies it to the state.
//
// standing is what people have said; the same pointer as before means that nothing has changed,
// and nil that nobody says anything.
func (c *Cycle) Step(state *State, snap *snapshot.Snapshot, standing *Standing) *Outcome {
	result := c.Rules.Step(state.memory, snap)
	out := &Outcome{
		Server:       state.Server(),
		At:           result.At,
		ServerMemory: result.Server,
		Replications: result.Replications,
		Alerts:       result.Alerts,
		Transitions:  result.Transitions,
		rules:        result,
	}
	if c.Router != nil {
		out.say(c.Router.Step(state.told, notify.Input{
			Now: result.At, Transitions: result.Transitions, Standing: standing,
			Firing: func() []alert.Alert { return state.firingAfter(result) },
		}))
	}
	return out
}

// Tick decides what is due by the passing of time alone: groups that waited, reminders,
// escalations, and what is not muted any more. It is called when State.Wake says, and
// after people said something.
func (c *Cycle) Tick(state *State, now time.Time, standing *Standing) *Outcome {
	out := &Outcome{Server: state.Server(), At: now}
	if c.Router != nil {
		out.say(c.Router.Step(state.told, notify.Input{
			Now: now, Standing: standing,
			Firing: func() []alert.Alert { return state.firingAfter(nil) },
		}))
	}
	return out
}
