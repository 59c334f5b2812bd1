package cycle

import (
	"iter"

	"watchdog/alert"
	"watchdog/rules"
	"watchdog/snapshot"
)

// State is everything that is remembered about one server. One goroutine owns it.
type State struct {
	memory *rules.Memory
}

// NewState remembers nothing yet.
func NewState(server string) *State { return &State{memory: rules.NewMemory(server)} }

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
func (s *State) Apply(o *Outcome) { s.memory.Apply(o.rules) }

// Alerts are those that are pending or firing, ordered by rule and subject.
func (s *State) Alerts() []alert.Alert { return s.memory.Alerts() }

// Absent are the replications that must be asked for one by one before they can count as
// deleted: they are remembered, and missing from a view of their database that is complete.
func (s *State) Absent(snap *snapshot.Snapshot) iter.Seq[snapshot.Key] { return s.memory.Absent(snap) }
