package lease

import "time"

// Roster is who holds what at one moment, for people to read.
type Roster struct {
	Replicas []Replica `json:"replicas"` // by name
	Leases   []Tenure  `json:"leases"`   // by kind and name
}

// Replica is one that lives, or that died not long ago. One that left in good order is not there.
type Replica struct {
	Name string `json:"name"`
	Live bool   `json:"live"`
	// Since is when it was first heard of; nil when that was not noted.
	Since *time.Time `json:"since"`
	// Until is when it counts as dead, if it is not heard of before.
	Until time.Time `json:"until"`
}

// Tenure is who holds a name.
type Tenure struct {
	Kind string `json:"kind"` // server, sink or ear
	Name string `json:"name"` // of the server, of the sink, or what tells one Slack app from another
	// Holder is "" when nobody has it.
	Holder string `json:"holder"`
	// Live says that the holder lives. What a dead one holds is there to be taken.
	Live  bool  `json:"live"`
	Epoch int64 `json:"epoch"` // grows with each tenure of the name
	// Since is when it was taken; nil when that was not noted.
	Since *time.Time `json:"since"`
}
