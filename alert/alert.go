// Package alert says what an alert is and how it may change: values only, no behaviour that
// needs a clock, a disk or a network.
//
// An alert is one rule being true for one subject. It lives through pending and firing to
// resolved; each change that people are told is a Transition.
package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Subject is what an alert is about: a replication, or, with Database and DocID empty, a server.
type Subject struct {
	Server   string
	Database string // the replicator database; "_replicate" for a transient job
	DocID    string // the document; the replication id for a transient job
}

// IsServer reports whether the subject is a whole server.
func (s Subject) IsServer() bool { return s.Database == "" && s.DocID == "" }

// String is "server/database/doc_id", or the bare server name.
func (s Subject) String() string {
	if s.IsServer() {
		return s.Server
	}
	return s.Server + "/" + s.Database + "/" + s.DocID
}

// Status is where an alert is in its life, or StatusEvent for a one-shot event, which has none.
type Status string

// The statuses, as the webhook body and the API spell them.
const (
	StatusPending  Status = "pending"
	StatusFiring   Status = "firing"
	StatusResolved Status = "resolved"
	StatusEvent    Status = "event"
)

// Reason is why a transition is told.
type Reason string

// The reasons, as the webhook body spells them.
const (
	ReasonNew       Reason = "new"       // began to fire
	ReasonSeverity  Reason = "severity"  // was firing, and its severity rose
	ReasonRepeat    Reason = "repeat"    // still fires: a reminder
	ReasonUnmuted   Reason = "unmuted"   // was muted, and still fires
	ReasonEscalated Reason = "escalated" // has fired for long, and nobody acknowledged it
	ReasonResolved  Reason = "resolved"  // the condition ended
	ReasonDeleted   Reason = "deleted"   // the subject was deleted
	ReasonEvent     Reason = "event"     // a one-shot event

	// What follows is told to sinks that show what people say, and to no other.
	ReasonAcknowledged Reason = "acknowledged" // somebody has it
	ReasonSilenced     Reason = "silenced"     // somebody muted it
	ReasonReleased     Reason = "released"     // nobody has it any more, or it is not muted any more
)

// Quiet reports whether people said it themselves, so that nobody needs to be called.
func (r Reason) Quiet() bool {
	return r == ReasonAcknowledged || r == ReasonSilenced || r == ReasonReleased
}

// Alert is one rule being true for one subject, as it is remembered, stored and told. Its JSON
// form is an element of `alerts` in the body of a webhook: fields may be added, never renamed.
type Alert struct {
	Status      Status   `json:"status"`
	Rule        string   `json:"rule"`
	Severity    Severity `json:"severity"`
	Fingerprint string   `json:"fingerprint"`

	Server        string `json:"server"`
	Database      string `json:"database"`
	DocID         string `json:"doc_id"`
	ReplicationID string `json:"replication_id"`
	Source        string `json:"source"`
	Target        string `json:"target"`
	State         string `json:"state"`          // "" when the server did not give one
	PreviousState string `json:"previous_state"` // "" when no other state has been seen
	ErrorCount    *int64 `json:"error_count"`    // nil when the server did not give one
	Error         string `json:"error"`

	Labels      map[string]string `json:"labels"`
	Summary     string            `json:"summary"`
	Description string            `json:"description"`
	RunbookURL  string            `json:"runbook_url"`

	// StartsAt is the time of the snapshot in which the rule's condition became true.
	StartsAt time.Time `json:"starts_at"`
	// EndsAt is the time of the snapshot which ended it; nil while it lives.
	EndsAt *time.Time `json:"ends_at"`
	// QuietSince is set while the condition is over but keep_firing_for keeps the alert alive:
	// the time of the snapshot in which it ended.
	QuietSince *time.Time `json:"quiet_since,omitempty"`

	URL string `json:"url"`
}

// Subject is what the alert is about.
func (a *Alert) Subject() Subject {
	return Subject{Server: a.Server, Database: a.Database, DocID: a.DocID}
}

// Transition is one change of an alert, or a one-shot event: the unit that is told to people,
// exactly once per sink. Its alert is a copy as of the change. It marshals as one flat object.
type Transition struct {
	Reason Reason    `json:"reason"`
	At     time.Time `json:"at"` // the time of the snapshot that decided it
	Alert
}

// Fingerprint names the alert of one rule for one subject, the same for all its lives and on
// every machine: 16 hexadecimal digits.
func Fingerprint(rule string, s Subject) string {
	h := sha256.New()
	for _, part := range [...]string{rule, s.Server, s.Database, s.DocID} {
		h.Write([]byte(part))
		h.Write([]byte{0xff}) // no byte of UTF-8 text, so parts cannot run together
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
