// Package storetest is the contract of a store as tests, which every implementation passes.
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, func(t testing.TB) storetest.Store { … an empty store … })
//	}
package storetest

import (
	"context"
	"encoding"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/history"
	"watchdog/lease"
	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/store"
)

// Store is everything that a store does.
type Store interface {
	Commit(ctx context.Context, o *cycle.Outcome) error
	Load(ctx context.Context, server string) (*cycle.State, error)
	LoadReplication(ctx context.Context, of alert.Subject) (*cycle.State, error)
	Restore(ctx context.Context, server string, into store.Restorer) error
	Alerts(ctx context.Context) ([]alert.Alert, error)
	Transitions(ctx context.Context, f store.TransitionFilter) ([]alert.Transition, error)

	outbox.Queue
	Thread(ctx context.Context, sink, thread string) ([]byte, error)
	RetryDead(ctx context.Context, at time.Time, ids ...string) error
	Deliveries(ctx context.Context, f store.DeliveryFilter) ([]store.Delivery, error)
	Delivery(ctx context.Context, id string) (*store.Delivery, error)
	Backlogs(ctx context.Context) ([]store.Backlog, error)
	Park(ctx context.Context, now time.Time, inUse []string) ([]store.Backlog, error)
	BuryParked(ctx context.Context, now, before time.Time) (int, error)

	Standing(ctx context.Context, now time.Time) (*notify.Standing, error)
	PutSilence(ctx context.Context, silence *notify.Silence) error
	ExpireSilence(ctx context.Context, id string, at time.Time) (*notify.Silence, error)
	Acknowledge(ctx context.Context, fingerprint string, ack notify.Ack) error
	Unacknowledge(ctx context.Context, fingerprint string) error

	history.Keeper

	lease.Table
	Held(l lease.Lease) *store.Held
	VoidClaims(ctx context.Context, l lease.Lease, sink string) error
	Roster(ctx context.Context) (*lease.Roster, error)

	PutSight(ctx context.Context, l lease.Lease, server string, sight *store.Sight) error
	Sights(ctx context.Context) (map[string]int64, error)
	Sight(ctx context.Context, server string, parts bool, after int64) (*store.Sight, error)

	Prune(ctx context.Context, before time.Time) (int, error)
	Close() error
}

// Run checks that a store keeps the contract. Each call of open gives an empty one, which the
// test closes.
func Run(t *testing.T, open func(t testing.TB) Store) {
	for _, group := range [...]struct {
		name  string
		tests []contract
	}{
		{"state", stateTests},
		{"history", historyTests},
		{"queue", queueTests},
		{"digest", digestTests},
		{"parked", parkedTests},
		{"threads", threadTests},
		{"deliveries", deliveryTests},
		{"standing", standingTests},
		{"past", pastTests},
		{"leases", leaseTests},
		{"roster", rosterTests},
		{"sights", sightTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					s := open(t)
					t.Cleanup(func() {
						if err := s.Close(); err != nil {
							t.Errorf("Close: %v", err)
						}
					})
					test.run(t, s)
				})
			}
		})
	}
}

// RunDurable checks that a store keeps everything when it is closed and opened again. Each call
// of place makes room for one store, and gives what opens it there, again and again.
func RunDurable(t *testing.T, place func(t testing.TB) (open func(t testing.TB) Store)) {
	t.Run("what was written is there after reopening", func(t *testing.T) {
		open := place(t)
		s := open(t)
		commit(t, s, whole())
		oneOfEach(t, s)
		want, claimed := everything(t, s), claim(t, s, "hook", 0)
		for range 2 {
			must(t, s.Close())
			s = open(t)
			equal(t, "the store", want, everything(t, s))
			equal(t, "Claim", claimed, claim(t, s, "hook", 0))
		}
		say(t, s, message("late", "hook", "b"))
		must(t, s.Note(t.Context(), outbox.Sent("retrying", at(9), nil)))
		equal(t, "Claim of what waited for it", "queued late", claim(t, s, "hook", 0))
		must(t, s.Close())
	})
}

// contract is one sentence of it.
type contract struct {
	name string
	run  func(t *testing.T, s Store)
}

// epoch is when the tests begin; at is some seconds later.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// bytes is a memory of something.
type bytes string

func (b bytes) AppendBinary(to []byte) ([]byte, error) { return append(to, b...), nil }

// broken is a memory that cannot be written.
type broken struct{}

func (broken) AppendBinary(to []byte) ([]byte, error) { return to, fmt.Errorf("broken memory") }

func change(docID, state string, memory encoding.BinaryAppender) cycle.ReplicationChange {
	return cycle.ReplicationChange{Database: "_replicator", DocID: docID, State: state, Memory: memory}
}

// firing is an alert of a document of prod, with a value in every field that may be absent.
func firing(rule, docID string) alert.Alert {
	count, quiet := int64(3), at(-5)
	subject := alert.Subject{Server: "prod", Database: "_replicator", DocID: docID}
	return alert.Alert{
		Status: alert.StatusFiring, Rule: rule, Severity: alert.Critical, Fingerprint: alert.Fingerprint(rule, subject),
		Server: subject.Server, Database: subject.Database, DocID: subject.DocID,
		State: "crashing", ErrorCount: &count, Error: `unauthorized: "Name or password is incorrect."`,
		Labels: map[string]string{"team": "data"}, Summary: docID + " ✗",
		StartsAt: at(-60), QuietSince: &quiet,
	}
}

func transition(rule, docID string, second int) alert.Transition {
	return alert.Transition{Reason: alert.ReasonNew, At: at(second), Alert: firing(rule, docID)}
}

// message is one to a sink that keeps its order with others by these fingerprints. Its group is
// its own.
func message(id, sink string, fingerprints ...string) notify.Message {
	m := notify.Message{ID: id, Sink: sink, Group: map[string]string{"id": id}, At: epoch}
	for _, f := range fingerprints {
		t := transition("replication-failed", "orders", 0)
		t.Fingerprint = f
		m.Alerts = append(m.Alerts, t)
	}
	return m
}

// commit commits an outcome of prod, unless it names another server.
func commit(t testing.TB, s Store, o cycle.Outcome) {
	t.Helper()
	if o.Server == "" {
		o.Server = "prod"
	}
	o.At = epoch
	if err := s.Commit(t.Context(), &o); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

func say(t testing.TB, s Store, messages ...notify.Message) {
	t.Helper()
	commit(t, s, cycle.Outcome{Messages: messages})
}

// must ends the test for an error, which says what was called.
func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t rapid.TB, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
