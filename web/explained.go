package web

import (
	"watchdog/notify"
	"watchdog/rules"
)

// Explained is why a rule does or does not fire for one replication, and whom it would tell.
type Explained struct {
	rules.Explanation
	Tells   []notify.Destination `json:"tells"`
	MutedBy string               `json:"muted_by"` // why nobody is told, "" when somebody is
}
