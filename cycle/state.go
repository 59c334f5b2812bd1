package cycle

import (
	"iter"
	"time"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/snapshot"
)

// State is everything that is remembered about one server. One goroutine owns it.
type State struct {
	memory *rules.Memory
	told   *notify.Memory
}

// NewState remembers nothing yet.
func NewState(server string) *State {
	return &State{memory: rules.NewMemory(server), told: notify.NewMemory()}
}

// Server is the server's name.
func (s *State) Server() string { return s.memory.Server() }

// RestoreServer takes back what Outcome.ServerMemory wrote.
func (s *State) RestoreServer(memory []byte) error { return s.memory.RestoreServer(memory) }

// RestoreReplication takes back what one ReplicationChange.Memory wrote. It keeps no reference
// to the bytes.
func (s *State) RestoreReplication(database, docID string, memory []byte) error {
	return s.memory.RestoreReplication(database, docID, memory)
}

// RestoreAlert takes back one alert that has not ended.
func (s *State) RestoreAlert(a alert.Alert) { s.memory.RestoreAlert(a) }

// Apply makes a committed outcome the state. Outcomes of other states must not be given.
func (s *State) Apply(o *Outcome) {
	if o.rules != nil {
		s.memory.Apply(o.rules)
	}
	if o.plan != nil {
		s.told.Apply(o.plan)
	}
}

// Reconsider makes the next Step see everything as if it had changed. It is for when the rules
// have.
func (s *State) Reconsider() { s.memory.Reconsider() }

// RestoreTold takes back what one of Outcome.Told wrote.
func (s *State) RestoreTold(key string, body []byte) error { return s.told.Restore(key, body) }

// Wake is when something is due by the passing of time alone; zero when nothing is. Then Tick
// is to be called.
func (s *State) Wake() time.Time { return s.told.Wake() }

// firingAfter are the alerts that fire after a result is applied; nil is none.
func (s *State) firingAfter(result *rules.Result) []alert.Alert {
	var changed map[string]*rules.AlertChange
	if result != nil {
		changed = make(map[string]*rules.AlertChange, len(result.Alerts))
		for i := range result.Alerts {
			changed[result.Alerts[i].Alert.Fingerprint] = &result.Alerts[i]
		}
	}
	var firing []alert.Alert
	for _, a := range s.memory.Alerts() {
		if changed[a.Fingerprint] == nil && a.Status == alert.StatusFiring {
			firing = append(firing, a)
		}
	}
	if result != nil {
		for i := range result.Alerts {
			if c := &result.Alerts[i]; !c.Ended && c.Alert.Status == alert.StatusFiring {
				firing = append(firing, c.Alert)
			}
		}
	}
	return firing
}

// Alerts are those that are pending or firing, ordered by rule and subject.
func (s *State) Alerts() []alert.Alert { return s.memory.Alerts() }

// Absent are the replications that must be asked for one by one before they can count as
// deleted: they are remembered, and missing from a view of their database that is complete.
func (s *State) Absent(snap *snapshot.Snapshot) iter.Seq[snapshot.Key] { return s.memory.Absent(snap) }
