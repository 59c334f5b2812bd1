package cycle

import "watchdog/alert"

// State is everything that is remembered about one server.
type State struct {
	server string
}

// NewState remembers nothing yet.
func NewState(server string) *State { return &State{server: server} }

// RestoreServer takes back what Outcome.ServerMemory wrote.
func (s *State) RestoreServer(memory []byte) error { return nil }

// RestoreReplication takes back what one ReplicationChange.Memory wrote.
func (s *State) RestoreReplication(database, docID string, memory []byte) error { return nil }

// RestoreAlert takes back one alert that has not ended.
func (s *State) RestoreAlert(a alert.Alert) {}
